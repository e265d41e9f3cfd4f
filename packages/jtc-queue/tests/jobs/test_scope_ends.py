"""Whatever ends an attempt, its services are closed, with every kind of container."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import dishka
import lagom
import pytest

from jtc.jobs import Discard, Job, Retry, runner, scoped, set_container
from jtc.queue import RedisQueue, ThreadStillRuns, Worker, threads

Eventually = Callable[..., Awaitable[Any]]
Working = Callable[[Worker], contextlib.AbstractAsyncContextManager[Worker]]

events: list[str] = []
release = threading.Event()


class Session:
    """A service that has to be closed."""

    def __init__(self) -> None:
        self.is_closed = False


class Broken:
    """A service that cannot be made."""

    def __init__(self) -> None:
        raise OSError


class Untouched:
    """A service that nobody asks for."""


async def open_session() -> AsyncIterator[Session]:
    session = Session()
    events.append("opened")
    try:
        yield session
    except BaseException as error:
        events.append(f"saw {type(error).__name__}")
        raise
    finally:
        session.is_closed = True
        events.append("closed")


async def provide_session() -> AsyncIterator[Session]:
    """dishka gives the error instead of raising it."""
    session = Session()
    events.append("opened")
    error: BaseException | None = yield session
    if error is not None:
        events.append(f"saw {type(error).__name__}")
    session.is_closed = True
    events.append("closed")


async def open_untouched() -> AsyncIterator[Untouched]:
    events.append("made for nothing")
    yield Untouched()


def lagom_container() -> lagom.Container:
    container = lagom.Container()
    container[Session] = scoped(open_session)
    container[Untouched] = scoped(open_untouched)
    return container


def dishka_container() -> dishka.AsyncContainer:
    provider = dishka.Provider(scope=dishka.Scope.REQUEST)
    provider.provide(provide_session, provides=Session)
    provider.provide(open_untouched, provides=Untouched)
    provider.provide(Broken)
    return dishka.make_async_container(provider)


class HandMade:
    """A container of somebody's own, with scopes."""

    def __init__(self) -> None:
        self._session: Session | None = None

    def resolve(self, dep_type: type[Any], /) -> Any:
        if dep_type is Session:
            return self._session
        return dep_type() if dep_type is Broken else dep_type(self._session)

    @contextlib.asynccontextmanager
    async def enter_scope(self) -> AsyncIterator[HandMade]:
        inner = HandMade()
        async with contextlib.asynccontextmanager(open_session)() as inner._session:
            yield inner


CONTAINERS: dict[str, Callable[[], Any]] = {
    "lagom": lagom_container,
    "dishka": dishka_container,
    "hand-made": HandMade,
}


