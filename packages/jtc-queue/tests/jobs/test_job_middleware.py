from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from jtc.jobs import (
    CallNext,
    InvalidMiddleware,
    InvalidOption,
    Job,
    Release,
    Schedule,
    default_container,
    get_middleware,
    set_container,
    set_middleware,
)
from jtc.providers import QueueProvider
from jtc.queue import RedisQueue, TaskFunction, Worker, task_function_name
from jtc.schedule import ScheduleRegistry

WorkOff = Callable[[RedisQueue], Awaitable[None]]
said: list[str] = []


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    said.clear()
    set_container(default_container())
    yield
    set_middleware()


class Say:
    """Middleware that notes when it runs."""

    def __init__(self, word: str) -> None:
        self.word = word

    async def __call__(self, job: Any, call_next: CallNext, /) -> Any:
        said.append(f"{self.word} in")
        try:
            return await call_next()
        finally:
            said.append(f"{self.word} out")


class Greet(Job, middleware=[Say("first"), Say("second")]):
    name: str = "Ada"

    async def handle(self) -> str:
        said.append("handle")
        if self.name == "nobody":
            raise LookupError(self.name)
        return f"Hello {self.name}"

    async def failed(self, exception: Exception) -> None:
        said.append(f"failed: {exception!r}")


async def test_those_for_all_are_outside_and_the_first_one_is_the_outermost() -> None:
    set_middleware(Say("all"), Say("all too"))

    assert await Greet.dispatch_sync() == "Hello Ada"

    around = ["all", "all too", "first", "second"]
    assert said == [
        *(f"{word} in" for word in around),
        "handle",
        *(f"{word} out" for word in reversed(around)),
    ]


async def test_errors_pass_through_and_are_what_the_job_fails_with() -> None:
    with pytest.raises(LookupError, match="nobody"):
        await Greet.dispatch_sync(name="nobody")

    assert said[-3:] == ["second out", "first out", "failed: LookupError('nobody')"]


async def test_subclasses_inherit_it_unless_they_say_otherwise() -> None:
    class Same(Greet):
        pass

    class Bare(Greet, middleware=[]):
        pass

    await Same.dispatch_sync()
    assert said[0] == "first in"
    said.clear()
    await Bare.dispatch_sync()
    assert said == ["handle"]


async def test_what_it_returns_and_raises_takes_the_place_of_the_jobs_own() -> None:
    async def upper(job: Any, call_next: CallNext) -> Any:
        try:
            return (await call_next()).upper()
        except LookupError as error:
            raise ValueError(f"no {job.name}") from error

    set_middleware(upper)

    assert await Greet.dispatch_sync() == "HELLO ADA"
    with pytest.raises(ValueError, match="no nobody"):
        await Greet.dispatch_sync(name="nobody")


async def test_without_call_next_the_job_does_not_run() -> None:
    async def instead(job: Any, call_next: CallNext) -> str:
        return "closed today"

    set_middleware(instead)

    assert await Greet.dispatch_sync() == "closed today"
    assert said == []


async def test_call_next_may_be_called_once() -> None:
    async def twice(job: Any, call_next: CallNext) -> Any:
        await call_next()
        return await call_next()

    set_middleware(twice)

    with pytest.raises(InvalidMiddleware, match=r"twice called call_next\(\) twice"):
        await Greet.dispatch_sync()
    assert said.count("handle") == 1


def plain(job: Any, call_next: CallNext) -> Any:
    return call_next()


class Plain:
    def __call__(self, job: Any, call_next: CallNext) -> None:
        pass

    def method(self, job: Any, call_next: CallNext) -> None:
        pass


@pytest.mark.parametrize("wrong", [plain, Plain().method, Say, "name", None])
def test_what_is_not_asynchronous_is_refused_where_it_is_named(wrong: Any) -> None:
    with pytest.raises(InvalidOption, match="by `async def`"):

        class Never(Job, middleware=[wrong]):
            async def handle(self) -> None: ...

    with pytest.raises(InvalidMiddleware, match="has to be an `async def`"):
        set_middleware(Say("fine"), wrong)
    assert get_middleware() == ()


async def test_an_object_that_turns_out_not_to_be_asynchronous_is_refused() -> None:
    set_middleware(Plain())  # type: ignore[arg-type]

    with pytest.raises(InvalidMiddleware, match="has to be an `async def`"):
        await Greet.dispatch_sync()


async def test_anything_that_is_awaited_may_be_middleware() -> None:
    async def with_word(word: str, job: Any, call_next: CallNext) -> Any:
        return word + await call_next()

    class Awaits:
        def __call__(self, job: Any, call_next: CallNext) -> Awaitable[Any]:
            return call_next()

    set_middleware(functools.partial(with_word, "> "), Awaits(), Say("x").__call__)

    assert await Greet.dispatch_sync() == "> Hello Ada"


async def test_it_sees_the_job_and_its_attempt(
    queue: RedisQueue, work_off: WorkOff
) -> None:
    seen: list[tuple[Any, ...]] = []

    async def look(job: Any, call_next: CallNext) -> Any:
        seen.append((type(job), job.name, job.context.id, job.context.attempt))
        return await call_next()

    set_middleware(look)
    handle = await Greet.dispatch(name="Grace")
    await work_off(queue)

    assert seen == [(Greet, "Grace", handle.id, 1)]
    assert await handle.result() == "Hello Grace"


async def test_a_job_that_it_gives_back_has_not_failed(
    queue: RedisQueue, at_work: Any, eventually: Any
) -> None:
    async def not_yet(job: Any, call_next: CallNext) -> Any:
        said.append(f"attempt {job.context.attempt}")
        if len(said) < 3:
            raise Release("not yet", after=0)
        return await call_next()

    set_middleware(not_yet)

    class Quiet(Greet, middleware=[], tries=1, discard_on=Exception):
        pass

    handle = await Quiet.dispatch()
    async with at_work(queue):
        await eventually(lambda: queue.complete == 1)

    assert await handle.result() == "Hello Ada"
    assert said == ["attempt 1", "attempt 1", "attempt 1", "handle"]


async def test_here_and_now_a_release_comes_to_the_caller() -> None:
    async def not_yet(job: Any, call_next: CallNext) -> Any:
        raise Release("not yet", after=1)

    set_middleware(not_yet)

    with pytest.raises(Release, match="not yet"):
        await Greet.dispatch_sync()
    assert said == []


async def test_a_tick_that_runs_a_job_passes_through(
    queue: RedisQueue, working: Any, eventually: Any
) -> None:
    set_middleware(Say("all"))
    with ScheduleRegistry.scoped():
        task = Schedule.job(Greet).daily(at="02:00")
    functions = [(task_function_name(task), TaskFunction(task))]
    await queue.enqueue(task_function_name(task), name="tick")

    async with working(Worker(queue, functions)):
        await eventually(lambda: queue.complete == 1)

    assert said == [
        *("all in", "first in", "second in", "handle"),
        *("second out", "first out", "all out"),
    ]


async def test_a_provider_sets_what_it_is_given(redis_url: str) -> None:
    provider = QueueProvider(redis_url)
    around = Say("all")
    try:
        await provider.initialize(middleware=[around])
        assert get_middleware() == (around,)
        # And leaves what was set when it is given nothing
        await provider.initialize()
        assert get_middleware() == (around,)
        await provider.initialize(middleware=[])
        assert get_middleware() == ()
    finally:
        await provider.close()
