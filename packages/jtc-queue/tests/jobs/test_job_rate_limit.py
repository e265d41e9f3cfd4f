from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from jtc.jobs import (
    InvalidOption,
    Job,
    RateLimit,
    default_container,
    runner,
    set_container,
    set_middleware,
)
from jtc.queue import RedisQueue, Worker

ran: list[Any] = []


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    ran.clear()
    set_container(default_container())
    yield
    set_middleware()


async def work_once(queue: RedisQueue) -> None:
    """Run every job that may run now, one after the other."""
    await Worker(queue, [("runner", runner)], concurrency=1, burst=True).start()


async def waits(queue: RedisQueue) -> list[float]:
    """In how many seconds each job that waits may run, in their order."""
    redis: Any = queue.redis
    seconds, micro = await redis.time()
    found = await redis.zrange(queue.keys.incomplete, 0, -1, withscores=True)
    return [score - seconds - micro / 1e6 for _, score in found]


class Call(Job, middleware=[RateLimit(1, per=600)]):
    tenant: str = "a"

    async def handle(self) -> None:
        ran.append(self.tenant)


# -- what may be said ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "count", "window"),
    [
        (RateLimit("100/m"), 100, 60),
        (RateLimit("1/s"), 1, 1),
        (RateLimit("5000/h"), 5000, 3600),
        (RateLimit("3/d"), 3, 86_400),
        (RateLimit(10, per=0.5), 10, 0.5),
        (RateLimit(10, per=timedelta(minutes=5)), 10, 300),
    ],
)
def test_a_rate_is_a_number_and_a_time(
    said: RateLimit, count: int, window: float
) -> None:
    assert (said.count, said.window) == (count, window)


@pytest.mark.parametrize(
    ("option", "args", "more"),
    [
        ("rate", ["100"], {}),
        ("rate", ["100/x"], {}),
        ("rate", ["0/m"], {}),
        ("rate", ["-1/m"], {}),
        ("rate", ["10001/m"], {}),
        ("rate", [0, 60], {}),
        ("rate", [10_001, 60], {}),
        ("rate", [1.5, 60], {}),
        ("rate", [True, 60], {}),
        ("per", [10], {}),
        ("per", [10, 0], {}),
        ("per", [10, -1], {}),
        ("per", [10, "m"], {}),
        ("per", ["10/m", 60], {}),
        ("on_limit", ["1/s"], {"on_limit": "wait"}),
        ("key", ["1/s"], {"key": 7}),
        ("key", ["1/s"], {"key": ()}),
        ("key", ["1/s"], {"key": ("a", 1)}),
        ("name", ["1/s"], {"name": ""}),
        ("name", ["1/s"], {"name": 7}),
    ],
)
def test_what_means_nothing_is_refused(
    option: str, args: list[Any], more: dict[str, Any]
) -> None:
    with pytest.raises(InvalidOption, match=f"class RateLimit: {option}="):
        RateLimit(*args, **more)


def test_an_asynchronous_key_is_refused() -> None:
    async def key(job: Any) -> str:
        return "a"

    with pytest.raises(InvalidOption, match="key="):
        RateLimit("1/s", key=key)


@pytest.mark.parametrize("key", ["tenant_id", ("tenant", "tenant_id")])
def test_a_key_that_is_no_field_is_refused_with_the_class(key: Any) -> None:
    with pytest.raises(InvalidOption, match=r"class Typo: .* by fields .* tenant"):

        class Typo(Job, middleware=[RateLimit("1/s", key=key)]):
            tenant: str

            async def handle(self) -> None: ...


# -- what it does ----------------------------------------------------------------------


async def test_each_of_those_above_the_limit_is_given_back_until_its_turn(
    queue: RedisQueue,
) -> None:
    handles = [await Call.dispatch() for _ in range(4)]

    await work_once(queue)

    assert ran == ["a"]
    turns = await waits(queue)
    assert [round(turn, -1) for turn in turns] == [600, 1200, 1800]
    # And none has spent its one try
    jobs = [await queue.job(handle.id) for handle in handles]
    assert sorted(job.attempts for job in jobs if job) == [0, 0, 0, 1]
    assert "1 in 600 s is the limit" in str([job.meta for job in jobs if job])


async def test_a_turn_that_comes_at_once_is_waited_for(queue: RedisQueue) -> None:
    class Quick(Call, middleware=[RateLimit(1, per=0.05)]):
        pass

    handles = [await Quick.dispatch() for _ in range(3)]
    await work_once(queue)

    jobs = [await queue.job(handle.id) for handle in handles]
    assert [(job.attempts, job.meta) for job in jobs if job] == [(1, {})] * 3


