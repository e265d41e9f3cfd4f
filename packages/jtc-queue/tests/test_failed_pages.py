from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
import saq
from hypothesis import given, settings
from hypothesis import strategies as st

from jtc.queue import (
    FailedGroup,
    FailedJobs,
    FailedPages,
    InvalidFilter,
    RedisQueue,
    Worker,
    failed_pages,
    open_client,
)
from jtc.queue.embedded import EmbeddedServer
from jtc.queue.failure_line import read_line, write_line
from jtc.queue.redis_queue import FAILED_TTL


class PaymentRefused(Exception):
    pass


async def runner(ctx: dict[str, Any], job_class: str, payload: dict[str, Any]) -> None:
    raise PaymentRefused(f"card of {payload.get('who')} is refused")


async def sync(ctx: dict[str, Any]) -> None:
    raise OSError("No route to HOST")


async def echo(ctx: dict[str, Any], **kwargs: Any) -> None:
    pass


@pytest.fixture
def pages(queue: RedisQueue) -> FailedPages:
    return FailedPages(queue)


async def work_off(queue: RedisQueue) -> None:
    await Worker(queue, [runner, sync, echo], burst=True, concurrency=1).start()


@pytest.fixture
async def five(queue: RedisQueue) -> None:
    """Five jobs that failed, each a minute after the one before; the last one now."""
    for n, who in enumerate(("ann", "bob")):
        call: dict[str, Any] = {"payload": {"who": who}}
        await queue.enqueue("runner", key=f"pay-{n}", job_class="shop.Pay", **call)
    await queue.enqueue("runner", key="repay", job_class="shop.Repay", payload={})
    for n in range(2):
        await queue.enqueue("sync", key=f"sync-{n}")
    await work_off(queue)
    for n, key in enumerate(("sync-1", "sync-0", "repay", "pay-1", "pay-0")):
        job_id = queue.job_id(key)
        await queue.redis.zincrby(queue.keys.failed, -60 * n, job_id)


NEWEST_FIRST = ["sync-1", "sync-0", "repay", "pay-1", "pay-0"]


async def all_ids(pages: FailedPages, **wanted: Any) -> list[str]:
    """The ids on all pages, one after the other."""
    ids: list[str] = []
    cursor = None
    while True:
        page = await pages.page(cursor=cursor, **wanted)
        ids += [job.id for job in page.jobs]
        cursor = page.next
        if cursor is None:
            return ids


async def test_a_queue_without_failures_has_an_empty_page(pages: FailedPages) -> None:
    page = await pages.page()
    assert (page.jobs, page.next, page.total, page.looked_at) == ([], None, 0, 0)
    assert await pages.groups() == []


@pytest.mark.usefixtures("five")
async def test_the_latest_failure_comes_first(
    queue: RedisQueue, pages: FailedPages
) -> None:
    page = await pages.page(size=2)
    assert [job.id for job in page.jobs] == NEWEST_FIRST[:2]
    assert page.total == 5
    assert page.jobs == list(await FailedJobs(queue).list(limit=2))
    assert await all_ids(pages, size=2) == NEWEST_FIRST
    # And a page that just fits is the last one
    assert (await pages.page(size=5)).next is None


@pytest.mark.usefixtures("five")
@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"text": "route"}, "sync-1 sync-0"),
        ({"text": "no ROUTE to host"}, "sync-1 sync-0"),
        ({"text": "Ann"}, "pay-0"),
        ({"text": "shop.pay"}, "pay-1 pay-0"),
        ({"text": "paymentrefused"}, "repay pay-1 pay-0"),
        ({"text": "PAY-1"}, "pay-1"),
        ({"text": ""}, "sync-1 sync-0 repay pay-1 pay-0"),
        ({"text": "*"}, ""),
        ({"job_class": "Pay"}, "pay-1 pay-0"),
        ({"function": "runner"}, "repay pay-1 pay-0"),
        ({"exception": OSError}, "sync-1 sync-0"),
        ({"exception": "PaymentRefused"}, "repay pay-1 pay-0"),
        ({"exception": "PaymentRefused", "text": "bob"}, "pay-1"),
        ({"group": ("sync", "OSError")}, "sync-1 sync-0"),
        ({"group": ("shop.Pay", f"{__name__}.PaymentRefused")}, "pay-1 pay-0"),
        ({"group": ("Pay", f"{__name__}.PaymentRefused")}, ""),
        ({"group": ("sync", None)}, ""),
        ({"older_than": 90}, "repay pay-1 pay-0"),
        ({"older_than": timedelta(seconds=90), "text": "ann"}, "pay-0"),
        ({"older_than": 10_000}, ""),
    ],
)
@pytest.mark.parametrize("size", [1, 50])
async def test_failed_jobs_are_found(
    queue: RedisQueue, pages: FailedPages, wanted: Any, found: str, size: int
) -> None:
    assert await all_ids(pages, size=size, **wanted) == found.split()
    # And what is put back is what was shown
    assert list(await FailedJobs(queue).retry_all(**wanted)) == found.split()


