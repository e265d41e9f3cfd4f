"""What holds on a real server holds on the fake one: each test runs on both."""

from __future__ import annotations

import asyncio
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from jtc.jobs import (
    Batch,
    Chain,
    Discard,
    Fail,
    Job,
    JobFailed,
    JobManager,
    RateLimit,
    Retry,
    Unique,
)
from jtc.queue import FailedJobs, Schedules
from jtc.schedule import Schedule


class Noted:
    """What jobs have noted, and when."""

    def __init__(self) -> None:
        self.lines: list[tuple[Any, float]] = []

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def words(self) -> list[Any]:
        return [word for word, _ in self.lines]

    @property
    def pauses(self) -> list[float]:
        times = [time for _, time in self.lines]
        return [later - sooner for sooner, later in pairwise(times)]


@pytest.fixture
def noted() -> Noted:
    return Noted()


@pytest.fixture
def note_job(engine: Any, noted: Noted) -> type[Job]:
    """A job that notes its number."""

    class NoteJob(Job, name="note", result_ttl=60):
        number: int

        async def handle(self) -> int:
            noted.lines.append((self.number, engine.now()))
            return self.number * 2

    return NoteJob


async def test_a_dispatched_job_runs_once_and_leaves_its_result(
    engine: Any, noted: Noted, note_job: Any
) -> None:
    handle = await note_job.dispatch(number=7)
    assert await handle.status() == "queued"

    await engine.work()
    await engine.work()

    assert noted.words == [7]
    assert await handle.status() == "complete"
    assert await handle.result(timeout=30) == 14


async def test_jobs_run_in_the_order_of_their_dispatch(
    engine: Any, noted: Noted, note_job: Any
) -> None:
    await note_job.dispatch_many([{"number": n} for n in range(25)])
    await note_job.dispatch(number=25)

    await engine.work()

    assert noted.words == list(range(26))


async def test_the_first_queue_comes_first(
    engine: Any, noted: Noted, note_job: Any
) -> None:
    await note_job.dispatch(number=2)
    await note_job.configure(queue="high").dispatch(number=1)

    await engine.work()

    assert noted.words == [1, 2]


async def test_a_delayed_job_does_not_run_before_its_time(
    engine: Any, noted: Noted, note_job: Any
) -> None:
    dispatched = engine.now()
    await note_job.configure(delay=1).dispatch(number=1)

    await engine.work()
    assert len(noted) == 0
    await engine.live_until(lambda: len(noted))

    # Two clocks of one machine may differ by the grain of the coarser one.
    assert noted.lines[0][1] - dispatched > 0.99
    assert noted.words == [1]


async def test_a_failed_try_is_repeated_after_its_backoff(
    engine: Any, noted: Noted
) -> None:
    class Fails(Job, tries=3, backoff=(1.0, 2.0), result_ttl=60):
        async def handle(self) -> str:
            noted.lines.append((self.context.attempt, engine.now()))
            if len(noted) < 3:
                raise ValueError("not yet")
            return "at last"

    handle = await Fails.dispatch()
    await engine.live_until(lambda: len(noted) == 3)
    await engine.work()

    assert noted.words == [1, 2, 3]
    assert noted.pauses[0] > 0.99
    assert noted.pauses[1] > 1.99
    assert await handle.result(timeout=30) == "at last"


async def test_a_retry_without_a_backoff_follows_at_once(
    engine: Any, noted: Noted
) -> None:
    class Fails(Job, tries=3):
        async def handle(self) -> None:
            noted.lines.append((self.context.attempt, engine.now()))
            raise Retry(after=0)

    handle = await Fails.dispatch()
    await engine.work()

    assert noted.words == [1, 2, 3]
    assert await handle.status() == "failed"


async def test_a_job_without_tries_left_fails_for_good(
    engine: Any, noted: Noted
) -> None:
    class Fails(Job, tries=1):
        order_id: int

        async def handle(self) -> None:
            raise ValueError("no such order")

        async def failed(self, exception: Exception) -> None:
            noted.lines.append((str(exception), engine.now()))

    handle = await Fails.dispatch(order_id=7)
    await engine.work()

    assert noted.words == ["no such order"]
    assert await handle.status() == "failed"
    with pytest.raises(JobFailed, match="no such order"):
        await handle.result(timeout=30)
    [failed] = await FailedJobs(JobManager.get_queue()).list()
    assert failed.id == handle.id


