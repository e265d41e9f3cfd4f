from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import saq
from hypothesis import given, settings
from hypothesis import strategies as st
from saq.job import Status

from jtc.queue import (
    InvalidFilter,
    JobPage,
    JobPages,
    QueueControl,
    RedisQueue,
    Worker,
    job_pages,
    open_client,
    places,
)
from jtc.queue.embedded import EmbeddedServer
from jtc.queue.flow import Flow
from jtc.queue.flows import Flows

Eventually = Callable[..., Awaitable[Any]]
FAR_AWAY = 4_000_000_000


async def echo(ctx: dict[str, Any], **kwargs: Any) -> Any:
    return kwargs


async def error(ctx: dict[str, Any], **kwargs: Any) -> None:
    raise ValueError("no luck")


@pytest.fixture
def pages(queue: RedisQueue) -> JobPages:
    return JobPages(queue)


async def work_off(queue: RedisQueue) -> None:
    await Worker(queue, [error, echo], burst=True, concurrency=1).start()


async def all_ids(pages: JobPages, state: Any, **wanted: Any) -> list[str]:
    """The ids on all pages, one after the other."""
    ids: list[str] = []
    cursor = None
    while True:
        page = await pages.page(state, cursor=cursor, **wanted)
        ids += [job.id for job in page.jobs]
        cursor = page.next
        if cursor is None:
            return ids


# -- states ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "state", ["waiting", "delayed", "running", "failed", "complete", "aborted"]
)
async def test_a_queue_without_jobs_has_empty_pages(
    pages: JobPages, state: Any
) -> None:
    page = await pages.page(state)
    total = None if state in ("complete", "aborted") else 0
    assert page == JobPage(jobs=[], next=None, total=total, looked_at=0)


async def test_waiting_jobs_come_as_they_are_taken(
    queue: RedisQueue, pages: JobPages
) -> None:
    for n in range(5):
        await queue.enqueue("echo", key=str(n), size=n)
    page = await pages.page("waiting", size=3)
    assert [job.id for job in page.jobs] == ["0", "1", "2"]
    assert [job.state for job in page.jobs] == ["waiting"] * 3
    assert page.jobs[1].payload == {"size": 1}
    assert (page.total, page.looked_at) == (5, 3)
    page = await pages.page("waiting", size=3, cursor=page.next)
    assert [job.id for job in page.jobs] == ["3", "4"]
    assert page.next is None


async def test_delayed_jobs_come_by_the_time_they_are_due(
    queue: RedisQueue, pages: JobPages
) -> None:
    await queue.enqueue("echo", key="waits")
    for key, due in (("c", 30), ("a", 10), ("b", 20)):
        await queue.enqueue("echo", key=key, scheduled=FAR_AWAY + due)
    assert await all_ids(pages, "delayed", size=2) == ["a", "b", "c"]
    assert (await pages.page("delayed", size=2)).total == 3


async def test_many_that_are_due_at_once_are_each_met_once(
    queue: RedisQueue, pages: JobPages
) -> None:
    keys = sorted(f"k{n}" for n in range(25))
    for key in keys:
        await queue.enqueue("echo", key=key, scheduled=FAR_AWAY)
    assert await all_ids(pages, "delayed", size=4) == keys


async def test_a_running_job_shows_who_runs_it(
    queue: RedisQueue, pages: JobPages, working: Any, eventually: Eventually
) -> None:
    async def run(ctx: dict[str, Any]) -> None:
        await release.wait()

    release = asyncio.Event()
    async with working(Worker(queue, [("run", run)], id="w1")):
        await queue.enqueue("run", key="long")
        page = await eventually(lambda: shown(pages, "running"))
        release.set()
    (job,) = page.jobs
    assert (job.id, job.state, job.worker) == ("long", "running", "w1")
    assert page.total == 1


async def shown(pages: JobPages, state: Any) -> JobPage | None:
    page = await pages.page(state)
    return page if page.jobs and page.jobs[0].started_at else None