@pytest.mark.usefixtures("five")
async def test_failed_jobs_are_found_by_when_they_failed(
    queue: RedisQueue, pages: FailedPages
) -> None:
    third = (await FailedJobs(queue).get("repay")) or pytest.fail("not there")
    assert await all_ids(pages, since=third.failed_at) == NEWEST_FIRST[:3]
    wanted = {"since": third.failed_at, "older_than": 30}
    assert await all_ids(pages, size=1, **wanted) == NEWEST_FIRST[1:3]
    with pytest.raises(InvalidFilter, match="time zone"):
        await pages.page(since=third.failed_at.replace(tzinfo=None))


async def test_failures_of_one_moment_are_each_on_one_page(
    queue: RedisQueue, pages: FailedPages
) -> None:
    keys = [f"k{n:02}" for n in range(20)]
    for key in keys:
        await queue.enqueue("sync", key=key)
    await work_off(queue)
    await queue.redis.zadd(queue.keys.failed, {queue.job_id(key): 1e9 for key in keys})
    assert await all_ids(pages, size=3) == keys[::-1]
    assert await all_ids(pages, size=3, text="k") == keys[::-1]


@pytest.mark.parametrize("wanted", [{}, {"text": "sync"}])
async def test_what_happens_meanwhile_changes_nothing_about_the_pages_that_follow(
    queue: RedisQueue, pages: FailedPages, wanted: Any
) -> None:
    for n in range(8):
        await queue.enqueue("sync", key=str(n))
        await work_off(queue)
    page = await pages.page(size=3, **wanted)
    assert [job.id for job in page.jobs] == [*"765"]
    # When one fails, and two of those on the page leave the list
    await queue.enqueue("sync", key="new")
    await work_off(queue)
    await FailedJobs(queue).forget("6", "5")
    # Then
    rest = await pages.page(cursor=page.next, **wanted)
    assert [job.id for job in rest.jobs] == [*"43210"]


# -- groups ----------------------------------------------------------------------------


@pytest.mark.usefixtures("five")
async def test_failures_of_one_kind_are_a_group(
    queue: RedisQueue, pages: FailedPages
) -> None:
    times = {job.id: job.failed_at for job in await FailedJobs(queue).list()}
    refused = f"{__name__}.PaymentRefused"
    pay = FailedGroup(
        name="shop.Pay",
        exception=refused,
        count=2,
        first=times["pay-0"],
        last=times["pay-1"],
        example="pay-1",
        message="card of bob is refused",
    )
    groups = await pages.groups()
    assert [(one.name, one.exception, one.count) for one in groups] == [
        ("sync", "OSError", 2),
        ("shop.Pay", refused, 2),
        ("shop.Repay", refused, 1),
    ]
    assert groups[1] == pay
    assert [one.name for one in await pages.groups(text="bob")] == ["shop.Pay"]
    assert [one.count for one in await pages.groups(older_than=90)] == [2, 1]


@pytest.mark.usefixtures("five")
async def test_a_group_is_put_back_or_forgotten_as_a_whole(
    queue: RedisQueue, pages: FailedPages
) -> None:
    failed = FailedJobs(queue)
    sync_group, pay_group, _ = [one.key for one in await pages.groups()]
    assert await failed.forget_all(group=sync_group) == ("sync-1", "sync-0")
    assert await failed.retry_all(group=pay_group) == ("pay-1", "pay-0")
    assert await all_ids(pages) == ["repay"]
    assert await queue.redis.exists(queue.job_id("sync-0")) == 0


@pytest.mark.usefixtures("five")
async def test_all_that_fit_are_forgotten_and_no_others(
    queue: RedisQueue, pages: FailedPages
) -> None:
    gone = await FailedJobs(queue).forget_all(text="sync", older_than=30)
    assert gone == ("sync-0",)
    assert await all_ids(pages) == ["sync-1", "repay", "pay-1", "pay-0"]


