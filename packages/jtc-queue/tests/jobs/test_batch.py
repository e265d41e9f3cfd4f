from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio.client import Pipeline

from jtc.jobs import (
    Batch,
    BatchHandle,
    Chain,
    FlowProgress,
    FlowTimeout,
    InvalidFlow,
    InvalidPayload,
    Job,
    JobHandle,
    Unique,
    default_container,
    runner,
    set_container,
)
from jtc.queue import FailedJobs, RedisQueue, Worker, end
from jtc.queue.flow import flow_of, member_key

WorkOff = Callable[[RedisQueue], Awaitable[None]]


@pytest.fixture
def after(step: Any) -> dict[str, Any]:
    """What follows a batch; each notes the word for when it does."""
    words = ("then", "catch", "finally_")
    return {word: step(word=word.rstrip("_")) for word in words}


async def one_by_one(queue: RedisQueue) -> None:
    """Claim, run and settle a job before the next is claimed, until none waits."""
    set_container(default_container())
    worker = Worker(queue, [("runner", runner)], concurrency=1)
    # The line may hold what was canceled as well.
    while await queue.count("queued"):
        await worker.process()


async def test_what_follows_when_all_have_completed(
    queue: RedisQueue, step: Any, after: Any, ran: list[str], work_off: WorkOff
) -> None:
    handle = await Batch([step(word=w) for w in "abc"], **after).dispatch()
    assert await handle.progress() == FlowProgress(total=3)
    assert (await handle.progress()).pending == 3
    await work_off(queue)
    assert sorted(ran[:3]) == ["a", "b", "c"]
    assert sorted(ran[3:]) == ["finally", "then"]
    assert await handle.wait() == FlowProgress(total=3, done=3)
    assert await handle.status() == "complete"


async def test_the_first_failure_cancels_what_waits(
    queue: RedisQueue, step: Any, after: Any, ran: list[str]
) -> None:
    jobs = [step(word="a"), step(word="b", fails=9), step(word="c"), step(word="d")]
    handle = await Batch(jobs, **after).dispatch()
    await one_by_one(queue)
    assert ran == ["a", "b", "catch", "finally"]
    progress = FlowProgress(total=4, done=1, failed=1, canceled=2)
    assert (await handle.progress(), await handle.status()) == (progress, "failed")
    # Whoever looks at a member that did not run sees why
    member = JobHandle(member_key(handle.id, 3), queue.name)
    assert await member.status() == "aborted"
    stored = await queue.job(member.id)
    assert stored is not None
    assert stored.error == "canceled: member 1 of the batch failed"


async def test_failures_that_are_allowed_cancel_nothing(
    queue: RedisQueue, step: Any, after: Any, ran: list[str]
) -> None:
    jobs = [step(word=word, fails=9) for word in "ab"] + [step(word="c")]
    handle = await Batch(jobs, allow_failures=True, **after).dispatch()
    await one_by_one(queue)
    # It is caught once, as soon as it happens
    assert ran == ["a", "b", "c", "catch", "finally"]
    assert await handle.progress() == FlowProgress(total=3, done=1, failed=2)


async def test_what_is_discarded_is_no_failure(
    queue: RedisQueue, step: Any, after: Any, ran: list[str]
) -> None:
    jobs = [step(word="a", is_useless=True), step(word="b")]
    handle = await Batch(jobs, **after).dispatch()
    await one_by_one(queue)
    assert ran == ["a", "b", "finally"]
    assert await handle.progress() == FlowProgress(total=2, done=1, canceled=1)
    assert await handle.status() == "canceled"