async def test_what_ended_last_comes_first(queue: RedisQueue, pages: JobPages) -> None:
    for n in range(3):
        await queue.enqueue("echo", key=f"done-{n}")
        await queue.enqueue("error", key=f"failed-{n}")
        await queue.enqueue("echo", key=f"canceled-{n}")
        await queue.cancel(f"canceled-{n}", reason="not needed")
        await work_off(queue)
    assert await all_ids(pages, "complete") == ["done-2", "done-1", "done-0"]
    assert await all_ids(pages, "failed") == ["failed-2", "failed-1", "failed-0"]
    page = await pages.page("aborted", size=2)
    assert [job.id for job in page.jobs] == ["canceled-2", "canceled-1"]
    assert page.jobs[0].error == "not needed"


async def test_what_is_canceled_by_groups_is_among_the_aborted(
    queue: RedisQueue, pages: JobPages
) -> None:
    # Given what is cleared away, and the rest of a batch
    await queue.enqueue("echo", key="cleared")
    await QueueControl(queue).clear()
    jobs = [saq.Job("echo") for _ in range(2)]
    flow = Flow("batch", jobs)
    await Flows(queue).start(flow)
    await Flows(queue).cancel(flow.id)
    # Then
    members = {f"{flow.id}.{n}" for n in range(2)}
    assert set(await all_ids(pages, "aborted")) == {"cleared", *members}


async def test_a_result_that_is_not_kept_is_not_listed(
    queue: RedisQueue, pages: JobPages, redis: Any
) -> None:
    await queue.enqueue("echo", key="kept")
    await queue.enqueue("echo", key="not-kept", ttl=-1)
    await queue.enqueue("echo", key="gone")
    await work_off(queue)
    await redis.delete(queue.job_id("gone"))
    assert await all_ids(pages, "complete") == ["kept"]
    assert await redis.llen(queue.keys.recent) == 2


async def test_the_list_of_what_ended_stays_short(
    queue: RedisQueue, redis: Any
) -> None:
    await queue.enqueue_many([saq.Job("echo") for _ in range(1500)])
    await Worker(queue, [echo], burst=True).start()
    assert 500 <= await redis.llen(queue.keys.recent) <= 600
    assert 0 < await redis.ttl(queue.keys.recent) <= 7 * 24 * 3600


async def test_what_ends_seldom_is_kept_from_the_last_one_on(
    queue: RedisQueue, redis: Any
) -> None:
    # Given a list that began almost a week ago
    await queue.enqueue("echo")
    await work_off(queue)
    await redis.expire(queue.keys.recent, 3600)
    # When one more job ends
    await queue.enqueue("echo")
    await work_off(queue)
    # Then it stays for a week
    assert await redis.ttl(queue.keys.recent) > 6 * 24 * 3600


async def test_a_job_that_is_enqueued_again_counts_for_where_it_is_now(
    queue: RedisQueue, pages: JobPages
) -> None:
    for _ in range(2):
        await queue.enqueue("echo", key="again")
        await work_off(queue)
    assert await all_ids(pages, "complete") == ["again"]
    await queue.enqueue("echo", key="again")
    assert await all_ids(pages, "complete") == []
    assert await all_ids(pages, "waiting") == ["again"]


async def test_what_was_canceled_in_the_list_is_not_waiting(
    queue: RedisQueue, pages: JobPages
) -> None:
    for n in range(6):
        await queue.enqueue("echo", key=str(n))
    for n in (0, 1, 4):
        await queue.cancel(str(n))
    assert await all_ids(pages, "waiting", size=2) == ["2", "3", "5"]


async def test_what_is_no_job_is_shown_as_that(
    queue: RedisQueue, pages: JobPages, redis: Any
) -> None:
    await queue.enqueue("echo", key="odd")
    await redis.set(queue.job_id("odd"), b"not a job")
    (job,) = (await pages.page("waiting")).jobs
    assert (job.state, job.raw) == ("unreadable", "not a job")
    await work_off(queue)
    (job,) = (await pages.page("failed")).jobs
    assert (job.id, job.state) == ("odd", "unreadable")
    assert (await pages.page("failed", name="echo")).jobs == []