@pytest.fixture(autouse=True, params=CONTAINERS)
def container(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Each test runs with each kind of container."""
    events.clear()
    release.clear()
    made = CONTAINERS[request.param]()
    set_container(made)
    yield made
    release.set()


class Work(Job, backoff=0):
    """Does with an open session what it is told."""

    how: str = "well"

    async def handle(self, session: Session) -> str:
        assert not session.is_closed
        match self.how:
            case "well":
                return "done"
            case "hang":
                await asyncio.sleep(60)
            case "discard":
                raise Discard
            case "retry":
                if self.context.attempt == 1:
                    raise Retry
                return "done"
        raise ValueError(self.how)


class Blocking(Job, backoff=0):
    """The same in a thread."""

    how: str = "well"

    def handle(self, session: Session) -> str:
        if self.how == "fail":
            raise ValueError
        if self.how == "hang":
            release.wait(30)
            # Closed on the loop, after this.
            events.append("thread ended")
        assert not session.is_closed
        return "done"


async def run_one(queue: RedisQueue) -> None:
    assert await Worker(queue, [("runner", runner)]).process()


@pytest.mark.parametrize("job_class", [Work, Blocking])
async def test_a_success_closes_them(queue: RedisQueue, job_class: type[Job]) -> None:
    handle = await job_class.dispatch(how="well")

    await run_one(queue)

    assert await handle.result(timeout=30) == "done"
    assert events == ["opened", "closed"]


@pytest.mark.parametrize("job_class", [Work, Blocking])
async def test_a_failure_closes_them(queue: RedisQueue, job_class: type[Job]) -> None:
    handle = await job_class.dispatch(how="fail")

    await run_one(queue)

    assert await handle.status() == "failed"
    assert events == ["opened", "saw ValueError", "closed"]


async def test_each_try_has_its_own(queue: RedisQueue) -> None:
    handle = await Work.configure(tries=2).dispatch(how="retry")

    await run_one(queue)
    await run_one(queue)

    assert await handle.result(timeout=30) == "done"
    assert events == ["opened", "saw Retry", "closed", "opened", "closed"]


async def test_giving_up_closes_them(queue: RedisQueue) -> None:
    handle = await Work.dispatch(how="discard")

    await run_one(queue)

    assert await handle.status() == "aborted"
    assert events == ["opened", "saw Discard", "closed"]


async def test_a_timeout_closes_them(queue: RedisQueue) -> None:
    handle = await Work.configure(timeout=0.1).dispatch(how="hang")

    await run_one(queue)

    assert await handle.status() == "failed"
    assert events == ["opened", "saw CancelledError", "closed"]


async def test_a_cancellation_closes_them(
    queue: RedisQueue, working: Working, eventually: Eventually
) -> None:
    handle = await Work.dispatch(how="hang")

    async with working(Worker(queue, [("runner", runner)])):
        await eventually(lambda: events == ["opened"])
        assert await handle.cancel()
        await eventually(lambda: "closed" in events)

    assert events == ["opened", "saw CancelledError", "closed"]
    assert await handle.status() == "aborted"


async def test_the_end_of_the_grace_closes_them(
    queue: RedisQueue, working: Working, eventually: Eventually
) -> None:
    handle = await Work.dispatch(how="hang")

    async with working(Worker(queue, [("runner", runner)], grace=0)):
        await eventually(lambda: events == ["opened"])

    assert events == ["opened", "saw CancelledError", "closed"]
    assert await handle.status() == "queued"


async def test_the_loss_of_the_claim_closes_them(
    queue: RedisQueue, working: Working, eventually: Eventually
) -> None:
    await Work.dispatch(how="hang")

    async with working(worker := Worker(queue, [("runner", runner)])):
        await eventually(lambda: events == ["opened"])
        (attempt,) = worker._attempts.running
        attempt.fence()
        await eventually(lambda: "closed" in events)

    assert events == ["opened", "saw CancelledError", "closed"]


async def test_a_stop_waits_for_the_thread_before_it_closes_them(
    queue: RedisQueue, working: Working, eventually: Eventually
) -> None:
    await Blocking.dispatch(how="hang")

    async with working(worker := Worker(queue, [("runner", runner)])):
        await eventually(lambda: events == ["opened"])
        (attempt,) = worker._attempts.running
        attempt.cancel("by the test")
        release.set()
        await eventually(lambda: "closed" in events)

    assert events == ["opened", "thread ended", "saw CancelledError", "closed"]


async def test_a_thread_that_goes_on_keeps_them_until_it_ends(
    monkeypatch: pytest.MonkeyPatch, queue: RedisQueue, eventually: Eventually
) -> None:
    # Given a handler that is not waited for any longer
    monkeypatch.setattr(threads, "PATIENCE", 0.05)
    handle = await Blocking.configure(timeout=0.1).dispatch(how="hang")

    # When its time is up
    await run_one(queue)

    # Then it still has its session
    assert await handle.status() == "failed"
    assert events == ["opened"]
    release.set()
    await eventually(lambda: "closed" in events)
    assert events == [
        "opened",
        "thread ended",
        f"saw {ThreadStillRuns.__name__}",
        "closed",
    ]


async def test_a_second_service_that_cannot_be_made_closes_the_first(
    queue: RedisQueue,
) -> None:
    class Both(Job):
        async def handle(self, session: Session, broken: Broken) -> None: ...

    handle = await Both.dispatch()

    await run_one(queue)

    assert await handle.status() == "failed"
    assert events == ["opened", "saw InjectionFailed", "closed"]


async def test_an_error_of_middleware_closes_them(queue: RedisQueue) -> None:
    async def spoil(job: Any, call_next: Any) -> None:
        await call_next()
        raise LookupError

    class Spoiled(Job, middleware=[spoil]):
        async def handle(self, session: Session) -> None: ...

    handle = await Spoiled.dispatch()

    await run_one(queue)

    assert await handle.status() == "failed"
    assert events == ["opened", "saw LookupError", "closed"]


async def test_failed_may_still_use_them(queue: RedisQueue) -> None:
    class Apologize(Job):
        def __init__(self, session: Session) -> None:
            self.session = session

        async def handle(self) -> None:
            raise ValueError

        async def failed(self, exception: Exception) -> None:
            assert not self.session.is_closed
            events.append("failed")

    handle = await Apologize.dispatch()

    await run_one(queue)

    assert await handle.status() == "failed"
    assert events == ["opened", "failed", "saw ValueError", "closed"]


async def test_a_job_without_services_opens_none(queue: RedisQueue) -> None:
    class Plain(Job):
        async def handle(self) -> None: ...

    await Plain.dispatch()

    await run_one(queue)

    assert events == []


async def test_attempts_at_the_same_time_share_nothing(queue: RedisQueue) -> None:
    seen: list[Session] = []
    both = asyncio.Event()

    class Meet(Job):
        async def handle(self, session: Session) -> None:
            seen.append(session)
            if len(seen) == 2:
                both.set()
            await asyncio.wait_for(both.wait(), 30)

    await Meet.dispatch_many([{}, {}])

    await Worker(queue, [("runner", runner)], burst=True).start()

    first, second = seen
    assert first is not second
    assert sorted(events) == ["closed", "closed", "opened", "opened"]


async def test_a_run_here_and_now_closes_them() -> None:
    assert await Work.dispatch_sync(how="well") == "done"

    assert events == ["opened", "closed"]
