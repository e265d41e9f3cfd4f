from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from jtc.jobs import (
    Batch,
    Chain,
    ChainHandle,
    FlowNotFound,
    FlowProgress,
    FlowTimeout,
    InvalidFlow,
    InvalidPayload,
    Job,
    JobFailed,
    JobManager,
    JobNotFound,
    Unique,
)
from jtc.queue import FailedJobs, RedisQueue
from jtc.queue.wall_clock import wall_clock

WorkOff = Callable[[RedisQueue], Awaitable[None]]


async def test_each_job_runs_when_the_one_before_has_completed(
    queue: RedisQueue, step: Any, ran: list[str], work_off: WorkOff
) -> None:
    chain = Chain(*(step(word=word) for word in "abc"), catch=step(word="catch"))
    handle = await chain.dispatch()
    # Only the first one is in the queue
    assert await queue.count("queued") == 1
    assert await handle.status() == "running"
    await work_off(queue)
    assert ran == ["a", "b", "c"]
    assert await handle.status() == "complete"
    assert await handle.progress() == FlowProgress(total=3, done=3)
    assert await handle.result(timeout=0) == "did c"


async def test_a_handle_can_be_made_anywhere_from_the_id(
    queue: RedisQueue, step: Any, work_off: WorkOff
) -> None:
    handle = await Chain(step(word="a"), step(word="b")).dispatch()
    await work_off(queue)
    assert await ChainHandle(handle.id, queue.name).result() == "did b"


async def test_a_chain_of_one_is_a_chain(
    queue: RedisQueue, step: Any, ran: list[str], work_off: WorkOff
) -> None:
    handle = await Chain(step(word="a")).dispatch()
    await work_off(queue)
    assert (ran, await handle.result()) == (["a"], "did a")


@pytest.mark.parametrize(
    ("how", "status", "counts"),
    [
        ({"fails": 9}, "failed", FlowProgress(3, done=1, failed=1, canceled=1)),
        ({"is_useless": True}, "canceled", FlowProgress(3, done=1, canceled=2)),
    ],
)
async def test_a_job_that_does_not_complete_ends_the_chain(
    *,
    queue: RedisQueue,
    step: Any,
    ran: list[str],
    work_off: WorkOff,
    how: dict[str, int],
    status: str,
    counts: FlowProgress,
) -> None:
    links = step(word="a"), step(word="b", **how), step(word="c")
    handle = await Chain(*links, catch=step(word="catch")).dispatch()
    await work_off(queue)
    assert ran == ["a", "b", "catch"]
    assert (await handle.status(), await handle.progress()) == (status, counts)
    with pytest.raises(JobFailed, match=r"\.1 (failed|aborted): .*no (b|use)"):
        await handle.result()


async def test_a_job_that_is_tried_again_does_not_end_the_chain(
    queue: RedisQueue, step: Any, ran: list[str], work_off: WorkOff
) -> None:
    class Shaky(Job, tries=3):
        async def handle(self) -> None:
            ran.append(f"shaky {self.context.attempt}")
            if self.context.attempt < 3:
                raise ConnectionError

    chain = Chain(Shaky(), step(word="b"), catch=step(word="catch"))
    handle = await chain.dispatch()
    await work_off(queue)
    assert ran == ["shaky 1", "shaky 2", "shaky 3", "b"]
    assert await handle.status() == "complete"


async def test_canceling_ends_what_waits_and_what_would_follow(
    queue: RedisQueue, step: Any, ran: list[str], work_off: WorkOff
) -> None:
    chain = Chain(*(step(word=word) for word in "abc"), catch=step(word="catch"))
    handle = await chain.dispatch()
    assert await handle.cancel()
    assert not await handle.cancel()
    await work_off(queue)
    assert ran == ["catch"]
    assert await handle.progress() == FlowProgress(total=3, canceled=3)
    assert await handle.status() == "canceled"
    with pytest.raises(JobFailed, match=r"\.0 aborted: canceled"):
        await handle.result()


async def test_canceling_stops_the_job_that_runs(
    queue: RedisQueue, step: Any, ran: list[str], work_off: WorkOff, eventually: Any
) -> None:
    class Slow(Job):
        async def handle(self) -> None:
            ran.append("slow")
            await asyncio.sleep(60)

    links = step(word="a"), Slow(), step(word="c")
    handle = await Chain(*links, catch=step(word="catch")).dispatch()
    working = asyncio.ensure_future(work_off(queue))
    await eventually(lambda: "slow" in ran)
    assert await handle.cancel()
    # What follows waits until it has stopped
    assert (await handle.progress()).pending == 1
    await working
    assert ran == ["a", "slow", "catch"]
    assert await handle.progress() == FlowProgress(total=3, done=1, canceled=2)


async def test_a_failed_job_that_is_put_back_goes_on_with_its_chain(
    queue: RedisQueue, step: Any, ran: list[str], work_off: WorkOff
) -> None:
    links = [step(word="a"), step(word="b", fails=1), step(word="c"), step(word="d")]
    handle = await Chain(*links, catch=step(word="catch")).dispatch()
    await work_off(queue)
    assert ran == ["a", "b", "catch"]
    # When somebody puts it back
    assert len(await FailedJobs(queue).retry_all()) == 1
    assert await handle.progress() == FlowProgress(total=4, done=1)
    assert await handle.status() == "running"
    await work_off(queue)
    # Then the rest follows, and it is not caught once more
    assert ran == ["a", "b", "catch", "b", "c", "d"]
    assert await handle.result() == "did d"


