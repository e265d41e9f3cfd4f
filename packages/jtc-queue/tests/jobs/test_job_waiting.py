from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from redis.asyncio import Redis
from saq.job import Status

from jtc.jobs import (
    Job,
    JobFailed,
    JobHandle,
    JobManager,
    JobNotFound,
    ResultTimeout,
)
from jtc.queue import QueueClosed, RedisQueue, Worker, end, job_end, waiting
from jtc.queue.embedded import EmbeddedServer
from jtc.queue.waiting import waiting_of

AtWork = Callable[..., AbstractAsyncContextManager[Worker]]
Eventually = Callable[..., Awaitable[Any]]
WorkOff = Callable[[RedisQueue], Awaitable[None]]


class Double(Job):
    number: int = 0

    async def handle(self) -> int:
        return self.number * 2


class Brief(Job, result_ttl=0):
    async def handle(self) -> None: ...


class SecondTime(Job, tries=2):
    async def handle(self) -> str:
        if self.context.attempt == 1:
            message = "not yet"
            raise LookupError(message)
        return "done"


@pytest.fixture
def only_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits looks when he is told to, and never by himself."""
    monkeypatch.setattr(end, "LOOK_AGAIN", 3600.0)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """After how many failures in a row there was a pause; it is a short one."""
    noted: list[int] = []

    def backoff(failures: int) -> float:
        noted.append(failures)
        return 0.05

    monkeypatch.setattr(waiting, "backoff", backoff)
    return noted


@pytest.fixture
async def fragile_queue(
    fragile: EmbeddedServer, queue_name: str
) -> AsyncIterator[RedisQueue]:
    """This process's queue, on that server."""
    JobManager.initialize(fragile.url, queue_name)
    yield JobManager.get_queue()
    await JobManager.close()


@pytest.fixture
async def quiet_queue(
    redis: Redis, redis_url: str, queue_name: str
) -> AsyncIterator[RedisQueue]:
    """This process's queue, for a user who may not subscribe to anything."""
    rule = "ACL SETUSER quiet on nopass ~* &* +@all -subscribe"
    admin: Any = redis
    await admin.execute_command(*rule.split())
    JobManager.initialize(redis_url.replace("://", "://quiet:any@"), queue_name)
    yield JobManager.get_queue()
    await JobManager.close()
    await redis.acl_deluser("quiet")


async def listened(queue: RedisQueue, *handles: JobHandle) -> list[int]:
    """How many connections listen to each job."""
    ids = [queue.job_id(handle.id) for handle in handles]
    redis: Any = queue.redis
    return [count for _, count in await redis.pubsub_numsub(*ids)]


async def is_listened(queue: RedisQueue, *handles: JobHandle) -> bool:
    return all(await listened(queue, *handles))


async def channels(queue: RedisQueue) -> list[bytes]:
    redis: Any = queue.redis
    found: list[bytes] = await redis.pubsub_channels(f"saq:job:{queue.name}:*")
    return found


def others() -> set[Any]:
    return {t for t in asyncio.all_tasks() if t is not asyncio.current_task()}


@pytest.mark.usefixtures("only_told")
async def test_who_waits_is_told_of_the_end(
    queue: RedisQueue, work_off: WorkOff, eventually: Eventually
) -> None:
    # Given
    handle = await Double.dispatch(number=21)
    wait = asyncio.create_task(handle.result())
    await eventually(lambda: is_listened(queue, handle))

    # When
    await work_off(queue)

    # Then
    assert await asyncio.wait_for(wait, 30) == 42


@pytest.mark.usefixtures("only_told")
async def test_who_waits_is_told_of_a_cancellation(
    queue: RedisQueue, eventually: Eventually
) -> None:
    handle = await Double.dispatch(number=21)
    wait = asyncio.create_task(handle.result())
    await eventually(lambda: is_listened(queue, handle))

    assert await handle.cancel()

    with pytest.raises(JobFailed, match="aborted: canceled"):
        await asyncio.wait_for(wait, 30)


