from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar

import pytest

from jtc.jobs import (
    InvalidProgress,
    Job,
    JobContext,
    JobFailed,
    JobHandle,
    JobNotFound,
    NotRunning,
    Progress,
    default_container,
    set_container,
)
from jtc.queue import FailedJobs, RedisQueue, Worker
from jtc.queue.attempt import Attempt
from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.settlement import Settlement

AtWork = Callable[..., AbstractAsyncContextManager[Worker]]
Eventually = Callable[..., Awaitable[Any]]
WorkOff = Callable[[RedisQueue], Awaitable[None]]


class Step:
    """Lets a running job go on when a test says so."""

    go_on = threading.Event()
    said: ClassVar[list[Any]] = []

    @classmethod
    async def wait(cls) -> None:
        while not cls.go_on.is_set():  # noqa: ASYNC110 - jobs in threads wait for it too
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def fresh_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Step, "go_on", threading.Event())
    monkeypatch.setattr(Step, "said", [])


@pytest.fixture
async def worker(queue: RedisQueue, at_work: AtWork) -> Any:
    async with at_work(queue) as running:
        yield running


class Export(Job, tags=("slow",)):
    async def handle(self) -> None:
        self.context.progress(0.25, "first part")
        await Step.wait()
        self.context.progress(0.5)
        message = "no more paper"
        raise LookupError(message)


class ExportInThread(Job):
    def handle(self) -> None:
        self.context.progress(0.25, "first part")
        Step.go_on.wait(30)
        self.context.progress(1)


class TellsAll(Job, tags=("a", "b")):
    async def handle(self) -> list[Any]:
        c = self.context
        return [c.id, c.attempt, c.queue, c.tick, c.tags, c.cancelled]


async def has_come(handle: JobHandle, fraction: float) -> bool:
    return (await handle.progress()).fraction == fraction


@pytest.mark.usefixtures("worker")
async def test_a_job_knows_its_attempt(queue: RedisQueue) -> None:
    handle = await TellsAll.configure(tags=["b", "c"]).dispatch()

    told = await handle.result(timeout=30)

    assert told == [handle.id, 1, queue.name, None, ["a", "b", "c"], False]


@pytest.mark.parametrize("job_class", [Export, ExportInThread])
@pytest.mark.usefixtures("worker")
async def test_progress_is_seen_while_the_job_runs(
    queue: RedisQueue, eventually: Eventually, job_class: type[Any]
) -> None:
    # Given
    handle = await job_class.dispatch()
    before = await handle.progress()

    # When
    await eventually(lambda: has_come(handle, 0.25))

    # Then
    progress = await handle.progress()
    assert before in (Progress(), progress)
    assert progress.note == "first part"
    assert progress.at is not None
    seconds, _ = await queue.redis.time()
    assert abs(progress.at.timestamp() - seconds) < 60
    assert await handle.status() == "active"
    info = await queue.info(jobs=True)
    assert [job["progress"] for job in info["jobs"]] == [0.25]
    Step.go_on.set()


@pytest.mark.usefixtures("worker")
async def test_what_a_job_said_last_is_kept_when_it_fails() -> None:
    Step.go_on.set()
    handle = await Export.dispatch()

    with pytest.raises(JobFailed):
        await handle.result(timeout=30)

    progress = await handle.progress()
    assert (progress.fraction, progress.note) == (0.5, None)


@pytest.mark.usefixtures("worker")
async def test_a_complete_job_has_come_to_its_end() -> None:
    class Half(Job):
        async def handle(self) -> None:
            self.context.progress(0.5, "half")

    handle = await Half.dispatch()
    await handle.result(timeout=30)

    progress = await handle.progress()
    assert (progress.fraction, progress.note) == (1.0, "half")