async def test_jobs_start_as_the_limit_says_on_whatever_worker_they_run(
    queue: RedisQueue, at_work: Any, eventually: Any
) -> None:
    class Quick(Call, middleware=[RateLimit(2, per=0.3)]):
        pass

    began = time.monotonic()
    handles = await Quick.dispatch_many([{"tenant": str(n)} for n in range(7)])
    async with at_work(queue), at_work(queue), at_work(queue):
        await eventually(lambda: len(ran) == len(handles))
        await eventually(lambda: queue.complete == len(handles))

    assert sorted(ran) == [str(n) for n in range(7)]
    # The seventh follows the fifth, which follows the third, which follows the first
    assert time.monotonic() - began >= 3 * 0.3
    assert queue.failed == 0


@pytest.mark.parametrize("key", ["tenant", ("tenant",), lambda job: job.tenant.lower()])
async def test_each_key_has_a_limit_of_its_own(queue: RedisQueue, key: Any) -> None:
    class Keyed(Call, middleware=[RateLimit("1/h", key=key)]):
        pass

    for tenant in "abab":
        await Keyed.dispatch(tenant=tenant)
    await work_once(queue)

    assert ran == ["a", "b"]
    assert len(await waits(queue)) == 2


async def test_a_key_that_json_cannot_carry_fails_the_job(queue: RedisQueue) -> None:
    class Odd(Call, middleware=[RateLimit("1/h", key=lambda job: object())]):
        pass

    handle = await Odd.dispatch()
    await work_once(queue)

    job = await queue.job(handle.id)
    assert job is not None
    assert "RateLimit: key=" in (job.error or "")
    assert ran == []


async def test_each_class_has_a_limit_of_its_own_unless_they_share_a_name(
    queue: RedisQueue,
) -> None:
    class One(Call, middleware=[RateLimit("1/h")]):
        pass

    class Two(Call, middleware=[RateLimit("1/h"), RateLimit("1/h", name="bank")]):
        pass

    class Three(Call, middleware=[RateLimit("1/h", name="bank")]):
        pass

    await One.dispatch(tenant="one")
    await Two.dispatch(tenant="two")
    await Three.dispatch(tenant="three")
    await work_once(queue)

    assert ran == ["one", "two"]


async def test_two_limits_of_a_class_are_counted_apart(queue: RedisQueue) -> None:
    class Both(Call, middleware=[RateLimit("3/h"), RateLimit("2/d")]):
        pass

    await Both.dispatch_many([{} for _ in range(4)])
    await work_once(queue)

    assert len(ran) == 2
    assert [round(wait / 3600) for wait in await waits(queue)] == [1, 24]


async def test_one_for_all_is_asked_by_each_class(queue: RedisQueue) -> None:
    class Other(Job):
        async def handle(self) -> None:
            ran.append("other")

    set_middleware(RateLimit("1/h"))
    for job_class in (Call, Call, Other, Other):
        await job_class.dispatch()
    await work_once(queue)

    assert ran == ["a", "other"]


async def test_what_is_too_much_may_be_discarded(queue: RedisQueue) -> None:
    class Ping(Call, middleware=[RateLimit("1/h", on_limit="discard")]):
        pass

    handles = [await Ping.dispatch() for _ in range(3)]
    await work_once(queue)

    statuses = [await handle.status() for handle in handles]
    assert sorted(statuses) == ["aborted", "aborted", "complete"]
    assert await waits(queue) == []


async def test_what_would_wait_longer_than_it_may_fails(queue: RedisQueue) -> None:
    class Urgent(Call, tries=2, retry_until=60):
        async def failed(self, exception: Exception) -> None:
            ran.append(str(exception))

    handles = [await Urgent.dispatch() for _ in range(2)]
    await work_once(queue)

    assert [await handle.status() for handle in handles] == ["complete", "failed"]
    assert ran == ["a", "1 in 600 s is the limit"]


async def test_without_a_queue_there_is_no_limit() -> None:
    for _ in range(3):
        await Call.dispatch_sync()

    assert ran == ["a", "a", "a"]


async def test_what_it_keeps_expires(queue: RedisQueue) -> None:
    for _ in range(3):
        await Call.dispatch()
    await work_once(queue)

    kept = [key async for key in queue.redis.scan_iter(f"{queue.keys.limits}*")]
    assert len(kept) == 2
    for key in kept:
        assert await queue.redis.pttl(key) > 0


async def test_while_the_server_is_away_a_job_is_given_back(
    queue: RedisQueue,
    at_work: Any,
    eventually: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jtc.jobs.held_job.OUTAGE_WAIT", 0.1)
    run = queue.scripts.run
    lost: list[str] = []

    async def away(name: str, *rest: Any) -> Any:
        if name == "admit" and not lost:
            lost.append(name)
            raise RedisConnectionError("Connection refused")
        return await run(name, *rest)

    monkeypatch.setattr(queue.scripts, "run", away)
    handle = await Call.dispatch()
    async with at_work(queue):
        await eventually(lambda: queue.complete == 1)

    job = await queue.job(handle.id)
    assert job is not None
    assert (ran, job.attempts, lost) == (["a"], 1, ["admit"])
    assert "Redis is away" in job.meta["released"]["reason"]