@settings(max_examples=30)
@given(
    kinds=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"))),
    size=st.integers(1, 9),
)
def test_groups_and_pages_are_of_the_same_jobs(
    server: EmbeddedServer, kinds: Sequence[tuple[str, str]], size: int
) -> None:
    async def check() -> None:
        queue = RedisQueue(open_client(server.url))
        await queue.redis.flushall()
        async with queue.redis.pipeline() as pipe:
            for n, (function, exception) in enumerate(kinds):
                job = saq.Job(function, key=f"k{n}", queue=queue)
                pipe.set(job.id, queue.serialize(job))
                pipe.zadd(queue.keys.failed, {job.id: n // 3})
                line = write_line(function, None, exception, "")
                pipe.hset(queue.keys.failures, job.id, line)
            await pipe.execute()
        pages = FailedPages(queue)
        groups = await pages.groups()
        found = {
            one.key: await all_ids(pages, group=one.key, size=size) for one in groups
        }
        every = await all_ids(pages, size=size)
        await queue.disconnect()
        assert sorted(every) == sorted(f"k{n}" for n in range(len(kinds)))
        assert {one.key: one.count for one in groups} == Counter(kinds)
        for key, ids in found.items():
            mine = (f"k{n}" for n, kind in enumerate(kinds) if kind == key)
            assert sorted(ids) == sorted(mine)

    asyncio.run(check())


# -- what failed jobs are searched by --------------------------------------------------


@pytest.mark.usefixtures("five")
async def test_what_has_no_line_is_found_by_its_document(
    queue: RedisQueue, pages: FailedPages, redis: Any
) -> None:
    lines = await redis.hgetall(queue.keys.failures)
    assert len(lines) == 5
    await redis.delete(queue.keys.failures)
    assert await all_ids(pages, text="ann") == ["pay-0"]
    # And then it has one
    assert await redis.hgetall(queue.keys.failures) == lines


async def test_what_is_no_job_is_found_as_that(
    queue: RedisQueue, pages: FailedPages, redis: Any
) -> None:
    await queue.enqueue("echo", key="odd")
    await redis.set(queue.job_id("odd"), b"not a job")
    await work_off(queue)
    (group,) = await pages.groups()
    assert (group.key, group.count) == ((None, None), 1)
    assert await all_ids(pages, group=group.key) == ["odd"]


async def test_a_job_that_fails_otherwise_is_found_by_its_last_failure(
    queue: RedisQueue, pages: FailedPages
) -> None:
    messages = ["first", "second"]

    async def flaky(ctx: dict[str, Any]) -> None:
        raise ValueError(messages.pop(0))

    for _ in range(2):
        await queue.enqueue("flaky", key="one")
        await Worker(queue, [("flaky", flaky)], burst=True).start()
    assert await all_ids(pages, text="first") == []
    assert await all_ids(pages, text="second") == ["one"]


async def test_one_whose_document_has_expired_is_passed_over(
    queue: RedisQueue, pages: FailedPages, redis: Any
) -> None:
    for key in "ab":
        await queue.enqueue("sync", key=key)
    await work_off(queue)
    await redis.delete(queue.job_id("a"))
    await redis.hdel(queue.keys.failures, queue.job_id("a"))
    assert await all_ids(pages) == ["b"]
    assert await all_ids(pages, text="sync") == ["b"]
    assert [one.count for one in await pages.groups()] == [1]


async def test_what_has_left_the_list_leaves_nothing_behind(
    queue: RedisQueue, redis: Any
) -> None:
    failed = FailedJobs(queue)
    for key in ("kept", "forgotten", "back", "old"):
        await queue.enqueue("sync", key=key)
    await work_off(queue)
    await failed.forget("forgotten")
    await failed.retry("back")
    await redis.zincrby(queue.keys.failed, -FAILED_TTL - 9, queue.job_id("old"))
    assert await failed.prune() == 1
    assert await redis.hkeys(queue.keys.failures) == [queue.job_id("kept").encode()]
    await failed.flush()
    await failed.prune()
    assert await redis.exists(queue.keys.failures) == 0


async def test_a_line_holds_whatever_a_message_says(
    queue: RedisQueue, pages: FailedPages
) -> None:
    message = '[]",{}\n\x00 ü'

    async def odd(ctx: dict[str, Any]) -> None:
        raise ValueError(message)

    await queue.enqueue("odd", key="one")
    await Worker(queue, [("odd", odd)], burst=True).start()
    assert await all_ids(pages, text='[]",{}\n\x00') == ["one"]
    assert await all_ids(pages, text="Ü") == ["one"]


def test_a_line_holds_half_of_a_character() -> None:
    text = write_line("f", None, "ValueError", "\ud83d").encode()
    assert read_line("one", text, at=0.0).message == "?"


async def test_a_search_reads_no_documents_but_those_it_shows(
    queue: RedisQueue, pages: FailedPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failed_pages, "STEP", 10)
    for n in range(30):
        await queue.enqueue("sync", key=f"k{n}")
    await work_off(queue)
    await pages.page(text="k7")
    await queue.redis.config_resetstat()
    page = await pages.page(text="k7")
    assert ([job.id for job in page.jobs], page.looked_at) == (["k7"], 30)
    stats = await queue.redis.info("commandstats")
    assert stats["cmdstat_mget"]["calls"] == 1
    assert stats["cmdstat_evalsha"]["calls"] == 3
