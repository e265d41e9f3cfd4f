from __future__ import annotations

import asyncio
import contextlib
import logging
import threading

import pytest

from jtc.queue import background
from jtc.queue.background import Background, background_for, close_backgrounds
from jtc.queue.threads import run_in_thread


async def test_closing_waits_for_what_runs() -> None:
    beside, done = Background(), []

    async def call() -> None:
        await asyncio.sleep(0.01)
        done.append("done")

    assert beside.start(call(), "a call") is not None
    assert done == []
    await beside.close()
    assert done == ["done"]


async def test_closing_with_nothing_under_way_is_nothing() -> None:
    await Background().close()
    await close_backgrounds()


@pytest.mark.usefixtures("impatient")
async def test_what_does_not_end_is_given_up() -> None:
    beside, ends = Background(), []

    async def call() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ends.append("canceled")

    beside.start(call(), "a call")
    await asyncio.sleep(0)
    await beside.close()
    assert ends == ["canceled"]


@pytest.mark.usefixtures("impatient")
async def test_a_thread_that_hangs_is_given_up() -> None:
    beside, may_end, ended = Background(), threading.Event(), []

    async def call() -> None:
        # It says so by an error, which a call has to log itself.
        with contextlib.suppress(Exception):
            await run_in_thread(lambda: may_end.wait(60), is_job=False)
        ended.append("given up")

    beside.start(call(), "a call")
    await asyncio.sleep(0)
    await beside.close()
    assert ended == ["given up"]
    may_end.set()


async def test_when_too_many_run_further_ones_are_dropped_with_a_warning(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "MOST", 2)
    beside, go_on, called = Background(), asyncio.Event(), []

    async def call(number: int) -> None:
        called.append(number)
        await go_on.wait()

    with caplog.at_level(logging.WARNING, "jtc.queue"):
        started = [beside.start(call(n), f"call {n}") for n in range(3)]
    assert [one is not None for one in started] == [True, True, False]
    assert "Did not call call 2: 2 others have not ended yet." in caplog.text
    # And when they have ended, there is room again
    go_on.set()
    await beside.close()
    assert beside.start(call(3), "call 3") is not None
    await beside.close()
    assert called == [0, 1, 3]


async def test_not_each_call_that_is_dropped_has_a_warning_of_its_own(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "MOST", 0)
    monkeypatch.setattr(background, "SAY_AGAIN", 3600)
    beside = Background()

    async def call() -> None: ...

    def drop(times: int) -> None:
        with caplog.at_level(logging.WARNING, "jtc.queue"):
            for _ in range(times):
                beside.start(call(), "a call")

    drop(3)
    assert len(caplog.records) == 1
    # A while later they are told of all that were dropped
    monkeypatch.setattr(background, "SAY_AGAIN", 0)
    drop(1)
    assert "Calls dropped so far: 4." in caplog.records[-1].getMessage()


async def test_one_kind_does_not_take_the_room_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(background, "MOST", 1)
    go_on = asyncio.Event()

    async def call() -> None:
        await go_on.wait()

    assert background_for("a test") is background_for("a test")
    assert background_for("a test").start(call(), "one") is not None
    assert background_for("another test").start(call(), "other") is not None
    go_on.set()
    await close_backgrounds()


def test_each_loop_has_its_own() -> None:
    async def mine() -> Background:
        return background_for("a test")

    assert asyncio.run(mine()) is not asyncio.run(mine())


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up soon."""
    monkeypatch.setattr(background, "PATIENCE", 0.05)