# -- choosing --------------------------------------------------------------------------


async def test_jobs_are_chosen_by_class_or_function(
    queue: RedisQueue, pages: JobPages
) -> None:
    for n in range(3):
        call = {"job_class": f"shop.jobs.{'Pay' if n else 'Repay'}", "payload": {}}
        await queue.enqueue("runner", key=f"job-{n}", **call)
        await queue.enqueue("echo", key=f"function-{n}")
    assert await all_ids(pages, "waiting", name="Pay", size=1) == ["job-1", "job-2"]
    assert await all_ids(pages, "waiting", name="shop.jobs.Repay") == ["job-0"]
    assert len(await all_ids(pages, "waiting", name="echo")) == 3
    assert len(await all_ids(pages, "waiting", name="runner")) == 3
    assert await all_ids(pages, "waiting", name="ay") == []


async def test_a_page_looks_at_so_many_jobs_and_goes_on_there(
    queue: RedisQueue, pages: JobPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_pages, "WINDOW", 4)
    monkeypatch.setattr(job_pages, "GROUP", 2)
    for n in range(9):
        await queue.enqueue("echo", key=str(n))
    await queue.enqueue("error", key="rare")
    page = await pages.page("waiting", name="error")
    assert (page.jobs, page.looked_at, page.total) == ([], 4, 10)
    assert page.next is not None
    assert await all_ids(pages, "waiting", name="error") == ["rare"]


@pytest.mark.parametrize(
    "cursor", ["", "x", "1", ":a", "-1:a", "1e9:a", "nan:a", " 1:a"]
)
async def test_a_cursor_that_is_none_is_refused(pages: JobPages, cursor: str) -> None:
    with pytest.raises(InvalidFilter, match="cursor="):
        await pages.page("waiting", cursor=cursor)


@pytest.mark.parametrize("size", [0, -1, 501, True, 1.5, "9"])
async def test_a_size_that_is_none_is_refused(pages: JobPages, size: Any) -> None:
    with pytest.raises(InvalidFilter, match="size="):
        await pages.page("waiting", size=size)


async def test_a_state_that_is_none_is_refused(pages: JobPages) -> None:
    state: Any = "nowhere"
    with pytest.raises(InvalidFilter, match="waiting"):
        await pages.page(state)


# -- what moves meanwhile --------------------------------------------------------------


async def test_jobs_that_were_taken_meanwhile_hide_none(
    queue: RedisQueue, pages: JobPages, redis: Any
) -> None:
    for n in range(9):
        await queue.enqueue("echo", key=str(n))
    page = await pages.page("waiting", size=4)
    # When two of those on the page are taken
    await redis.lpop(queue.keys.queued, 2)
    assert [j.id for j in (await pages.page("waiting", cursor=page.next)).jobs] == [
        *"45678"
    ]
    # When all of them are, and one more
    await redis.lpop(queue.keys.queued, 3)
    assert [j.id for j in (await pages.page("waiting", cursor=page.next)).jobs] == [
        *"5678"
    ]


async def test_jobs_that_failed_meanwhile_show_none_twice(
    queue: RedisQueue, pages: JobPages
) -> None:
    for n in range(6):
        await queue.enqueue("error", key=str(n))
        await work_off(queue)
    page = await pages.page("failed", size=3)
    await queue.enqueue("error", key="new")
    await work_off(queue)
    rest = await pages.page("failed", size=3, cursor=page.next)
    assert [job.id for job in (*page.jobs, *rest.jobs)] == [*"543210"]


