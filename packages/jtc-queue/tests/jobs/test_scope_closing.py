"""What becomes of a job when closing its services goes wrong."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import dishka
import lagom
import pytest

from jtc.jobs import (
    Job,
    NotInScope,
    get_container,
    runner,
    scope,
    scoped,
    set_container,
)
from jtc.queue import FailedJobs, RedisQueue, Worker

events: list[str] = []


class Session:
    """What is committed when it closes."""


class Cursor:
    """Closed before its session."""


class CommitFailed(ConnectionError):
    """The database went away."""


async def commit_fails() -> AsyncIterator[Session]:
    yield Session()
    events.append("commit")
    raise CommitFailed


async def hangs_at_the_end() -> AsyncIterator[Session]:
    try:
        yield Session()
    finally:
        events.append("closing")
        await asyncio.sleep(60)


async def swallows() -> AsyncIterator[Session]:
    try:
        yield Session()
    except ValueError:
        events.append("swallowed")


async def fails_to_roll_back() -> AsyncIterator[Session]:
    try:
        yield Session()
    except BaseException as error:
        raise CommitFailed from error


async def cursor_hangs(session: Session) -> AsyncIterator[Cursor]:
    try:
        yield Cursor()
    finally:
        await asyncio.sleep(60)


async def session_closes() -> AsyncIterator[Session]:
    try:
        yield Session()
    finally:
        events.append("session closed")


class Write(Job, backoff=0):
    """Uses a session, well or not."""

    how: str = "well"

    async def handle(self, session: Session) -> str:
        if self.how == "hang":
            await asyncio.sleep(60)
        if self.how == "fail":
            raise ValueError
        return "written"

    async def failed(self, exception: Exception) -> None:
        events.append(f"failed: {type(exception).__name__}")


class WriteLine(Job):
    """Uses both."""

    async def handle(self, cursor: Cursor, session: Session) -> None: ...


def by_lagom(*factories: Callable[..., Any]) -> None:
    container = lagom.Container()
    for factory, service in zip(factories, (Session, Cursor), strict=False):
        container[service] = scoped(factory)
    set_container(container)


def by_dishka(*factories: Callable[..., Any]) -> None:
    provider = dishka.Provider(scope=dishka.Scope.REQUEST)
    for factory, service in zip(factories, (Session, Cursor), strict=False):
        provider.provide(factory, provides=service)
    set_container(dishka.make_async_container(provider))


both = pytest.mark.parametrize("use", [by_lagom, by_dishka])


@pytest.fixture(autouse=True)
def _nothing_happened() -> None:
    events.clear()


async def run_one(queue: RedisQueue) -> None:
    assert await Worker(queue, [("runner", runner)]).process()


@both
async def test_an_error_of_closing_fails_the_job(queue: RedisQueue, use: Any) -> None:
    use(commit_fails)
    handle = await Write.dispatch()

    await run_one(queue)

    assert await handle.status() == "failed"
    assert events == ["commit", "failed: CommitFailed"]
    failed = await FailedJobs(queue).get(handle.id)
    assert failed is not None
    assert failed.exception is not None
    assert failed.exception.endswith(".CommitFailed")
    assert "raised while the services of the attempt were closed" in failed.traceback


@both
async def test_an_error_of_closing_is_judged_by_the_rules_of_the_class(
    queue: RedisQueue, use: Any
) -> None:
    class Stubborn(Write, tries=2, retry_on=ConnectionError):
        pass

    use(commit_fails)
    handle = await Stubborn.dispatch()

    await run_one(queue)

    assert await handle.status() == "queued"
    assert events == ["commit"]


async def test_an_error_that_a_service_swallows_is_still_that_of_the_job(
    queue: RedisQueue,
) -> None:
    by_lagom(swallows)
    handle = await Write.dispatch(how="fail")

    await run_one(queue)

    assert await handle.status() == "failed"
    assert events == ["failed: ValueError", "swallowed"]


async def test_an_error_of_rolling_back_is_logged_beside_that_of_the_job(
    queue: RedisQueue, caplog: pytest.LogCaptureFixture
) -> None:
    by_lagom(fails_to_roll_back)
    handle = await Write.dispatch(how="fail")

    await run_one(queue)

    failed = await FailedJobs(queue).get(handle.id)
    assert failed is not None
    assert failed.exception == "ValueError"
    (record,) = [
        one for one in caplog.records if vars(one).get("action") == "scope_close_failed"
    ]
    assert record.levelno == logging.ERROR
    assert record.getMessage() == (
        "Closing the services of an attempt that ended with ValueError failed too."
    )


@both
async def test_closing_that_hangs_is_ended_by_the_timeout(
    queue: RedisQueue, use: Any
) -> None:
    use(hangs_at_the_end)
    handle = await Write.configure(timeout=0.2).dispatch()

    await run_one(queue)

    assert await handle.status() == "failed"
    assert events == ["closing", "failed: JobTimeout"]


@both
async def test_closing_that_hangs_after_a_timeout_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, queue: RedisQueue, use: Any
) -> None:
    monkeypatch.setattr(scope, "PATIENCE", 0.05)
    use(hangs_at_the_end)
    handle = await Write.configure(timeout=0.1).dispatch(how="hang")

    await run_one(queue)

    assert await handle.status() == "failed"
    assert events == ["failed: JobTimeout", "closing"]


@both
async def test_one_that_hangs_does_not_keep_the_others_open(
    queue: RedisQueue, use: Any
) -> None:
    use(session_closes, cursor_hangs)
    handle = await WriteLine.configure(timeout=0.2).dispatch()

    await run_one(queue)

    assert await handle.status() == "failed"
    assert events == ["session closed"]


async def test_a_service_of_an_attempt_is_not_to_be_had_from_the_container() -> None:
    class Ask(Job):
        async def handle(self) -> Session:
            return get_container().resolve(Session)  # type: ignore[no-any-return]

    by_lagom(session_closes)

    with pytest.raises(NotInScope, match=r"session_closes makes lives as long as"):
        await Ask.dispatch_sync()