async def test_the_next_try_begins_at_the_beginning(
    queue: RedisQueue, at_work: AtWork, eventually: Eventually
) -> None:
    class Again(Job, tries=2, backoff=3600):
        async def handle(self) -> None:
            self.context.progress(0.5, "half")
            message = "no more paper"
            raise LookupError(message)

    async def has_failed_once() -> bool:
        job = await queue.job(handle.id)
        return job is not None and job.status == "queued" and job.attempts == 1

    async with at_work(queue):
        handle = await Again.dispatch()
        await eventually(has_failed_once)

    assert await handle.progress() == Progress()


async def test_a_failed_job_that_is_put_back_begins_at_the_beginning(
    queue: RedisQueue, work_off: WorkOff
) -> None:
    Step.go_on.set()
    handle = await Export.dispatch()
    await work_off(queue)

    await FailedJobs(queue).retry(handle.id)

    assert await handle.progress() == Progress()


@pytest.mark.usefixtures("worker")
async def test_saying_much_costs_few_writes(
    eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    class Chatty(Job):
        def handle(self) -> None:
            for number in range(10_000):
                self.context.progress(number / 20_000, str(number))
                self.context.heartbeat()
            Step.go_on.wait(30)

    written: list[Settlement] = []
    settle = RedisQueue.settle

    def noted(self: RedisQueue, settlement: Settlement) -> asyncio.Future[bool]:
        written.append(settlement)
        return settle(self, settlement)

    monkeypatch.setattr(RedisQueue, "settle", noted)

    # When
    handle = await Chatty.dispatch()
    await eventually(lambda: has_come(handle, 9_999 / 20_000))

    # Then each was written at the next look, and what was said in between was not
    assert len(written) < 1000
    Step.go_on.set()
    await handle.result(timeout=30)
    assert (await handle.progress()).note == "9999"


@pytest.mark.usefixtures("worker")
async def test_progress_of_a_moment_when_the_server_was_away_is_not_lost(
    eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a job whose document has been shown
    class Two(Job):
        async def handle(self) -> None:
            self.context.progress(0.1)
            await Step.wait()
            self.context.progress(0.2)
            await asyncio.Event().wait()

    handle = await Two.dispatch()
    await eventually(lambda: has_come(handle, 0.1))
    settle = RedisQueue.settle
    failures: list[Settlement] = []

    def failing(self: RedisQueue, settlement: Settlement) -> asyncio.Future[bool]:
        if failures:
            return settle(self, settlement)
        failures.append(settlement)
        refused: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        refused.set_exception(ConnectionError("away"))
        return refused

    # When
    monkeypatch.setattr(RedisQueue, "settle", failing)
    Step.go_on.set()

    # Then
    await eventually(lambda: has_come(handle, 0.2))
    assert failures
    await handle.cancel()


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan"), "0.5", None, True])
def test_a_fraction_that_nobody_could_show_is_refused(fraction: Any) -> None:
    with pytest.raises(ValueError, match="a number from 0 to 1") as caught:
        JobContext({}).progress(fraction)
    assert isinstance(caught.value, InvalidProgress)


def test_a_note_that_is_no_text_is_refused() -> None:
    note: Any = {"step": 1}
    with pytest.raises(InvalidProgress, match="a text or None"):
        JobContext({}).progress(0.5, note)


@pytest.mark.usefixtures("worker")
async def test_a_long_note_is_cut_and_an_odd_one_is_written(
    eventually: Eventually,
) -> None:
    class Odd(Job):
        async def handle(self) -> None:
            self.context.progress(0.1, "\udcff" + "x" * 1000)
            await Step.wait()

    handle = await Odd.dispatch()
    await eventually(lambda: has_come(handle, 0.1))

    assert (await handle.progress()).note == "?" + "x" * 499
    Step.go_on.set()
    await handle.result(timeout=30)


class Beating(Job, timeout=3600):
    async def handle(self) -> None:
        Step.said.append("began")
        await Step.wait()
        self.context.heartbeat()
        Step.said.append("beat")
        await asyncio.Event().wait()


class BeatingInThread(Job, timeout=3600):
    def handle(self) -> None:
        Step.said.append("began")
        Step.go_on.wait(30)
        self.context.heartbeat()
        Step.said.append("beat")
        while not self.context.cancelled:
            time.sleep(0.01)


@pytest.mark.parametrize("job_class", [Beating, BeatingInThread])
async def test_the_timeout_begins_anew_with_each_beat(
    worker: Worker, eventually: Eventually, job_class: type[Any]
) -> None:
    # Given
    handle = await job_class.dispatch()
    await eventually(lambda: Step.said == ["began"])
    (attempt,) = worker._attempts.running
    before = attempt.deadline

    # When
    Step.go_on.set()
    await eventually(lambda: Step.said == ["began", "beat"])

    # Then
    assert attempt.deadline > before
    await handle.cancel()


def test_a_job_without_a_timeout_gets_none_by_a_beat() -> None:
    attempt = Attempt(ClaimedJob("f", timeout=0), now=0)

    attempt.beat()

    assert attempt.deadline == math.inf


@pytest.mark.usefixtures("worker")
async def test_a_job_that_stops_beating_is_out_of_time() -> None:
    class Once(Job, timeout=1):
        async def handle(self) -> None:
            self.context.heartbeat()
            await asyncio.Event().wait()

    handle = await Once.dispatch()

    with pytest.raises(JobFailed, match="longer than its timeout of 1 s"):
        await handle.result(timeout=30)


class AsksInThread(Job, timeout=3600):
    def handle(self) -> None:
        Step.said.append("began")
        while not self.context.cancelled:
            time.sleep(0.01)
        Step.said.append("was told")


class AsksOutOfTime(AsksInThread, timeout=1): ...


async def test_a_thread_learns_that_its_job_was_canceled(
    worker: Worker, eventually: Eventually
) -> None:
    handle = await AsksInThread.dispatch()
    await eventually(lambda: Step.said == ["began"])

    await handle.cancel()

    with pytest.raises(JobFailed, match="aborted: canceled"):
        await handle.result(timeout=30)
    assert Step.said == ["began", "was told"]
    assert worker.id


@pytest.mark.usefixtures("worker")
async def test_a_thread_learns_that_its_time_is_up() -> None:
    handle = await AsksOutOfTime.dispatch()

    with pytest.raises(JobFailed, match="longer than its timeout of 1 s"):
        await handle.result(timeout=30)
    assert Step.said == ["began", "was told"]


async def test_a_thread_learns_that_its_worker_stops(
    queue: RedisQueue, at_work: AtWork, eventually: Eventually
) -> None:
    async with at_work(queue, grace=0.1):
        handle = await AsksInThread.dispatch()
        await eventually(lambda: Step.said == ["began"])

    # It was given back.
    assert Step.said == ["began", "was told"]
    assert await handle.status() == "queued"


async def test_a_thread_learns_that_its_job_is_another_workers(
    worker: Worker, eventually: Eventually
) -> None:
    await AsksInThread.dispatch()
    await eventually(lambda: Step.said == ["began"])

    (attempt,) = worker._attempts.running
    attempt.fence()

    await eventually(lambda: Step.said == ["began", "was told"])
    # Whoever has it now ends it.
    attempt.job.claim = ""


@pytest.mark.parametrize("job_class", [Export, ExportInThread])
async def test_where_there_is_no_queue_all_of_it_is_harmless(
    job_class: type[Any],
) -> None:
    Step.go_on.set()
    set_container(default_container())

    class Tells(Job):
        async def handle(self) -> list[Any]:
            self.context.heartbeat()
            self.context.progress(0.5, "half")
            c = self.context
            return [c.id, c.attempt, c.queue, c.tick, c.tags, c.cancelled]

    assert await Tells.dispatch_sync() == [None, 1, None, None, (), False]
    if job_class is ExportInThread:
        await job_class.dispatch_sync()


async def test_outside_of_a_run_there_is_no_context() -> None:
    with pytest.raises(NotRunning, match=r"TellsAll\.context is there while"):
        _ = TellsAll().context


async def test_of_a_job_that_nobody_knows_there_is_no_progress(
    queue: RedisQueue,
) -> None:
    with pytest.raises(JobNotFound):
        await JobHandle("gone", queue.name).progress()