async def test_a_job_that_asks_to_fail_is_not_tried_again(
    engine: Any, noted: Noted
) -> None:
    class Fails(Job, tries=5):
        async def handle(self) -> None:
            noted.lines.append((self.context.attempt, engine.now()))
            raise Fail("never")

    handle = await Fails.dispatch()
    await engine.work()

    assert noted.words == [1]
    assert await handle.status() == "failed"


async def test_a_discarded_job_is_no_failure(engine: Any) -> None:
    class Discarded(Job, tries=5, result_ttl=60):
        async def handle(self) -> None:
            raise Discard("not needed any more")

    handle = await Discarded.dispatch()
    await engine.work()

    assert await handle.status() == "aborted"
    assert await FailedJobs(JobManager.get_queue()).list() == ()


async def test_a_canceled_job_does_not_run(
    engine: Any, noted: Noted, note_job: Any
) -> None:
    handle = await note_job.dispatch(number=1)
    later = await note_job.configure(delay=1).dispatch(number=2)

    assert await handle.cancel()
    assert await later.cancel()
    await note_job.configure(delay=2).dispatch(number=3)
    await engine.live_until(lambda: len(noted))

    assert noted.words == [3]
    assert await handle.status() == "aborted"
    assert not await handle.cancel()


async def test_a_running_job_can_be_canceled(engine: Any) -> None:
    begun = asyncio.Event()

    class Long(Job, result_ttl=60):
        async def handle(self) -> None:
            begun.set()
            await asyncio.Event().wait()

    handle = await Long.dispatch()
    working = asyncio.create_task(engine.work())
    await begun.wait()
    assert await handle.cancel()
    await working

    assert await handle.status() == "aborted"


async def test_who_waits_for_a_result_gets_it(engine: Any, note_job: Any) -> None:
    handle = await note_job.dispatch(number=7)
    waiting = asyncio.create_task(handle.result(timeout=60))
    await engine.work()

    assert await waiting == 14


async def test_progress_is_seen_while_the_job_runs(
    engine: Any, eventually: Any
) -> None:
    seen = asyncio.Event()

    class Long(Job):
        async def handle(self) -> None:
            self.context.progress(0.4, "almost half of it")
            await seen.wait()

    handle = await Long.dispatch()
    working = asyncio.create_task(engine.work())

    async def is_shown() -> bool:
        return (await handle.progress()).note == "almost half of it"

    await eventually(is_shown, within=60)
    seen.set()
    await working


async def test_what_comes_too_often_is_put_off(engine: Any, noted: Noted) -> None:
    class Limited(Job, tries=1, middleware=(RateLimit(1, per=1),)):
        number: int

        async def handle(self) -> None:
            noted.lines.append((self.number, engine.now()))

    await Limited.dispatch_many([{"number": number} for number in (1, 2, 3)])
    await engine.live_until(lambda: len(noted) == 3)

    assert sorted(noted.words) == [1, 2, 3]
    assert min(noted.pauses) > 0.99


async def test_of_equal_unique_jobs_one_is_in_the_queue(
    engine: Any, noted: Noted
) -> None:
    class OnlyOne(Job, unique=Unique(by=("order_id",))):
        order_id: int
        note: str = ""

        async def handle(self) -> None:
            noted.lines.append((self.note, engine.now()))

    first = await OnlyOne.dispatch(order_id=7, note="first")
    second = await OnlyOne.dispatch(order_id=7, note="second")
    other = await OnlyOne.dispatch(order_id=8, note="other")
    await engine.work()
    third = await OnlyOne.dispatch(order_id=7, note="third")
    await engine.work()

    created = [handle.created for handle in (first, second, other, third)]
    assert created == [True, False, True, True]
    assert second.id == first.id
    assert noted.words == ["first", "other", "third"]


