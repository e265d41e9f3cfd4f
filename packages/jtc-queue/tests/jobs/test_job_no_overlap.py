from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import saq
from redis.exceptions import ConnectionError as RedisConnectionError

from jtc.jobs import (
    InvalidOption,
    Job,
    NoOverlap,
    default_container,
    set_container,
)
from jtc.jobs.held_job import HeldJob
from jtc.queue import RedisQueue, endings
from jtc.queue.claims import Claims

running: dict[str, int] = {}
most: dict[str, int] = {}
ran: list[str] = []


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    set_container(default_container())
    yield
    for noted in (running, most, ran):
        noted.clear()


class Build(Job, middleware=[NoOverlap(key="site", retry_after=0.1)]):
    site: str = "a"

    async def handle(self) -> None:
        running[self.site] = running.get(self.site, 0) + 1
        most[self.site] = max(running[self.site], most.get(self.site, 0))
        await asyncio.sleep(0.02)
        running[self.site] -= 1
        ran.append(self.site)


async def locks(queue: RedisQueue) -> int:
    redis: Any = queue.redis
    return int(await redis.hlen(queue.keys.locks))


# -- jobs ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("key", 7),
        ("name", ""),
        ("retry_after", 0),
        ("retry_after", "1"),
        ("on_conflict", "wait"),
    ],
)
def test_what_means_nothing_is_refused(option: str, value: Any) -> None:
    with pytest.raises(InvalidOption, match=f"class NoOverlap: {option}="):
        NoOverlap(**{option: value})


async def test_jobs_of_one_key_run_one_after_the_other(
    queue: RedisQueue, at_work: Any, eventually: Any
) -> None:
    await Build.dispatch_many([{"site": "aaab"[n % 4]} for n in range(8)])

    async with at_work(queue), at_work(queue):
        await eventually(lambda: queue.complete == 8)

    assert sorted(ran) == list("aaaaaabb")
    assert most == {"a": 1, "b": 1}
    assert queue.failed == 0
    assert await locks(queue) == 0


async def test_jobs_of_several_keys_run_at_the_same_time(
    queue: RedisQueue, at_work: Any, eventually: Any
) -> None:
    # Given jobs that end once both have begun
    both = asyncio.Barrier(2)

    class Meet(Job, middleware=[NoOverlap(key="site")]):
        site: str

        async def handle(self) -> None:
            await both.wait()

    for site in "ab":
        await Meet.dispatch(site=site)
    async with at_work(queue):
        await eventually(lambda: queue.complete == 2)


async def test_what_comes_meanwhile_may_be_discarded(
    queue: RedisQueue, at_work: Any, eventually: Any
) -> None:
    go_on = asyncio.Event()

    class Report(Job, middleware=[NoOverlap(on_conflict="discard")]):
        async def handle(self) -> None:
            await go_on.wait()

    handles = [await Report.dispatch() for _ in range(3)]
    async with at_work(queue):
        await eventually(lambda: queue.aborted == 2)
        go_on.set()
        await eventually(lambda: queue.complete == 1)

    statuses = sorted([await handle.status() for handle in handles])
    assert statuses == ["aborted", "aborted", "complete"]


async def test_however_an_attempt_ends_the_next_one_may_run(
    queue: RedisQueue, at_work: Any, eventually: Any
) -> None:
    class Stumble(Job, timeout=1, middleware=[NoOverlap(retry_after=0.1)]):
        how: str

        async def handle(self) -> None:
            if self.how == "error":
                raise ValueError(self.how)
            if self.how == "timeout":
                await asyncio.sleep(60)

    for how in ("error", "timeout", "well"):
        await Stumble.dispatch(how=how)
    async with at_work(queue):
        await eventually(lambda: queue.complete == 1 and queue.failed == 2)

    assert await locks(queue) == 0


async def test_without_a_queue_nothing_is_in_the_way() -> None:
    await asyncio.gather(Build.dispatch_sync(), Build.dispatch_sync())

    assert most == {"a": 2}


