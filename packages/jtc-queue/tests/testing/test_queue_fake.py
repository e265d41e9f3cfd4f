from __future__ import annotations

import asyncio
import logging
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import lagom
import pytest

from jtc.jobs import (
    ContainerNotSet,
    Job,
    JobManager,
    ManagerNotInitialized,
    Unique,
    get_container,
    set_container,
)
from jtc.jobs.blocking import run_blocking
from jtc.queue import Schedules, pings
from jtc.queue.background import close_backgrounds
from jtc.schedule import Schedule, ScheduleRegistry
from jtc.testing import Clock, FakeUnavailable, NeverEnds, QueueFake, Ran, fake_queue


class Mailer:
    name = "real"


class FakeMailer(Mailer):
    name = "fake"


EIGHT = datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.fixture(autouse=True)
def sunday_at_eight(fake: QueueFake) -> None:
    fake.clock.set(EIGHT)


@pytest.fixture
def seen(fake: QueueFake) -> list[tuple[str, timedelta]]:
    """What has run, and how long after eight o'clock."""
    return []


@pytest.fixture
def note(fake: QueueFake, seen: Any) -> Any:
    class Note(Job, tries=1):
        word: str
        then: str = ""
        fails: bool = False

        async def handle(self) -> str:
            seen.append((self.word, fake.clock.now - EIGHT))
            if self.fails:
                raise ValueError(self.word)
            if self.then:
                await Note.dispatch(word=self.then)
            return self.word.upper()

    return Note


def minutes(*numbers: float) -> list[timedelta]:
    return [timedelta(minutes=number) for number in numbers]


async def test_nothing_runs_by_itself(fake: QueueFake, note: Any, seen: Any) -> None:
    await note.dispatch(word="a")
    fake.clock.travel(days=1)

    assert seen == []
    assert fake.ran == ()


async def test_an_attempt_says_what_it_came_to(fake: QueueFake, note: Any) -> None:
    handle = await note.dispatch(word="a")
    await note.configure(queue="slow").dispatch(word="b", fails=True)

    done, failed = await fake.run_pending()

    name = note.__jtc__.name
    assert done == Ran(
        name, "complete", {"word": "a"}, 1, "A", None, "default", handle.id
    )
    assert (failed.outcome, failed.queue, failed.result) == ("failed", "slow", None)
    assert failed.error
    assert failed.error.startswith("Traceback")
    assert str(done) == f"{name}, attempt 1: complete"
    assert str(failed) == f"{name}, attempt 1: failed: ValueError: b"
    assert fake.ran == (done, failed)


async def test_what_a_job_dispatches_waits_for_the_next_call(
    fake: QueueFake, note: Any, seen: Any
) -> None:
    await note.dispatch(word="a", then="b")

    assert len(await fake.run_pending()) == 1
    assert len(await fake.run_pending()) == 1
    assert await fake.run_pending() == []

    assert [word for word, _ in seen] == ["a", "b"]


async def test_the_next_try_waits_for_the_next_call(fake: QueueFake) -> None:
    class Fails(Job, tries=3):
        async def handle(self) -> None:
            raise ValueError("no")

    await Fails.dispatch()

    outcomes = [[one.outcome for one in await fake.run_pending()] for _ in range(4)]

    assert outcomes == [["retried"], ["retried"], ["failed"], []]


async def test_what_fell_due_runs_at_its_own_time_and_in_order(
    fake: QueueFake, note: Any, seen: Any
) -> None:
    @Schedule.cron("*/30 * * * *")
    async def half_hourly(ctx: dict[str, Any]) -> None:
        seen.append(("tick", fake.clock.now - EIGHT))
        assert ctx["tick"].nominal == fake.clock.now
        assert ctx["tick"].late_by == 0

    await note.configure(delay=2700).dispatch(word="delayed", then="followed")
    fake.clock.travel(hours=1, minutes=10)
    await note.dispatch(word="now", then="next")

    ran = await fake.run_pending()

    words = ["tick", "delayed", "followed", "tick", "now"]
    assert seen == list(zip(words, minutes(30, 45, 45, 60, 70), strict=True))
    assert [one.name for one in ran][::3] == ["half_hourly", "half_hourly"]
    assert fake.clock.now == EIGHT + timedelta(minutes=70)


async def test_retries_run_as_they_fell_due(fake: QueueFake, seen: Any) -> None:
    class Fails(Job, tries=4, backoff=(60.0, 120.0, 3600.0)):
        async def handle(self) -> None:
            seen.append(("try", fake.clock.now - EIGHT))
            raise ValueError("no")

    await Fails.dispatch()
    await fake.run_pending()
    fake.clock.travel(minutes=30)
    await fake.run_pending()

    assert [after for _, after in seen] == minutes(0, 1, 3)


