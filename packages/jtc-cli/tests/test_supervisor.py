from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from jtc.cli import supervisor
from jtc.cli.restarts import describe_end
from jtc.cli.supervised import RECYCLED
from jtc.cli.supervisor import Supervisor

DEADLINE = 30.0


async def eventually(condition: Callable[[], bool]) -> None:
    deadline = asyncio.get_running_loop().time() + DEADLINE
    while not condition():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.001)


class FakeProcess:
    """A worker process that ends when the test says so."""

    def __init__(self, number: int, pid: int) -> None:
        self.number = number
        self.pid = pid
        self.lived = 0.0
        self.told: list[str] = []
        self.is_ready = True
        self.end: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def became_ready(self) -> bool:
        return self.is_ready

    async def wait(self) -> int:
        return await self.end

    def stop(self) -> None:
        self.told.append("stop")

    def hurry(self) -> None:
        self.told.append("hurry")

    def kill(self) -> None:
        self.told.append("kill")


class Fleet:
    """The processes that a supervisor has started."""

    def __init__(self) -> None:
        self.started: list[FakeProcess] = []
        self.prepare: Callable[[FakeProcess], None] = lambda process: None

    async def start(self, number: int) -> Any:
        process = FakeProcess(number, 1000 + len(self.started))
        self.prepare(process)
        self.started.append(process)
        return process

    async def has(self, count: int) -> None:
        await eventually(lambda: len(self.started) >= count)


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Restart at once; return the counts of deaths that were asked for a pause."""
    asked: list[int] = []

    def no_delay(deaths: int) -> float:
        asked.append(deaths)
        return 0.0

    monkeypatch.setattr(supervisor, "restart_delay", no_delay)
    return asked


def supervise(fleet: Fleet, processes: int, *, burst: bool = False) -> Any:
    one = Supervisor(fleet.start, processes=processes, burst=burst)
    return asyncio.create_task(one.run())


async def told(process: FakeProcess, words: list[str]) -> None:
    await eventually(lambda: process.told == words)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.fault("H18")
async def test_signals_are_passed_on_one_by_one(
    fleet: Fleet, signum: signal.Signals
) -> None:
    running = supervise(fleet, 3)
    await fleet.has(3)
    for words in (["stop"], ["stop", "hurry"], ["stop", "hurry", "kill"]):
        os.kill(os.getpid(), signum)
        for process in fleet.started:
            await told(process, words)
    for process in fleet.started:
        process.end.set_result(0)
    assert await running == 0


@pytest.mark.fault("H18")
async def test_a_process_that_dies_is_started_again(
    fleet: Fleet, quick: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    running = supervise(fleet, 2)
    await fleet.has(2)
    assert [process.number for process in fleet.started] == [1, 2]
    fleet.started[1].end.set_result(-9)
    await fleet.has(3)
    assert fleet.started[2].number == 2
    (record,) = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert "Worker process 2 (pid 1001) is gone: it was killed by SIGKILL" in (
        record.getMessage()
    )
    assert record.__dict__["action"] == "process_died"
    os.kill(os.getpid(), signal.SIGTERM)
    for index in (0, 2):
        await told(fleet.started[index], ["stop"])
        fleet.started[index].end.set_result(0)
    assert await running == 0


async def test_who_dies_again_and_again_waits_longer_and_longer(
    fleet: Fleet, quick: list[int]
) -> None:
    running = supervise(fleet, 1)
    lives = [0.1, 0.1, 0.1, 60.0, 0.1]
    for count, lived in enumerate(lives, start=1):
        await fleet.has(count)
        fleet.started[-1].lived = lived
        fleet.started[-1].end.set_result(1)
    await fleet.has(len(lives) + 1)
    assert quick == [1, 2, 3, 1, 2]
    os.kill(os.getpid(), signal.SIGTERM)
    await told(fleet.started[-1], ["stop"])
    fleet.started[-1].end.set_result(0)
    assert await running == 0


async def test_a_signal_cuts_a_pause_short(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "restart_delay", lambda deaths: 3600.0)
    running = supervise(fleet, 1)
    await fleet.has(1)
    fleet.started[0].end.set_result(1)
    await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGTERM)
    assert await asyncio.wait_for(running, DEADLINE) == 0
    assert len(fleet.started) == 1


async def test_who_has_reached_a_limit_is_replaced_without_a_pause(
    fleet: Fleet, quick: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    running = supervise(fleet, 1, burst=True)
    for count in (1, 2, 3):
        await fleet.has(count)
        fleet.started[-1].end.set_result(RECYCLED)
    await fleet.has(4)
    assert quick == []
    assert caplog.text.count("has ended by itself and is replaced") == 3
    fleet.started[-1].end.set_result(0)
    assert await running == 0


async def test_a_burst_ends_when_all_have_ended_well(
    fleet: Fleet, quick: list[int]
) -> None:
    running = supervise(fleet, 2, burst=True)
    await fleet.has(2)
    fleet.started[0].end.set_result(0)
    fleet.started[1].end.set_result(-11)
    await fleet.has(3)
    assert not running.done()
    fleet.started[2].end.set_result(0)
    assert await running == 0
    assert len(fleet.started) == 3


async def test_a_worker_that_was_told_to_end_by_somebody_else_is_started_again(
    fleet: Fleet, quick: list[int]
) -> None:
    running = supervise(fleet, 1)
    await fleet.has(1)
    fleet.started[0].end.set_result(0)
    await fleet.has(2)
    os.kill(os.getpid(), signal.SIGTERM)
    await told(fleet.started[1], ["stop"])
    fleet.started[1].end.set_result(0)
    assert await running == 0


@pytest.mark.parametrize(("status", "expected"), [(1, 1), (-6, 1), (0, 0)])
async def test_if_the_first_cannot_start_no_other_is_tried(
    fleet: Fleet, caplog: pytest.LogCaptureFixture, status: int, expected: int
) -> None:
    def fail(process: FakeProcess) -> None:
        process.is_ready = False
        process.end.set_result(status)

    fleet.prepare = fail
    assert await supervise(fleet, 5) == expected
    assert len(fleet.started) == 1
    # With 1 it has said what is wrong itself
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        f"The first worker (pid 1000) ended before it was ready: {how}."
        for how in [describe_end(status)]
        if status != 1
    ]


async def test_a_signal_during_a_start_reaches_the_process_too(fleet: Fleet) -> None:
    starting, go_on = asyncio.Event(), asyncio.Event()
    start: Callable[[int], Awaitable[Any]] = fleet.start

    async def slow_start(number: int) -> Any:
        starting.set()
        await go_on.wait()
        return await start(number)

    one = Supervisor(slow_start, processes=1, burst=False)
    running = asyncio.create_task(one.run())
    await starting.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.sleep(0.05)
    go_on.set()
    await fleet.has(1)
    await told(fleet.started[0], ["stop", "hurry"])
    fleet.started[0].end.set_result(-15)
    assert await running == 0


async def test_a_process_that_did_not_end_well_is_told_by_the_status(
    fleet: Fleet,
) -> None:
    running = supervise(fleet, 2)
    await fleet.has(2)
    os.kill(os.getpid(), signal.SIGTERM)
    await told(fleet.started[1], ["stop"])
    fleet.started[0].end.set_result(0)
    fleet.started[1].end.set_result(-9)
    assert await running == 1


def develop(fleet: Fleet) -> tuple[Supervisor, Any]:
    one = Supervisor(fleet.start, processes=1, burst=False, reloads=True)
    return one, asyncio.create_task(one.run())


async def test_a_process_is_replaced_once_its_jobs_have_ended(
    fleet: Fleet, quick: list[int]
) -> None:
    one, running = develop(fleet)
    await fleet.has(1)
    # When code changes, twice
    assert one.replace()
    assert one.replace()
    # Then
    await told(fleet.started[0], ["stop", "stop"])
    assert len(fleet.started) == 1
    fleet.started[0].end.set_result(0)
    await fleet.has(2)
    assert quick == []
    # And the first signal does not wait for running jobs
    os.kill(os.getpid(), signal.SIGINT)
    await told(fleet.started[1], ["hurry"])
    os.kill(os.getpid(), signal.SIGINT)
    await told(fleet.started[1], ["hurry", "kill"])
    fleet.started[1].end.set_result(0)
    assert await running == 0


async def test_a_process_that_could_not_start_waits_for_other_code(
    fleet: Fleet, quick: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    one, running = develop(fleet)
    await fleet.has(1)
    fleet.started[0].end.set_result(1)
    await eventually(lambda: "Waiting for a change" in capsys.readouterr().err)
    assert not one.replace()
    await fleet.has(2)
    # When it dies, it is started again as any other
    fleet.started[1].end.set_result(-9)
    await fleet.has(3)
    assert quick == [2]
    one.stop()
    fleet.started[2].end.set_result(0)
    assert await running == 0


async def test_a_signal_ends_who_waits_for_other_code(fleet: Fleet) -> None:
    _, running = develop(fleet)
    await fleet.has(1)
    fleet.started[0].end.set_result(1)
    await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGINT)
    assert await asyncio.wait_for(running, DEADLINE) == 0
    assert len(fleet.started) == 1