async def test_canceling_cancels_what_waits_and_stops_what_runs(
    *,
    queue: RedisQueue,
    step: Any,
    after: Any,
    ran: list[str],
    at_work: Any,
    eventually: Any,
) -> None:
    class Slow(Job):
        async def handle(self) -> None:
            ran.append("slow")
            try:
                await asyncio.sleep(60)
            finally:
                ran.append("stopped")

    handle = await Batch([Slow(), step(word="b"), step(word="c")], **after).dispatch()
    async with at_work(queue, concurrency=1):
        await eventually(lambda: ran == ["slow"])
        # When
        assert await handle.cancel()
        assert await handle.progress() == FlowProgress(total=3, canceled=2)
        # Then it has ended once the last has
        assert await handle.wait(timeout=30) == FlowProgress(total=3, canceled=3)
        await eventually(lambda: "finally" in ran)
    assert ran == ["slow", "stopped", "finally"]
    assert not await handle.cancel()


async def test_a_single_member_can_be_canceled(
    queue: RedisQueue, step: Any, after: Any, ran: list[str]
) -> None:
    handle = await Batch([step(word=word) for word in "abc"], **after).dispatch()
    assert await JobHandle(member_key(handle.id, 1), queue.name).cancel()
    await one_by_one(queue)
    assert ran == ["a", "c", "finally"]
    assert await handle.progress() == FlowProgress(total=3, done=2, canceled=1)


async def test_a_failed_member_that_is_put_back_counts_as_what_it_ends_as(
    queue: RedisQueue, step: Any, after: Any, ran: list[str]
) -> None:
    jobs = [step(word="a", fails=2), step(word="b")]
    handle = await Batch(jobs, allow_failures=True, **after).dispatch()
    await one_by_one(queue)
    assert ran == ["a", "b", "catch", "finally"]
    failed = FailedJobs(queue)
    # When it fails once more
    await failed.retry_all()
    assert await handle.progress() == FlowProgress(total=2, done=1)
    await one_by_one(queue)
    assert await handle.progress() == FlowProgress(total=2, done=1, failed=1)
    # And is put back once more
    await failed.retry_all()
    await one_by_one(queue)
    # Then all have completed, and nothing was done twice
    assert await handle.progress() == FlowProgress(total=2, done=2)
    assert ran == ["a", "b", "catch", "finally", "a", "a", "then"]


async def test_a_batch_of_none_has_ended(
    queue: RedisQueue, after: Any, ran: list[str]
) -> None:
    handle = await Batch([], **after).dispatch()
    assert await handle.wait(timeout=0) == FlowProgress(total=0)
    assert await handle.status() == "complete"
    await one_by_one(queue)
    assert ran == ["then", "finally"]


async def test_what_follows_may_be_a_chain_or_a_batch(
    queue: RedisQueue, step: Any, ran: list[str], work_off: WorkOff
) -> None:
    inner = Batch([step(word="m"), step(word="n")], then=step(word="end"))
    chain = Chain(step(word="x"), step(word="y", fails=9), catch=inner)
    await Batch([step(word="a"), step(word="b")], then=chain).dispatch()
    await work_off(queue)
    assert [sorted(ran[:2]), ran[2:4]] == [["a", "b"], ["x", "y"]]
    assert [sorted(ran[4:6]), ran[6:]] == [["m", "n"], ["end"]]
    # Whatever was planned has left nothing for ever
    for key in await queue.redis.keys("*flow*") + await queue.redis.keys("saq:job*"):
        assert await queue.redis.ttl(key) > 0


async def test_a_job_knows_the_batch_that_it_is_in_or_follows(
    queue: RedisQueue, work_off: WorkOff
) -> None:
    seen: list[object] = []

    class Look(Job):
        async def handle(self) -> None:
            flow_id, queue_name = self.context.flow_id, self.context.queue
            if flow_id and queue_name:
                seen.append((await BatchHandle(flow_id, queue_name).progress()).done)
            else:
                seen.append("alone")

    handle = await Batch([Look()], finally_=Look()).dispatch()
    await Look.dispatch()
    assert flow_of(member_key(handle.id, 0)) == handle.id
    await work_off(queue)
    assert sorted(map(str, seen)) == ["0", "1", "alone"]