async def test_it_is_too_late_to_try_again_by_the_same_clock(fake: QueueFake) -> None:
    class Fails(Job, tries=10, backoff=60.0, retry_until=150.0):
        async def handle(self) -> None:
            raise ValueError("no")

    await Fails.dispatch()
    ran = await fake.drain()

    assert [one.outcome for one in ran] == ["retried", "retried", "failed"]


async def test_each_tick_runs_once_however_often_it_is_looked(
    fake: QueueFake,
) -> None:
    ticks: list[datetime] = []

    @Schedule.cron("0 * * * *")
    async def hourly(ctx: dict[str, Any]) -> None:
        ticks.append(ctx["tick"].nominal)

    for _ in range(7):
        await fake.run_pending()
        await fake.run_pending()
        fake.clock.travel(minutes=40)
    await fake.run_pending()

    assert ticks == [EIGHT + timedelta(hours=n) for n in range(1, 5)]
    history = await Schedules(JobManager.get_queue()).history("hourly")
    assert {one.outcome for one in history} == {"ran"}


async def test_a_tick_that_waits_for_its_next_try_keeps_the_others_out(
    fake: QueueFake, seen: Any
) -> None:
    @Schedule.every(minutes=1, tries=2, backoff=90)
    async def each_minute(ctx: dict[str, Any]) -> None:
        seen.append(("tick", fake.clock.now - EIGHT))
        if len(seen) == 1:
            raise ValueError("no")

    await fake.run_pending()
    fake.clock.travel(minutes=4)
    await fake.run_pending()

    assert [after for _, after in seen] == minutes(1, 2.5, 3, 4)


async def test_nothing_is_due_in_a_time_that_the_clock_was_set_over(
    fake: QueueFake,
) -> None:
    @Schedule.cron("0 * * * *")
    async def hourly(ctx: dict[str, Any]) -> None: ...

    fake.clock.set(EIGHT + timedelta(days=100, minutes=1))

    assert await fake.run_pending() == []


async def test_a_schedule_made_at_run_time_fires_too(
    fake: QueueFake, note: Any, seen: Any
) -> None:
    schedules = Schedules(JobManager.get_queue())
    await schedules.add(
        "notes", cron="0 * * * *", job=note.__jtc__.name, payload={"word": "a"}
    )
    fake.clock.travel(hours=2)
    await fake.run_pending()

    assert seen == [("a", after) for after in minutes(60, 120)]


async def test_what_lives_for_a_time_is_gone_after_just_that(fake: QueueFake) -> None:
    class Short(Job, result_ttl=60, unique=Unique(ttl=3600)):
        async def handle(self) -> None: ...

    ended = await Short.dispatch()
    await fake.run_pending()
    await Short.configure(delay=86400).dispatch()
    fake.clock.travel(seconds=59)
    assert await ended.status() == "complete"
    fake.clock.travel(seconds=1)
    assert await ended.status() == "unknown"

    fake.clock.travel(seconds=3600 - 61)
    assert not (await Short.dispatch()).created
    fake.clock.travel(seconds=1)
    assert (await Short.dispatch()).created


async def test_draining_runs_everything_and_takes_its_time(
    fake: QueueFake, note: Any, seen: Any
) -> None:
    await note.configure(delay=90).dispatch(word="a", then="b")
    await note.configure(at=EIGHT + timedelta(days=2)).dispatch(word="c")

    ran = await fake.drain()

    assert [one.result for one in ran] == ["A", "B", "C"]
    assert seen[-1] == ("c", timedelta(days=2))
    assert fake.clock.now == EIGHT + timedelta(days=2)
    assert await fake.drain() == []


async def test_a_job_whose_time_has_passed_runs_now(
    fake: QueueFake, note: Any, seen: Any
) -> None:
    await note.configure(at=EIGHT - timedelta(days=1)).dispatch(word="a")
    await note.configure(at=EIGHT).dispatch(word="b")
    await fake.run_pending()

    assert seen == [("a", timedelta()), ("b", timedelta())]


async def test_a_task_that_is_known_no_more_does_not_fire(fake: QueueFake) -> None:
    with ScheduleRegistry.scoped():

        @Schedule.every(minutes=1)
        async def each_minute(ctx: dict[str, Any]) -> None: ...

        await fake.run_pending()
    fake.clock.travel(minutes=10)

    assert await fake.run_pending() == []


