from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from redis.asyncio import Redis

from jtc.jobs import Job, JobHandle, JobManager, Unique
from jtc.queue import FailedJobs, RedisQueue, Worker, endings, open_client
from jtc.queue.claims import Claims

AtWork = Callable[..., AbstractAsyncContextManager[Worker]]
Eventually = Callable[..., Awaitable[Any]]
WorkOff = Callable[[RedisQueue], Awaitable[None]]


class Gate:
    """Lets running jobs end when a test says so."""

    opened = asyncio.Event()


class Invoice(Job, unique=Unique(by=("order_id",))):
    order_id: int
    copies: int = 1

    async def handle(self) -> int:
        await Gate.opened.wait()
        return self.copies


class Reindex(Job, unique=Unique(until="start")):
    shop: str = "north"

    async def handle(self) -> None:
        await Gate.opened.wait()


class Broken(Job, unique=Unique()):
    async def handle(self) -> None:
        message = "no more paper"
        raise LookupError(message)


class Plain(Job):
    number: int = 0

    async def handle(self) -> None: ...


@pytest.fixture(autouse=True)
def gate(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    opened = asyncio.Event()
    monkeypatch.setattr(Gate, "opened", opened)
    return opened


async def is_active(handle: JobHandle) -> bool:
    return await handle.status() == "active"


async def unique_keys(queue: RedisQueue) -> list[bytes]:
    return [key async for key in queue.redis.scan_iter(f"{queue.keys.unique}*")]


async def test_a_job_that_waits_stands_for_the_next(queue: RedisQueue) -> None:
    # When
    first = await Invoice.dispatch(order_id=7, copies=2)
    second = await Invoice.dispatch(order_id=7, copies=3)

    # Then
    assert first.created
    assert second == JobHandle(first.id, queue.name, created=False)
    assert await queue.count("queued") == 1
    job = await queue.job(first.id)
    assert job is not None
    assert (job.kwargs or {})["payload"]["copies"] == 2


async def test_what_is_not_compared_makes_no_difference(queue: RedisQueue) -> None:
    handles = [await Invoice.dispatch(order_id=n) for n in (1, 2, 1, 3)]

    assert [h.created for h in handles] == [True, True, False, True]
    assert handles[2].id == handles[0].id
    assert await queue.count("queued") == 3


async def test_without_by_the_whole_payload_is_compared(queue: RedisQueue) -> None:
    first = await Reindex.dispatch()
    same = await Reindex.dispatch(shop="north")
    other = await Reindex.dispatch(shop="south")

    assert (first.created, same.created, other.created) == (True, False, True)


async def test_two_classes_do_not_meet(queue: RedisQueue) -> None:
    class Receipt(Job, unique=Unique(by=("order_id",))):
        order_id: int

        async def handle(self) -> None: ...

    assert (await Invoice.dispatch(order_id=7)).created
    assert (await Receipt.dispatch(order_id=7)).created


async def test_two_queues_do_not_meet(queue: RedisQueue) -> None:
    assert (await Invoice.dispatch(order_id=7)).created
    assert (await Invoice.configure(queue="other").dispatch(order_id=7)).created


async def test_until_finish_a_running_job_stands_for_the_next(
    queue: RedisQueue, at_work: AtWork, eventually: Eventually, gate: asyncio.Event
) -> None:
    async with at_work(queue):
        # Given
        first = await Invoice.dispatch(order_id=7)
        await eventually(lambda: is_active(first))

        # When
        second = await Invoice.dispatch(order_id=7)
        gate.set()
        await first.result(timeout=30)
        third = await Invoice.dispatch(order_id=7)

    # Then
    assert (second.id, second.created) == (first.id, False)
    assert third.created


async def test_until_start_a_running_job_leaves_room_for_one_that_waits(
    queue: RedisQueue, at_work: AtWork, eventually: Eventually, gate: asyncio.Event
) -> None:
    async with at_work(queue, concurrency=1):
        first = await Reindex.dispatch()
        await eventually(lambda: is_active(first))

        second = await Reindex.dispatch()
        third = await Reindex.dispatch()
        gate.set()
        await second.result(timeout=30)

    assert (first.created, second.created) == (True, True)
    assert (third.id, third.created) == (second.id, False)


async def test_a_job_that_was_given_back_waits_again(queue: RedisQueue) -> None:
    # Given
    first = await Reindex.dispatch()
    (job,) = (await Claims(queue, "w1").take(1)).jobs
    endings.begin(job, worker="w1")

    # When
    assert await queue.settle(endings.released(job))

    # Then
    again = await Reindex.dispatch()
    assert (again.id, again.created) == (first.id, False)


async def test_who_came_while_a_job_ran_keeps_the_key_when_that_is_given_back(
    queue: RedisQueue,
) -> None:
    # Given
    first = await Reindex.dispatch()
    (job,) = (await Claims(queue, "w1").take(1)).jobs
    endings.begin(job, worker="w1")
    second = await Reindex.dispatch()

    # When
    assert await queue.settle(endings.released(job))

    # Then
    third = await Reindex.dispatch()
    assert (first.created, second.created) == (True, True)
    assert (third.id, third.created) == (second.id, False)


async def test_a_key_does_not_outlive_its_ttl(queue: RedisQueue) -> None:
    class Digest(Job, unique=Unique(ttl=60)):
        async def handle(self) -> None: ...

    first = await Digest.dispatch()
    (key,) = await unique_keys(queue)
    assert 50_000 < await queue.redis.pttl(key) <= 60_000

    await queue.redis.pexpire(key, 0)
    second = await Digest.dispatch()

    assert second.created
    assert second.id != first.id


async def test_a_job_that_was_canceled_leaves_nothing_locked(queue: RedisQueue) -> None:
    first = await Invoice.dispatch(order_id=7)
    assert await first.cancel()

    assert (await Invoice.dispatch(order_id=7)).created


async def test_a_job_whose_document_was_lost_leaves_nothing_locked(
    queue: RedisQueue, at_work: AtWork, eventually: Eventually
) -> None:
    first = await Invoice.dispatch(order_id=7)
    await queue.redis.delete(queue.job_id(first.id))
    async with at_work(queue):
        await eventually(lambda: _is_empty(queue))

    assert (await Invoice.dispatch(order_id=7)).created


async def test_a_key_said_at_the_dispatch_is_what_counts(queue: RedisQueue) -> None:
    nightly = Plain.configure(unique_key="nightly")

    first = await nightly.dispatch(number=1)
    second = await nightly.dispatch(number=2)
    other = await Plain.configure(unique_key="weekly").dispatch(number=1)
    free = await Plain.dispatch(number=1)

    assert (second.id, second.created) == (first.id, False)
    assert other.created
    assert free.created


async def test_a_key_said_at_the_dispatch_takes_the_place_of_the_classes(
    queue: RedisQueue,
) -> None:
    first = await Invoice.configure(unique_key="a").dispatch(order_id=7)
    second = await Invoice.configure(unique_key="b").dispatch(order_id=7)
    third = await Invoice.dispatch(order_id=7)

    assert [h.created for h in (first, second, third)] == [True, True, True]


async def test_a_delayed_job_stands_for_the_next(queue: RedisQueue) -> None:
    first = await Invoice.configure(delay=3600).dispatch(order_id=7)
    second = await Invoice.dispatch(order_id=7)

    assert (second.id, second.created) == (first.id, False)
    assert await queue.count("queued") <= 1  # What wakes a worker may be there.
    assert await queue.count("incomplete") == 1


async def test_many_in_one_call_are_compared_with_one_another(
    queue: RedisQueue,
) -> None:
    waiting = await Invoice.dispatch(order_id=3)

    handles = await Invoice.dispatch_many(
        [{"order_id": n % 4, "copies": n} for n in range(2500)]
    )

    assert [at for at, h in enumerate(handles) if h.created] == [0, 1, 2]
    assert {h.id for h in handles[3::4]} == {waiting.id}
    assert {h.id for h in handles[0::4]} == {handles[0].id}
    assert await queue.count("incomplete") == 4


async def test_of_dispatchers_on_several_connections_one_adds_the_job(
    queue: RedisQueue, redis_url: str
) -> None:
    def dispatch() -> list[JobHandle]:
        async def several() -> list[JobHandle]:
            calls = (Invoice.dispatch(order_id=n % 3) for n in range(30))
            return list(await asyncio.gather(*calls))

        return asyncio.run(several())

    found = await asyncio.gather(*(asyncio.to_thread(dispatch) for _ in range(4)))
    handles = [handle for each in found for handle in each]

    assert sum(handle.created for handle in handles) == 3
    assert {h.id for h in handles} == {h.id for h in handles if h.created}
    assert await queue.count("incomplete") == 3


async def test_a_failed_job_does_not_stand_in_the_way(
    queue: RedisQueue, work_off: WorkOff
) -> None:
    first = await Broken.dispatch()
    await work_off(queue)
    assert await first.status() == "failed"

    assert (await Broken.dispatch()).created


async def test_a_failed_job_that_is_put_back_has_its_key_again(
    queue: RedisQueue, work_off: WorkOff
) -> None:
    # Given one that failed so long ago that its key has expired
    first = await Broken.dispatch()
    await work_off(queue)
    await queue.redis.delete(*await unique_keys(queue))

    # When
    assert await FailedJobs(queue).retry(first.id) == (first.id,)

    # Then
    again = await Broken.dispatch()
    assert (again.id, again.created) == (first.id, False)


async def test_a_failed_job_is_not_put_back_beside_another_with_its_key(
    queue: RedisQueue, work_off: WorkOff
) -> None:
    # Given
    first = await Broken.dispatch()
    await work_off(queue)
    second = await Broken.dispatch()
    failed = FailedJobs(queue)

    # Then it stays where it is until the other one has ended
    assert await failed.retry(first.id) == ()
    assert await failed.retry_all() == ()
    assert [job.id for job in await failed.list()] == [first.id]
    await second.cancel()
    assert await failed.retry(first.id) == (first.id,)


async def test_of_two_failed_jobs_with_one_key_one_is_put_back(
    queue: RedisQueue, work_off: WorkOff
) -> None:
    handles = []
    for _ in range(2):
        handles.append(await Broken.dispatch())
        await work_off(queue)
    plain = await Plain.dispatch()

    back = await FailedJobs(queue).retry_all()

    assert len(back) == 1
    assert back[0] in {handle.id for handle in handles}
    assert await queue.count("incomplete") == 2
    assert plain.created


async def test_a_page_of_saq_cannot_put_back_a_second_one(
    queue: RedisQueue, work_off: WorkOff, caplog: pytest.LogCaptureFixture
) -> None:
    first = await Broken.dispatch()
    await work_off(queue)
    await Broken.dispatch()

    ended = await queue.job(first.id)
    assert ended is not None
    await ended.retry("again")

    assert await queue.count("incomplete") == 1
    assert "its claim is no longer held" in caplog.text


async def test_a_job_that_is_tried_again_keeps_its_key(
    queue: RedisQueue, at_work: AtWork, eventually: Eventually
) -> None:
    class Later(Job, unique=Unique(), tries=2, backoff=3600):
        async def handle(self) -> None:
            message = "not now"
            raise LookupError(message)

    async with at_work(queue):
        first = await Later.dispatch()
        await eventually(lambda: _has_failed_once(queue, first))

    second = await Later.dispatch()
    assert (second.id, second.created) == (first.id, False)


async def test_a_plain_job_costs_no_key_and_no_further_command(
    queue: RedisQueue, redis: Redis
) -> None:
    async def calls(dispatch: Callable[[], Awaitable[object]]) -> dict[str, int]:
        await dispatch()
        await redis.config_resetstat()
        await dispatch()
        stats = await redis.info("commandstats")
        return {n.removeprefix("cmdstat_"): s["calls"] for n, s in stats.items()}

    plain = await calls(Plain.dispatch)
    await calls(lambda: Invoice.dispatch(order_id=1))

    ours = {"evalsha", "zscore", "set", "zadd", "rpush", "zrem"}
    assert plain.keys() & {"get", "hexists", "time", *ours} == ours
    assert {plain[name] for name in ours} == {1}


async def test_unique_jobs_are_read_by_other_clients(
    queue: RedisQueue, redis_url: str
) -> None:
    """What is unique is known to the server, not to a process."""
    first = await Invoice.dispatch(order_id=7)
    other = RedisQueue(open_client(redis_url), queue.name)
    job = await queue.job(first.id)
    assert job is not None
    job.queue, job.key = None, "another"

    assert await other.put(job) == first.id
    await other.disconnect()


async def test_a_meta_of_the_users_own_is_left_alone(queue: RedisQueue) -> None:
    for meta in ({"unique": True}, {"unique": {"key": "a"}}, {"delay": "late"}):
        job = await queue.enqueue("f", meta=meta)
        assert job is not None
        job.key, job.queue = f"{job.key}-again", None
        assert await queue.put(job) == job.key

    assert await unique_keys(queue) == []
    assert JobManager.get_queue() is queue


async def _is_empty(queue: RedisQueue) -> bool:
    return await queue.count("incomplete") == 0


async def _has_failed_once(queue: RedisQueue, handle: JobHandle) -> bool:
    job = await queue.job(handle.id)
    return job is not None and job.attempts == 1 and bool(job.error)