async def test_unique_jobs_run_in_a_batch_beside_equal_ones(
    queue: RedisQueue, ran: list[str], work_off: WorkOff
) -> None:
    class Once(Job, unique=Unique()):
        async def handle(self) -> None:
            ran.append("once")

    handle = await Batch([Once(), Once(), Once()]).dispatch()
    await work_off(queue)
    assert (len(ran), await handle.status()) == (3, "complete")


async def test_thousands_are_enqueued_in_a_few_calls(
    queue: RedisQueue, step: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    execute = Pipeline.execute

    async def counted(pipe: Any, *args: Any) -> Any:
        sent.append(len(pipe))
        return await execute(pipe, *args)

    monkeypatch.setattr(Pipeline, "execute", counted)
    handle = await Batch(step(word=str(n)) for n in range(2_500)).dispatch()
    assert sent == [500] * 5
    assert await queue.count("queued") == await queue.count("incomplete") == 2_500
    assert await handle.progress() == FlowProgress(total=2_500)
    assert await handle.cancel()
    assert await queue.count("incomplete") == 0
    assert await handle.progress() == FlowProgress(total=2_500, canceled=2_500)


async def test_waiting_for_a_batch_has_an_end(queue: RedisQueue, step: Any) -> None:
    handle = await Batch([step(word="a"), step(word="b")]).dispatch()
    with pytest.raises(FlowTimeout, match="2 of its jobs are left"):
        await BatchHandle(handle.id, queue.name).wait(timeout=0)


async def test_who_waits_is_told_the_end(
    *,
    queue: RedisQueue,
    step: Any,
    at_work: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given that nobody would look again
    monkeypatch.setattr(end, "LOOK_AGAIN", 3600.0)
    batch = await Batch([step(word="a"), step(word="b")]).dispatch()
    chain = await Chain(step(word="c"), step(word="d")).dispatch()
    waits = asyncio.gather(batch.wait(timeout=60), chain.result(timeout=60))
    await asyncio.sleep(0)
    async with at_work(queue):
        progress, result = await waits
    assert (progress, result) == (FlowProgress(total=2, done=2), "did d")
    # Also of what is canceled
    batch = await Batch([step(word="a")]).dispatch()
    wait = asyncio.create_task(batch.wait(timeout=60))
    await asyncio.sleep(0)
    await batch.cancel()
    assert await wait == FlowProgress(total=1, canceled=1)


async def test_it_can_be_dispatched_from_synchronous_code(
    queue: RedisQueue, step: Any, ran: list[str], work_off: WorkOff
) -> None:
    batch, chain = Batch([step(word="a")]), Chain(step(word="b"))
    one = await asyncio.to_thread(batch.dispatch_blocking)
    two = await asyncio.to_thread(chain.dispatch_blocking)
    await work_off(queue)
    assert sorted(ran) == ["a", "b"]
    assert [await one.status(), await two.status()] == ["complete", "complete"]


@pytest.mark.parametrize("place", ["then", "catch", "finally_"])
def test_what_follows_has_to_be_a_job(place: str) -> None:
    with pytest.raises(InvalidFlow, match=f"{place} is 7; it has to be a job"):
        Batch([], **{place: 7})  # type: ignore[arg-type] # what is tested


async def test_what_is_planned_for_later_is_checked_now(
    queue: RedisQueue, step: Any
) -> None:
    bad = step(word="b")
    bad.word = 7
    later = Chain(step(word="a"), bad)
    with pytest.raises(InvalidPayload) as caught:
        await Batch([step(word="a")], then=later).dispatch()
    assert caught.value.__notes__ == ["It was job 1, counted from 0."]
    assert await queue.redis.keys("*") == []


def test_a_batch_says_how_many_it_has(step: Any) -> None:
    assert repr(Batch([step(word="a"), step(word="b")])) == "<Batch of 2>"