async def test_a_task_in_a_test_pings_nobody(
    fake: QueueFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    monkeypatch.setattr(pings, "call_url", lambda url, _: called.append(url))

    @Schedule.cron("0 12 * * *", ping="https://hc-ping.com/5af")
    async def noon(ctx: Any) -> None: ...

    fake.clock.travel(hours=4)
    (ran,) = await fake.run_pending()
    await close_backgrounds()
    assert (ran.name, called) == ("noon", [])


async def test_draining_runs_the_ticks_on_the_way(fake: QueueFake, note: Any) -> None:
    @Schedule.cron("0 12 * * *")
    async def at_noon(ctx: dict[str, Any]) -> None: ...

    await note.configure(delay=24 * 3600).dispatch(word="tomorrow")

    first, *_ = await fake.drain()

    assert first.name == "at_noon"
    assert await fake.drain() == []


async def test_jobs_without_an_end_are_given_up(fake: QueueFake) -> None:
    class Again(Job):
        async def handle(self) -> None:
            await Again.dispatch()

    await Again.dispatch()

    with pytest.raises(NeverEnds, match=r"20 attempts .* after 20 of \S+Again\."):
        await fake.drain(limit=20)

    assert len(fake.ran) == 20


async def test_a_failed_drain_puts_the_clock_back(fake: QueueFake) -> None:
    class Again(Job):
        async def handle(self) -> None:
            await Again.dispatch()

    await Again.configure(delay=60).dispatch()
    fake.clock.travel(hours=1)

    with pytest.raises(NeverEnds):
        await fake.run_pending(limit=5)

    assert fake.clock.now == EIGHT + timedelta(hours=1)


async def test_failures_can_be_asserted(
    fake: QueueFake, note: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    await note.dispatch(word="fine")
    await fake.run_pending()
    fake.assert_nothing_failed()

    await note.dispatch(word="out of paper", fails=True)
    await fake.run_pending()

    with pytest.raises(
        AssertionError, match=r"Traceback[^\0]*ValueError: out of paper"
    ):
        fake.assert_nothing_failed()


def test_synchronous_code_can_run_jobs_too(fake: QueueFake, note: Any) -> None:
    note.dispatch_blocking(word="a")

    [ran] = run_blocking(fake.run_pending)
    note.dispatch_blocking(word="b")
    [again] = asyncio.run(fake.run_pending())

    assert (ran.result, again.result) == ("A", "B")


async def test_jobs_get_their_services_from_the_container_that_is_set(
    fake: QueueFake,
) -> None:
    class Send(Job):
        async def handle(self, mailer: Mailer) -> str:
            return mailer.name

    await Send.dispatch()
    await fake.run_pending()
    container = lagom.Container()
    container[Mailer] = FakeMailer
    set_container(container)
    await Send.dispatch()
    await fake.run_pending()

    assert [one.result for one in fake.ran] == ["real", "fake"]


async def test_one_inside_another_takes_over_for_as_long_as_it_lasts(
    fake: QueueFake, note: Any
) -> None:
    with fake_queue(Clock(EIGHT)) as inner:
        await note.dispatch(word="inside")
        await inner.run_pending()
    await note.dispatch(word="outside")
    await fake.run_pending()

    assert [one.result for one in inner.ran] == ["INSIDE"]
    assert [one.result for one in fake.ran] == ["OUTSIDE"]


def test_the_process_is_as_before_when_it_ends(environment: None) -> None:
    set_container(None)
    with JobManager.scoped():
        with fake_queue():
            get_container()
            JobManager.get_queue()

        with pytest.raises(ContainerNotSet):
            get_container()
        with pytest.raises(ManagerNotInitialized):
            JobManager.get_queue()


@pytest.mark.parametrize("missing", ["fakeredis", "lupa"])
def test_what_is_not_installed_is_named(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    # Or it would not be imported again.
    monkeypatch.delitem(sys.modules, "jtc.testing.fake_server", raising=False)

    message = f"{missing} .*'jtc-queue.testing.'"
    with pytest.raises(FakeUnavailable, match=message), fake_queue():
        pass


async def test_an_application_may_open_and_close_its_manager(
    fake: QueueFake, note: Any
) -> None:
    JobManager.initialize("redis://nowhere.invalid", "mail")
    await note.dispatch(word="a")
    await JobManager.close()
    await note.dispatch(word="b")

    assert {one.result for one in await fake.run_pending()} == {"A", "B"}
    assert {one.queue for one in fake.dispatched()} == {"mail", "default"}