async def test_what_catches_may_be_a_chain(
    queue: RedisQueue, step: Any, ran: list[str], work_off: WorkOff
) -> None:
    rescue = Chain(step(word="x"), step(word="y"))
    await Chain(step(word="a", fails=9), step(word="b"), catch=rescue).dispatch()
    await work_off(queue)
    assert ran == ["a", "x", "y"]


async def test_the_time_for_tries_begins_with_a_jobs_own_turn(
    queue: RedisQueue, step: Any, ran: list[str], work_off: WorkOff
) -> None:
    class Late(Job, tries=2, retry_until=30):
        async def handle(self) -> None:
            ran.append("late")
            if self.context.attempt == 1:
                raise ConnectionError

    # Given a chain that was dispatched an hour ago
    with wall_clock(lambda: time.time() - 3600):
        await Chain(step(word="a"), Late()).dispatch()
    await work_off(queue)
    assert ran == ["a", "late", "late"]


async def test_a_unique_job_takes_its_turn_beside_an_equal_one(
    queue: RedisQueue, step: Any, ran: list[str], work_off: WorkOff
) -> None:
    class Once(Job, unique=Unique()):
        async def handle(self) -> None:
            ran.append("once")

    await Once.dispatch()
    handle = await Chain(Once(), Once(), step(word="end")).dispatch()
    await work_off(queue)
    assert (sorted(ran), ran[-1]) == (["end", "once", "once", "once"], "end")
    assert await handle.status() == "complete"


async def test_a_result_that_is_not_kept_is_not_there(
    queue: RedisQueue, work_off: WorkOff
) -> None:
    class Silent(Job, result_ttl=0):
        async def handle(self) -> str:
            return "nobody keeps it"

    handle = await Chain(Silent()).dispatch()
    await work_off(queue)
    assert await handle.status() == "complete"
    with pytest.raises(JobNotFound):
        await handle.result()


async def test_waiting_has_an_end(queue: RedisQueue, step: Any) -> None:
    handle = await Chain(step(word="a")).dispatch()
    with pytest.raises(FlowTimeout, match="1 of its jobs are left"):
        await handle.result(timeout=0)
    with pytest.raises(TimeoutError):
        await handle.wait(timeout=0.05)


async def test_a_chain_that_is_not_known(queue: RedisQueue) -> None:
    handle = ChainHandle("chain-of-yore", queue.name)
    assert await handle.status() == "unknown"
    assert not await handle.cancel()
    with pytest.raises(FlowNotFound, match="Nothing is known of chain-of-yore"):
        await handle.progress()


# -- what is refused, and when ---------------------------------------------------------


def test_a_chain_without_a_job_is_refused() -> None:
    with pytest.raises(InvalidFlow, match="there is no job in it"):
        Chain()


def test_what_is_no_job_is_refused(step: Any) -> None:
    with pytest.raises(InvalidFlow, match=r"job 1, .*it has to be a job, as"):
        Chain(step(word="a"), step)
    with pytest.raises(InvalidFlow, match="catch is 'alarm'"):
        Chain(step(word="a"), catch="alarm")  # type: ignore[arg-type] # what is tested


async def test_a_mix_of_queues_is_refused_with_what_to_do(
    queue: RedisQueue, step: Any
) -> None:
    class Mail(Job, queue="mail"):
        async def handle(self) -> None: ...

    message = r"Step in 'test-.*', Mail in 'mail'.*as Chain\(\.\.\., queue='test-"
    for chain in (Chain(step(word="a"), Mail()), Chain(step(word="a"), catch=Mail())):
        with pytest.raises(InvalidFlow, match=message):
            await chain.dispatch()
    assert await queue.redis.keys("saq:*") == []


async def test_a_mix_of_queues_goes_where_one_is_told(
    queue: RedisQueue, step: Any, ran: list[str], work_off: WorkOff
) -> None:
    class Mail(Job, queue="mail"):
        async def handle(self) -> None:
            ran.append("mail")

    handle = await Chain(step(word="a"), Mail(), queue="other").dispatch()
    assert handle.queue_name == "other"
    await work_off(JobManager.get_queue("other"))
    assert ran == ["a", "mail"]


async def test_a_class_that_names_a_queue_decides_it(queue: RedisQueue) -> None:
    class Mail(Job, queue="mail"):
        async def handle(self) -> None: ...

    assert (await Chain(Mail(), Mail()).dispatch()).queue_name == "mail"


async def test_a_value_that_went_wrong_is_refused_before_anything_is_written(
    queue: RedisQueue, step: Any
) -> None:
    bad = step(word="b")
    bad.word = 7
    with pytest.raises(InvalidPayload) as caught:
        await Chain(step(word="a"), bad).dispatch()
    assert caught.value.__notes__ == ["It was job 1, counted from 0."]
    assert await queue.redis.keys("*") == []


async def test_a_job_with_a_field_called_plan_is_a_job(
    queue: RedisQueue, ran: list[str], work_off: WorkOff
) -> None:
    class Follow(Job):
        plan: str

        async def handle(self) -> None:
            ran.append(self.plan)

    await Batch([], then=Follow(plan="b")).dispatch()
    await work_off(queue)
    assert ran == ["b"]


def test_a_chain_names_its_jobs(step: Any) -> None:
    assert repr(Chain(step(word="a"), step(word="b"))) == "<Chain Step, Step>"