@pytest.mark.usefixtures("only_told")
async def test_who_waits_is_told_of_the_end_of_a_job_that_keeps_no_result(
    queue: RedisQueue, work_off: WorkOff, eventually: Eventually
) -> None:
    handle = await Brief.dispatch()
    wait = asyncio.create_task(handle.result())
    await eventually(lambda: is_listened(queue, handle))

    await work_off(queue)

    with pytest.raises(JobNotFound):
        await asyncio.wait_for(wait, 30)


@pytest.mark.usefixtures("only_told")
async def test_a_wait_lasts_over_the_tries_of_a_job(
    queue: RedisQueue, at_work: AtWork
) -> None:
    async with at_work(queue):
        handle = await SecondTime.dispatch()

        assert await handle.result(timeout=30) == "done"


async def test_a_message_that_was_lost_does_not_matter(
    queue: RedisQueue, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    # Given
    monkeypatch.setattr(end, "LOOK_AGAIN", 0.05)
    handle = await Double.dispatch(number=21)
    wait = asyncio.create_task(handle.result())
    await eventually(lambda: is_listened(queue, handle))

    # When it ends and nobody is told
    job = await queue.job(handle.id)
    assert job is not None
    job.status, job.result = Status.COMPLETE, 42
    await queue.redis.set(job.id, queue.serialize(job))

    # Then
    assert await asyncio.wait_for(wait, 30) == 42


@pytest.mark.usefixtures("only_told")
async def test_many_who_wait_for_one_job_share_a_subscription(
    queue: RedisQueue, work_off: WorkOff, eventually: Eventually
) -> None:
    handle = await Double.dispatch(number=21)
    waits = [asyncio.create_task(handle.result()) for _ in range(50)]
    await eventually(lambda: is_listened(queue, handle))

    assert await listened(queue, handle) == [1]
    await work_off(queue)

    assert await asyncio.wait_for(asyncio.gather(*waits), 30) == [42] * 50


@pytest.mark.usefixtures("only_told")
async def test_a_thousand_waits_need_a_handful_of_connections(
    queue: RedisQueue, redis: Redis, work_off: WorkOff, eventually: Eventually
) -> None:
    # Given
    handles = await Double.dispatch_many([{"number": n} for n in range(1000)])
    waits = [asyncio.create_task(handle.result()) for handle in handles]
    await eventually(lambda: is_listened(queue, *handles))

    # When
    clients = len(await redis.client_list())
    await work_off(queue)

    # Then
    results = await asyncio.wait_for(asyncio.gather(*waits), 60)
    assert results == [number * 2 for number in range(1000)]
    assert clients < 10
    await eventually(lambda: _are(channels(queue), 0))


async def test_nothing_is_left_of_a_wait(
    queue: RedisQueue, eventually: Eventually
) -> None:
    handle = await Double.dispatch()
    before = others()

    for _ in range(3):
        with pytest.raises(ResultTimeout, match="it is queued"):
            await handle.result(timeout=0.05)

        await eventually(lambda: others() == before)
        await eventually(lambda: _are(channels(queue), 0))


async def test_nothing_is_left_of_a_wait_that_was_canceled(
    queue: RedisQueue, eventually: Eventually
) -> None:
    handle = await Double.dispatch()
    before = others()
    wait = asyncio.create_task(handle.result())
    await eventually(lambda: is_listened(queue, handle))

    wait.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await wait

    await eventually(lambda: others() == before)
    await eventually(lambda: _are(channels(queue), 0))


async def test_who_goes_on_waiting_is_not_disturbed_by_who_leaves(
    queue: RedisQueue, work_off: WorkOff, eventually: Eventually
) -> None:
    # Given
    first, second = await Double.dispatch_many([{"number": 1}, {"number": 2}])
    lasting = asyncio.create_task(second.result())
    await eventually(lambda: is_listened(queue, second))

    # When
    with pytest.raises(ResultTimeout):
        await first.result(timeout=0.05)
    await eventually(lambda: _are(channels(queue), 1))
    await work_off(queue)

    # Then
    assert await asyncio.wait_for(lasting, 30) == 4


@pytest.mark.usefixtures("only_told")
async def test_waits_that_come_and_go_miss_nothing(
    queue: RedisQueue, at_work: AtWork
) -> None:
    async def ask(number: int) -> int:
        handle = await Double.dispatch(number=number)
        result: int = await handle.result(timeout=60)
        return result

    async with at_work(queue):
        # One after the other: each is the first who waits and the last.
        for number in range(20):
            assert await ask(number) == number * 2
        results = await asyncio.gather(*(ask(number) for number in range(200)))

    assert results == [number * 2 for number in range(200)]


async def test_a_wait_ends_when_its_connections_are_closed(
    queue: RedisQueue, eventually: Eventually
) -> None:
    handle = await Double.dispatch()
    wait = asyncio.create_task(handle.result())
    await eventually(lambda: is_listened(queue, handle))

    await JobManager.close()

    with pytest.raises(QueueClosed, match="The job goes on"):
        await asyncio.wait_for(wait, 30)
    await eventually(lambda: others() == set())


async def test_a_queue_that_is_disconnected_ends_its_waits(
    redis_url: str, eventually: Eventually
) -> None:
    # Given
    queue = RedisQueue.from_url(redis_url)
    job = await queue.enqueue("f")
    assert job is not None
    wait = asyncio.create_task(job_end.JobEnd(queue, job.key).wait())
    await eventually(lambda: _are(channels(queue), 1))

    # When
    await queue.disconnect()

    # Then
    with pytest.raises(QueueClosed):
        await asyncio.wait_for(wait, 30)


@pytest.mark.usefixtures("only_told")
async def test_a_wait_outlasts_the_server(
    fragile: EmbeddedServer,
    fragile_queue: RedisQueue,
    work_off: WorkOff,
    eventually: Eventually,
    *,
    pauses: list[int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Given
    queue = fragile_queue
    handle = await Double.dispatch(number=21)
    wait = asyncio.create_task(handle.result())
    await eventually(lambda: is_listened(queue, handle))

    # When
    os.kill(fragile.pid, signal.SIGKILL)
    await eventually(lambda: len(pauses) > 3)
    await asyncio.to_thread(fragile.stop)
    await asyncio.to_thread(fragile.start)
    await eventually(lambda: is_listened(queue, handle))
    assert not caplog.records
    await work_off(queue)

    # Then it paused for longer each time, said nothing, and went on
    assert pauses == list(range(1, len(pauses) + 1))
    assert await asyncio.wait_for(wait, 30) == 42


@pytest.mark.usefixtures("fragile_queue")
async def test_a_wait_that_begins_in_an_outage_ends_in_time(
    fragile: EmbeddedServer, eventually: Eventually
) -> None:
    handle = await Double.dispatch()
    os.kill(fragile.pid, signal.SIGKILL)

    for seconds in (0, 0.3):
        with pytest.raises(ResultTimeout, match="out of sight: Redis is away"):
            await handle.result(timeout=seconds)

    await eventually(lambda: others() == set())


async def test_a_server_that_hangs_keeps_nobody_waiting(
    fragile: EmbeddedServer,
    fragile_queue: RedisQueue,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given
    monkeypatch.setattr(waiting, "PATIENCE", 0.05)
    handle = await Double.dispatch()
    wait = asyncio.create_task(handle.result())
    await eventually(lambda: is_listened(fragile_queue, handle))

    # When
    os.kill(fragile.pid, signal.SIGSTOP)
    wait.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.wait_for(wait, 30)

    # Then
    try:
        await eventually(lambda: others() == set())
    finally:
        os.kill(fragile.pid, signal.SIGCONT)


async def test_a_silent_server_is_asked_whether_it_is_there(
    queue: RedisQueue,
    redis: Redis,
    work_off: WorkOff,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given
    monkeypatch.setattr("jtc.queue.subscription.SILENCE", 0.02)
    handle = await Double.dispatch(number=21)
    wait = asyncio.create_task(handle.result())

    async def pings() -> int:
        stats = (await redis.info("commandstats")).get("cmdstat_ping", {})
        return int(stats.get("calls", 0))

    # When it is asked several times, and answers
    before = await pings()
    await eventually(lambda: _exceeds(pings(), before + 3))
    assert await listened(queue, handle) == [1]
    await work_off(queue)

    # Then
    assert await asyncio.wait_for(wait, 30) == 42


@pytest.mark.usefixtures("only_told")
async def test_a_client_of_the_newer_protocol_can_wait_too(
    redis_url: str, queue_name: str, work_off: WorkOff, eventually: Eventually
) -> None:
    JobManager.initialize(f"{redis_url}?protocol=3", queue_name)
    queue = JobManager.get_queue()
    handle = await Double.dispatch(number=21)
    wait = asyncio.create_task(handle.result())
    await eventually(lambda: is_listened(queue, handle))

    await work_off(queue)

    assert await asyncio.wait_for(wait, 30) == 42
    await JobManager.close()


async def test_who_may_not_subscribe_looks_now_and_then(
    quiet_queue: RedisQueue,
    work_off: WorkOff,
    eventually: Eventually,
    *,
    pauses: list[int],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Given
    monkeypatch.setattr(end, "LOOK_AGAIN", 0.05)
    handle = await Double.dispatch(number=21)
    wait = asyncio.create_task(handle.result())
    await eventually(lambda: len(pauses) > 3)

    # When
    await work_off(quiet_queue)

    # Then
    assert await asyncio.wait_for(wait, 30) == 42
    said = [r for r in caplog.records if r.__dict__.get("action") == "not_subscribed"]
    assert len(said) == 1


async def test_who_comes_later_looks_once_more(queue: RedisQueue) -> None:
    """What was said between his look and his coming, he has not heard."""
    shared = waiting_of(queue.redis)

    async with asyncio.timeout(30), shared.watch("a") as first:
        await first.wait(3600)
        async with shared.watch("a") as second:
            await second.wait(3600)


async def test_two_queues_of_a_client_share_its_subscription(
    queue: RedisQueue, eventually: Eventually
) -> None:
    one = await Double.dispatch()
    other = await Double.configure(queue="other").dispatch()
    waits = [asyncio.create_task(handle.result()) for handle in (one, other)]
    await eventually(lambda: is_listened(queue, one))
    await eventually(lambda: is_listened(JobManager.get_queue("other"), other))

    assert waiting_of(queue.redis) is waiting_of(JobManager.get_queue("other").redis)
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)


SCRIPT = """
import asyncio
from jtc.jobs import Job, ResultTimeout

class Simple(Job):
    async def handle(self): ...

async def wait(seconds):
    handle = await Simple.dispatch()
    try:
        await handle.result(timeout=seconds)
    except ResultTimeout:
        print("waited")

async def leave():
    task = asyncio.create_task(wait(60))
    await asyncio.sleep(0.1)

def raw(main):
    loop = asyncio.new_event_loop()
    loop.run_until_complete(main)
    loop.close()

{calls}
print("done")
"""


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        ("asyncio.run(wait(0.1))", "waited\ndone\n"),
        # The wait is canceled by the end of the loop.
        ("asyncio.run(leave())", "done\n"),
        ("raw(wait(0.1))", "waited\ndone\n"),
    ],
)
def test_a_script_that_waited_ends_without_a_warning(
    redis_url: str, calls: str, said: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT.format(calls=calls)],
        env={**os.environ, "REDIS_URL": redis_url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.stdout, done.stderr, done.returncode) == (said, "", 0)


async def _are(found: Awaitable[list[Any]], count: int) -> bool:
    return len(await found) == count


async def _exceeds(found: Awaitable[int], least: int) -> bool:
    return await found > least
