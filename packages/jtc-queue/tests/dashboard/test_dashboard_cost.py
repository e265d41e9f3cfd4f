from __future__ import annotations

import time
from typing import Any

import pytest
import saq

from jtc.queue import RedisQueue
from jtc.queue.failure_line import write_line

MANY = 10_000
ROUND_TRIPS = 10
PAGE = 60_000
TRACEBACK = "Traceback (most recent call last):\n" + "  File x, line 1\n" * 40


@pytest.fixture
async def many_failed(queue: RedisQueue) -> None:
    """Ten thousand failed jobs, in three groups; every hundredth is of the bank."""
    async with queue.redis.pipeline(transaction=False) as pipe:
        for n in range(MANY):
            job = failed_job(queue, n)
            pipe.set(job.id, queue.serialize(job))
            pipe.zadd(queue.keys.failed, {job.id: time.time() - n})
            line = write_line("sync", None, f"Error{n % 3}", said(n))
            pipe.hset(queue.keys.failures, job.id, line)
        await pipe.execute()


def failed_job(queue: RedisQueue, n: int) -> saq.Job:
    job = saq.Job("sync", key=f"job-{n}", queue=queue, attempts=3)
    job.status = saq.Status.FAILED
    job.error = f"{TRACEBACK}Error{n % 3}: {said(n)}"
    return job


def said(n: int) -> str:
    return "the bank is down" if n % 100 == 0 else "no such order"


@pytest.mark.usefixtures("many_failed")
@pytest.mark.parametrize(
    ("path", "rows", "most_bytes"),
    [
        ("/failed", 50, 100_000),
        ("/jobs?state=failed", 50, 100_000),
        ("/", 1, 10_000),
        # These look through the lines that failed jobs are found by; not the documents,
        # which are ten times as long.
        ("/failed?text=bank", 50, 150 * MANY),
        ("/failed?group_name=sync&group_exception=Error1", 50, 150 * MANY),
        ("/failed?by=group", 3, 150 * MANY),
    ],
)
async def test_a_page_costs_no_more_where_many_jobs_have_failed(
    queue: RedisQueue, browser: Any, path: str, rows: int, most_bytes: int
) -> None:
    # Given
    await browser.client.get(path)
    await queue.redis.config_resetstat()

    # When
    began = time.perf_counter()
    page = await browser.client.get(path)
    took = time.perf_counter() - began

    # Then
    stats = await queue.redis.info("stats")
    asked = stats["total_reads_processed"]
    read = stats["total_net_output_bytes"]
    print(path, asked, "round trips", read, "bytes", len(page.content), f"{took:.3f} s")
    table = page.text.partition("</table>")[0]
    assert table.count("<tr data-key") == rows
    assert asked <= ROUND_TRIPS
    assert read < most_bytes
    assert len(page.content) < PAGE