async def test_a_page_goes_on_where_a_job_was_that_has_failed_anew(
    queue: RedisQueue, pages: JobPages
) -> None:
    for n in range(4):
        await queue.enqueue("error", key=str(n))
        await work_off(queue)
    page = await pages.page("failed", size=2)
    # When the last one on the page comes to be the newest
    await queue.enqueue("error", key="2")
    await work_off(queue)
    rest = await pages.page("failed", cursor=page.next)
    assert [job.id for job in rest.jobs] == ["1", "0"]


async def test_an_id_that_is_twice_in_the_list_does_not_lead_back(
    queue: RedisQueue, pages: JobPages
) -> None:
    await queue.enqueue("echo", key="a")
    await queue.enqueue("echo", key="b")
    await queue.cancel("a")
    await queue.enqueue("echo", key="a")
    await queue.enqueue("echo", key="c")
    assert await all_ids(pages, "waiting", size=1) == ["a", "b", "a", "c"]


async def test_beyond_the_depth_that_is_looked_through_the_place_counts(
    queue: RedisQueue, pages: JobPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "FAR", 3)
    keys = [str(n) for n in range(9)]
    for key in keys:
        await queue.enqueue("echo", key=key)
    assert await all_ids(pages, "waiting", size=2) == keys


@settings(max_examples=30)
@given(
    size=st.integers(1, 12),
    dues=st.lists(st.integers(1, 4), max_size=30),
    ours=st.lists(st.booleans(), min_size=30, max_size=30),
)
def test_each_job_is_on_one_page_when_nothing_changes(
    server: EmbeddedServer, size: int, dues: list[int], ours: list[bool]
) -> None:
    async def check() -> None:
        queue = RedisQueue(open_client(server.url))
        await queue.redis.flushall()
        pages = JobPages(queue)
        for n, due in enumerate(dues):
            function = "echo" if ours[n] else "error"
            await queue.enqueue(function, key=f"w{n}")
            await queue.enqueue(function, key=f"d{n}", scheduled=FAR_AWAY + due)
        waiting, delayed, mine = [
            await all_ids(pages, "waiting", size=size),
            await all_ids(pages, "delayed", size=size),
            await all_ids(pages, "waiting", size=size, name="echo"),
        ]
        await queue.disconnect()
        assert waiting == [f"w{n}" for n in range(len(dues))]
        by_due = sorted(range(len(dues)), key=lambda n: (dues[n], f"d{n}"))
        assert delayed == [f"d{n}" for n in by_due]
        assert mine == [f"w{n}" for n in range(len(dues)) if ours[n]]

    asyncio.run(check())


# -- what it costs ---------------------------------------------------------------------


@pytest.mark.parametrize("state", ["waiting", "delayed", "failed", "complete"])
async def test_a_page_costs_as_many_commands_for_many_jobs_as_for_few(
    queue: RedisQueue, pages: JobPages, redis: Any, state: Any
) -> None:
    words = {"failed": Status.FAILED, "complete": Status.COMPLETE}
    status = words.get(state, Status.QUEUED)
    costs = []
    for count in (60, 2000):
        await redis.flushall()
        ids = [queue.job_id(f"k{n}") for n in range(count)]
        jobs = [saq.Job("echo", key=f"k{n}", queue=queue) for n in range(count)]
        for job in jobs:
            job.status = status
        documents = {job.id: queue.serialize(job) for job in jobs}
        await redis.mset(documents)
        await redis.rpush(queue.keys.queued, *ids)
        await redis.rpush(queue.keys.recent, *ids[:500])
        due = FAR_AWAY if state == "delayed" else 0
        if state in ("waiting", "delayed"):
            await redis.zadd(queue.keys.incomplete, dict.fromkeys(ids, due))
        await redis.zadd(queue.keys.failed, {id_: n + 1 for n, id_ in enumerate(ids)})
        await pages.page(state)
        await redis.config_resetstat()
        await pages.page(state)
        stats = await redis.info("commandstats")
        costs.append(sum(one["calls"] for one in stats.values()))
    assert costs[1] == costs[0]