async def test_a_job_that_is_done_stays_done_when_the_server_goes_away(
    *,
    queue: RedisQueue,
    at_work: Any,
    eventually: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = queue.scripts.run

    async def away(name: str, *rest: Any) -> Any:
        if name == "unlock":
            raise RedisConnectionError("Connection refused")
        return await run(name, *rest)

    monkeypatch.setattr(queue.scripts, "run", away)
    await Build.dispatch_many([{}, {}])
    async with at_work(queue):
        # And what was not unlocked does not keep the next one waiting
        await eventually(lambda: queue.complete == 2)

    assert most == {"a": 1}
    assert "was not told by unlock" in caplog.text


# -- what a lock is worth --------------------------------------------------------------


async def claim(queue: RedisQueue, worker: str, key: str) -> tuple[HeldJob, Any]:
    """Let a living worker claim a job."""
    await queue.enqueue(saq.Job("runner", key=key))
    claims = Claims(queue, worker)
    await claims.renew()
    (job,) = (await claims.take(1)).jobs
    return HeldJob(queue, job.id, job.claim, None), claims


async def lock(held: HeldJob, name: str = "one") -> bool:
    keys = held.queue.keys
    return bool(
        await held.ask("lock", [keys.locks, keys.claims], name, held.id, held.claim)
    )


async def unlock(held: HeldJob, name: str = "one") -> None:
    await held.tell("unlock", [held.queue.keys.locks], name, held.id, held.claim)


@pytest.mark.parametrize("key", ["plain", "with white  space", "w1 token.1 x"])
async def test_one_has_it_until_it_gives_it_up(queue: RedisQueue, key: str) -> None:
    first, _ = await claim(queue, "w1", key)
    second, _ = await claim(queue, "w2", f"{key} 2")
    assert await lock(first)
    assert await lock(first)
    assert not await lock(second)
    # Another one's is not given up
    await unlock(second)
    assert not await lock(second)
    await unlock(first)
    assert await lock(second)
    assert not await lock(first)


async def test_it_ends_when_the_worker_is_dead_and_its_jobs_are_taken_over(
    queue: RedisQueue,
) -> None:
    # Given a worker that holds a lock and looks dead
    old, _ = await claim(queue, "w1", "a")
    new, living = await claim(queue, "w2", "b")
    assert await lock(old)
    redis: Any = queue.redis
    await redis.zadd(queue.keys.workers, {"w1": 1})
    assert not await lock(new)
    # When its jobs are taken over
    assert [job.key for job in (await living.recover()).taken.jobs] == ["a"]
    # Then the lock is another's to have, and not its own any more
    assert not await lock(old)
    assert await lock(new)
    await unlock(old)
    assert not await lock(old)
    assert await lock(new)


@pytest.mark.usefixtures("short_lease")
async def test_a_dead_workers_lock_keeps_nobody_waiting_for_good(
    queue: RedisQueue, at_work: Any, eventually: Any
) -> None:
    # Given a worker that died while it ran a job
    await Build.dispatch_many([{}, {}])
    (job,) = (await Claims(queue, "dead").take(1)).jobs
    (no_overlap,) = Build.__jtc__.options.middleware
    assert isinstance(no_overlap, NoOverlap)
    held = HeldJob(queue, job.id, job.claim, None)
    assert await lock(held, no_overlap.digest(Build()))
    # When there is another
    async with at_work(queue):
        # Then both jobs run, one after the other
        await eventually(lambda: queue.complete == 2)
    assert most == {"a": 1}
    assert await locks(queue) == 0


async def test_it_ends_with_the_attempt(queue: RedisQueue) -> None:
    first, claims = await claim(queue, "w1", "a")
    second, _ = await claim(queue, "w2", "b")
    assert await lock(first)
    (job,) = (await claims.look_up(first.id, first.claim)).jobs
    await queue.settle(endings.released(job))
    assert await lock(second)


async def test_what_the_dead_left_behind_goes(queue: RedisQueue) -> None:
    held, _ = await claim(queue, "w1", "a")
    dead = {f"key {n}": f"w0 life.{n} saq:job:x:{n}" for n in range(50)}
    redis: Any = queue.redis
    await redis.hset(queue.keys.locks, mapping={**dead, "odd": "odd"})

    for _ in range(200):
        assert await lock(held)
        if await locks(queue) == 1:
            break

    assert await locks(queue) == 1
