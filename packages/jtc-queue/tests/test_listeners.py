from __future__ import annotations

import asyncio
import functools
import json
import logging
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from jtc.events import (
    Event,
    JobCanceled,
    JobCompleted,
    JobEvent,
    RedisAway,
    RedisBack,
    listen,
    unlisten,
)
from jtc.queue import JsonFormatter, RedisQueue, Worker, background
from jtc.queue.audience import Audience
from jtc.queue.background import close_backgrounds
from jtc.queue.errors import InvalidListener, QueueError
from jtc.queue.listeners import announce, is_heard
from jtc.queue.threads import any_job_thread_runs

Eventually = Callable[..., Awaitable[Any]]
Listening = Callable[..., Any]

AWAY = RedisAway(error="gone")
BACK = RedisBack(seconds=1.5)


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listening]:
    """Let functions listen for as long as the test lasts."""
    # However loaded the machine is.
    monkeypatch.setattr(background, "PATIENCE", 60)
    added: list[Any] = []

    def add(listener: Any, *kinds: type[Event]) -> Any:
        added.append(listener)
        return listen(*kinds)(listener)

    yield add
    for listener in added:
        unlisten(listener)


async def test_a_listener_is_told_of_its_kinds_only(listening: Listening) -> None:
    told: list[Event] = []

    async def note(event: Event) -> None:
        told.append(event)

    assert listening(note, RedisBack) is note
    for event in (AWAY, BACK):
        announce(event)
    await close_backgrounds()
    assert told == [BACK]


async def test_a_base_class_stands_for_all_that_are_made_of_it(
    listening: Listening,
) -> None:
    listening(lambda event: None, JobEvent)
    assert is_heard(JobCompleted)
    assert is_heard(JobCanceled)
    assert not is_heard(RedisAway)


async def test_a_plain_function_is_called_in_a_thread(listening: Listening) -> None:
    threads: list[threading.Thread] = []
    is_job: list[bool] = []

    def note(event: Event) -> None:
        threads.append(threading.current_thread())
        is_job.append(any_job_thread_runs())

    listening(note, Event)
    announce(AWAY)
    await close_backgrounds()
    assert threads[0] is not threading.main_thread()
    # One that hangs must not make a worker look as if it had a job.
    assert is_job == [False]


async def test_who_listens_twice_is_told_once(listening: Listening) -> None:
    told: list[Event] = []

    async def note(event: Event) -> None:
        told.append(event)

    listening(note, RedisAway)
    listening(note, RedisAway, RedisBack)
    for event in (AWAY, BACK):
        announce(event)
    await close_backgrounds()
    assert told == [AWAY, BACK]


async def test_nobody_is_told_after_unlisten(listening: Listening) -> None:
    told: list[Event] = []

    @dataclass
    class Notes:
        # It cannot be hashed, as values that compare cannot.
        name: str

        def note(self, event: Event) -> None:
            told.append(event)

    notes = Notes("mine")
    listening(notes.note, RedisAway)
    unlisten(notes.note)
    unlisten(print)
    assert not is_heard(RedisAway)
    announce(AWAY)
    await close_backgrounds()
    assert told == []


async def test_an_object_that_can_be_called_may_listen(listening: Listening) -> None:
    told: list[Event] = []

    @dataclass
    class Notes:
        name: str

        def __call__(self, event: Event) -> None:
            told.append(event)

    listening(Notes("mine"), RedisAway)
    listening(functools.partial(list.append, told), RedisAway)
    announce(AWAY)
    await close_backgrounds()
    assert told == [AWAY, AWAY]


@pytest.mark.parametrize("raised", [ValueError("no pager"), SystemExit("no pager")])
async def test_what_a_listener_raises_is_logged_and_the_others_are_told(
    listening: Listening, caplog: pytest.LogCaptureFixture, raised: BaseException
) -> None:
    told: list[Event] = []

    async def fail(event: Event) -> None:
        raise raised

    def fail_in_a_thread(event: Event) -> None:
        raise raised

    async def note(event: Event) -> None:
        told.append(event)

    for listener in (fail, fail_in_a_thread, note):
        listening(listener, RedisAway)
    announce(AWAY)
    await close_backgrounds()
    assert told == [AWAY]
    failed = [r for r in caplog.records if r.__dict__["action"] == "listener_failed"]
    assert [record.__dict__["event"] for record in failed] == ["RedisAway"] * 2
    assert "A listener to RedisAway failed." in caplog.text