async def test_a_unique_job_gives_way_after_its_ttl(engine: Any, noted: Noted) -> None:
    class OnlyOne(Job, unique=Unique(ttl=1)):
        async def handle(self) -> None:
            raise AssertionError("it waits for an hour")

    await OnlyOne.configure(delay=3600).dispatch()

    async def is_created() -> bool:
        return (await OnlyOne.configure(delay=3600).dispatch()).created

    assert not await is_created()
    await engine.live_until(is_created)


async def test_a_result_is_forgotten_after_its_ttl(engine: Any) -> None:
    class Short(Job, result_ttl=1):
        async def handle(self) -> str:
            return "soon gone"

    handle = await Short.dispatch()
    await engine.work()

    async def is_forgotten() -> bool:
        return await handle.status() == "unknown"

    await engine.live_until(is_forgotten)


async def test_what_a_job_dispatches_runs_too(
    engine: Any, noted: Noted, note_job: Any
) -> None:
    class Dispatches(Job):
        async def handle(self) -> None:
            await note_job.dispatch(number=1)

    await Dispatches.dispatch()
    await engine.work()

    assert noted.words == [1]


async def test_a_chain_runs_its_jobs_one_after_the_other(
    engine: Any, noted: Noted, note_job: Any
) -> None:
    class Fails(Job, tries=1):
        async def handle(self) -> None:
            raise ValueError("no")

    await Chain(note_job(number=1), note_job(number=2)).dispatch()
    last = note_job(number=5)
    await Chain(note_job(number=3), Fails(), note_job(number=4), catch=last).dispatch()
    await engine.live_until(lambda: len(noted) >= 4)
    await engine.work()

    assert [number for number in noted.words if number < 3] == [1, 2]
    assert [number for number in noted.words if number >= 3] == [3, 5]


async def test_a_batch_runs_what_follows_it(
    engine: Any, noted: Noted, note_job: Any
) -> None:
    jobs = [note_job(number=number) for number in (1, 2, 3)]
    handle = await Batch(jobs, then=note_job(number=4)).dispatch()
    await engine.live_until(lambda: len(noted) >= 4)

    assert noted.words == [1, 2, 3, 4]
    progress = await handle.progress()
    assert (progress.total, progress.done) == (3, 3)


async def test_each_tick_runs_once(engine: Any, noted: Noted) -> None:
    @Schedule.every(1, overlap="allow")
    async def each_second(ctx: dict[str, Any]) -> None:
        noted.lines.append((ctx["tick"].nominal, engine.now()))

    await engine.live_until(lambda: len(noted) >= 3)

    ticks: list[datetime] = noted.words
    assert {tick.microsecond for tick in ticks} == {0}
    steps = [(later - sooner).total_seconds() for sooner, later in pairwise(ticks)]
    assert steps == [1.0] * (len(ticks) - 1)
    history = await Schedules(JobManager.get_queue()).history("each_second")
    assert [one.tick for one in history if one.outcome == "ran"][::-1] == ticks


async def test_a_tick_of_a_schedule_that_is_paused_is_skipped(
    engine: Any, noted: Noted
) -> None:
    @Schedule.every(1)
    async def each_second(ctx: dict[str, Any]) -> None:
        noted.lines.append((ctx["tick"].nominal, engine.now()))

    await engine.live_until(lambda: len(noted))
    schedules = Schedules(JobManager.get_queue())
    await schedules.pause("each_second")
    ran = len(noted)

    async def has_skipped() -> bool:
        history = await schedules.history("each_second")
        return any(one.outcome == "skipped:paused" for one in history)

    await engine.live_until(has_skipped)

    assert len(noted) == ran


async def test_a_task_that_fails_is_recorded(engine: Any, noted: Noted) -> None:
    @Schedule.every(1)
    async def fails(ctx: dict[str, Any]) -> None:
        noted.lines.append(("tried", engine.now()))
        raise ValueError("out of paper")

    schedules = Schedules(JobManager.get_queue())

    async def is_recorded() -> bool:
        return bool(await schedules.history("fails"))

    await engine.live_until(is_recorded)

    newest = (await schedules.history("fails"))[0]
    assert newest.error == "ValueError: out of paper"