async def test_a_thousand_that_have_not_ended_are_enough(
    listening: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    go_on = asyncio.Event()
    called: list[Event] = []

    async def slow(event: Event) -> None:
        called.append(event)
        await go_on.wait()

    listening(slow, RedisAway)
    with caplog.at_level(logging.WARNING, "jtc.queue"):
        for _ in range(1001):
            announce(AWAY)
    assert "Did not call a listener to RedisAway: 1000 others" in caplog.text
    assert len(caplog.records) == 1
    go_on.set()
    await close_backgrounds()
    assert len(called) == 1000


async def test_without_a_loop_nobody_is_told(listening: Listening) -> None:
    told: list[Event] = []
    listening(told.append, RedisAway)
    await asyncio.to_thread(announce, AWAY)
    await close_backgrounds()
    assert told == []


def nothing() -> None: ...


def yielding(event: Event) -> Iterator[Event]:
    yield event


@pytest.mark.parametrize("kinds", [(), (5,), (dict,), (AWAY,), (RedisAway, "Back")])
def test_what_is_no_kind_of_event_is_refused(kinds: tuple[Any, ...]) -> None:
    with pytest.raises(InvalidListener, match=r"see jtc\.events|names no events"):
        listen(*kinds)


@pytest.mark.parametrize("listener", [5, None, nothing, lambda a, b: None, yielding])
def test_what_cannot_be_called_with_an_event_is_refused(listener: Any) -> None:
    with pytest.raises(InvalidListener, match="Cannot listen to events: ") as refused:
        listen(RedisAway)(listener)
    assert isinstance(refused.value, QueueError)
    assert isinstance(refused.value, TypeError)
    assert not is_heard(RedisAway)


def test_listeners_may_come_and_go_in_several_threads() -> None:
    # Given two threads that add and remove their listeners while a third one asks
    audience = Audience()
    stays: list[Callable[[Event], None]] = [lambda event: None for _ in range(2)]

    def come_and_go(stay: Callable[[Event], None]) -> None:
        for _ in range(300):
            other: Callable[[Event], None] = lambda event: None  # noqa: E731
            audience.add(other, (RedisAway,))
            audience.of(RedisAway)
            audience.remove(other)
        audience.add(stay, (RedisAway,))

    threads = [threading.Thread(target=come_and_go, args=(one,)) for one in stays]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        audience.of(RedisAway)
    # Then those that stay are heard, and nobody else
    assert set(audience.of(RedisAway)) == set(stays)


# -- beside the work -------------------------------------------------------------------


async def test_neither_a_slow_nor_a_failing_listener_delays_a_job(
    *,
    queue: RedisQueue,
    working: Any,
    eventually: Eventually,
    listening: Listening,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given listeners that hang, in the loop and in threads, and one that fails
    monkeypatch.setattr(background, "PATIENCE", 0.05)
    may_end, begun = threading.Event(), []

    async def hang(event: Event) -> None:
        begun.append("loop")
        await asyncio.Event().wait()

    def hang_in_a_thread(event: Event) -> None:
        begun.append("thread")
        may_end.wait(60)

    async def fail(event: Event) -> None:
        raise ValueError

    for listener in (hang, hang_in_a_thread, fail):
        listening(listener, JobEvent)
    # When jobs run
    async with working(Worker(queue, [("f", quick)], concurrency=1)):
        for _ in range(20):
            await queue.enqueue("f")
        # Then they end, and so does the worker
        await eventually(lambda: queue.complete == 20)
        await eventually(lambda: {"loop", "thread"} <= {*begun})
    may_end.set()


async def test_what_a_listener_logs_is_not_told_in_the_name_of_some_job(
    queue: RedisQueue, listening: Listening
) -> None:
    lines: list[dict[str, Any]] = []

    def note(event: JobEvent) -> None:
        record = logging.makeLogRecord({"msg": event.id})
        lines.append(json.loads(JsonFormatter().format(record)))

    listening(note, JobEvent)
    for _ in range(5):
        await queue.enqueue("f")
    await Worker(queue, [("f", quick)], concurrency=2, burst=True).start()
    assert len(lines) == 10
    assert [line for line in lines if "job_id" in line] == []


async def test_a_listener_may_be_added_while_a_worker_runs(
    queue: RedisQueue, working: Any, eventually: Eventually, listening: Listening
) -> None:
    told: list[str] = []

    async def note(event: JobCompleted) -> None:
        told.append(event.id)

    async with working(Worker(queue, [("f", quick)])):
        await queue.enqueue("f", key="before")
        await eventually(lambda: queue.complete == 1)
        listening(note, JobCompleted)
        await queue.enqueue("f", key="after")
        await eventually(lambda: told)
    assert told == ["after"]


async def test_the_last_events_are_heard_before_the_hooks_of_the_end(
    queue: RedisQueue, listening: Listening
) -> None:
    order: list[str] = []

    async def note(event: JobCompleted) -> None:
        await asyncio.sleep(0.05)
        order.append("listener")

    async def close(ctx: dict[str, Any]) -> None:
        order.append("shutdown")

    listening(note, JobCompleted)
    await queue.enqueue("f")
    await Worker(queue, [("f", quick)], shutdown=close, burst=True).start()
    assert order == ["listener", "shutdown"]


async def quick(ctx: dict[str, Any]) -> str:
    return "done"
