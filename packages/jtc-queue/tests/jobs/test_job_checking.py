"""What can be told of jobs and tasks without running them, by kind of container."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar

import dishka
import lagom
import pytest
from lagom.definitions import UnresolvableTypeDefinition

from jtc.jobs import Job, scoped, set_container
from jtc.jobs.checking import Checked, check_job, check_task
from jtc.jobs.opening import open_scope
from jtc.schedule import ScheduledTask

if TYPE_CHECKING:
    from nowhere import Gone  # type: ignore[import-not-found]

T = TypeVar("T")


class Engine:
    def __init__(self) -> None:
        pytest.fail("nothing is made")


class Mailer:
    def __init__(self, engine: Engine) -> None: ...


class Printer(ABC):
    @abstractmethod
    def print(self) -> None: ...


class Clock(Protocol):
    def now(self) -> datetime: ...


class Url:
    def __init__(self, url: str, size: int = 3) -> None: ...


class Letter:
    def __init__(self, mailer: Mailer, url: Url) -> None: ...


class Untyped:
    def __init__(self, engine) -> None: ...  # type: ignore[no-untyped-def]


class Egg:
    def __init__(self, hen: Hen) -> None: ...


class Hen:
    def __init__(self, egg: Egg) -> None: ...


class Lost:
    def __init__(self, gone: Gone) -> None: ...


class Session: ...


class Repository:
    def __init__(self, session: Session) -> None: ...


class SelfMade:
    def resolve(self, dep_type: type[T], /) -> T:
        pytest.fail("nothing is made")


async def open_session(engine: Engine) -> AsyncIterator[Session]:
    yield Session()


async def needs_printer(printer: Printer) -> AsyncIterator[Session]:
    yield Session()


def check(service: Any) -> Checked:
    """Check a job that asks for a service."""

    class Ask(Job):
        async def handle(self) -> None: ...

    vars(Ask.__jtc__)["services"] = {"it": service}
    return check_job(Ask, open_scope())


@pytest.fixture
def container() -> lagom.Container:
    container = lagom.Container()
    set_container(container)
    return container


@pytest.mark.usefixtures("container")
@pytest.mark.parametrize("service", [Mailer, Engine, Printer | None, Mailer | None])
def test_what_type_hints_tell_is_in_order(service: Any) -> None:
    assert check(service).problems == ()


@pytest.mark.usefixtures("container")
@pytest.mark.parametrize(
    ("service", "problem"),
    [
        (Printer, "Printer: it is abstract; tell the container which class stands"),
        (Clock, "Clock: it is abstract"),
        (Url, "Url → str: it is a value, which no type hint tells"),
        (Letter, "Letter → Url → str: it is a value"),
        (Untyped, "Untyped: the parameter 'engine' of its __init__ has no type"),
        (logging.Logger, "Logger: the parameter 'name' of its __init__ has no type"),
        (Hen, "Hen → Egg → Hen: it needs itself"),
        (Lost, "Lost: the parameters of its __init__ cannot be read (name 'Gone'"),
        (list[int], "list[int]: it is no class"),
    ],
)
def test_what_they_do_not_tell_is_a_problem(service: Any, problem: str) -> None:
    (found,) = check(service).problems

    assert found.startswith("it: ")
    assert f" of handle: {problem}" in found


def test_what_the_container_was_told_is_no_problem(container: lagom.Container) -> None:
    container[Url] = lambda: Url("x")
    made: Any = lagom.Singleton(lambda: pytest.fail("nothing is made"))
    container[Printer] = made  # type: ignore[type-abstract]
    container[Session] = scoped(open_session)

    assert check(Letter).problems == ()
    assert check(Printer).problems == ()
    assert check(Repository).problems == ()


def test_what_a_factory_needs_is_looked_at(container: lagom.Container) -> None:
    container[Session] = scoped(needs_printer)

    (found,) = check(Repository).problems

    assert "Repository → Session → Printer: it is abstract" in found


def test_a_singleton_that_would_keep_what_is_scoped_is_told(
    container: lagom.Container,
) -> None:
    container[Session] = scoped(open_session)
    container[Repository] = lagom.Singleton(Repository)

    (found,) = check(Repository).problems

    assert "Repository is a singleton and would keep what" in found


def test_what_the_container_refuses_is_told(container: lagom.Container) -> None:
    container[Mailer] = UnresolvableTypeDefinition("use the outbox", Mailer)

    (found,) = check(Mailer).problems

    assert "Mailer: use the outbox" in found


def test_an_explicit_container_has_to_be_told_of_everything() -> None:
    container = lagom.ExplicitContainer()
    container[Url] = lambda: Url("x")
    set_container(container)

    assert check(Url).problems == ()
    assert "the container was not told of it" in check(Mailer).problems[0]


def test_all_that_a_class_declares_is_looked_at(container: lagom.Container) -> None:
    class Bad(Job):
        mailer: Mailer

        def __init__(self, url: Url) -> None: ...

        async def handle(self, gone: Gone) -> None: ...

    payload, constructor, handle = check_job(Bad, open_scope()).problems

    assert payload.startswith("Bad.mailer: its type cannot be carried as JSON")
    assert constructor.startswith("url: ")
    assert "Url of __init__: Url → str: it is a value" in constructor
    assert handle.startswith("Bad.handle: cannot resolve the types of its parameters")


def test_a_task_is_looked_at(container: lagom.Container) -> None:
    async def report(ctx: Any, mailer: Mailer, url: Url) -> None: ...

    async def lost(ctx: Any, gone: Gone) -> None: ...

    (problem,) = check_task(ScheduledTask(report, 60), open_scope()).problems
    (other,) = check_task(ScheduledTask(lost, 60), open_scope()).problems
    paid = ScheduledTask(report, 60, payload={"url": "x"})

    assert problem.startswith("url: ")
    assert problem.endswith(
        "of report: Url → str: it is a value, which no type hint tells"
    )
    assert other.startswith("Task 'lost' cannot be given its services")
    assert check_task(paid, open_scope()) == Checked("task", "report")


def test_a_container_of_dishkas_is_asked_for_its_providers() -> None:
    provider = dishka.Provider(scope=dishka.Scope.REQUEST)
    provider.provide(open_session)
    provider.provide(Engine, scope=dishka.Scope.APP)
    other = dishka.Provider(scope=dishka.Scope.APP, component="other")
    other.provide(Url, provides=Url)
    other.provide(lambda: "x", provides=str)
    other.provide(lambda: 3, provides=int)
    set_container(dishka.make_async_container(provider, other))

    class Constructed(Job):
        def __init__(self, session: Session, mailer: Mailer) -> None: ...

        async def handle(self) -> None: ...

    assert check(Session).problems == ()
    assert check(Annotated[Url, dishka.FromComponent("other")]).problems == ()
    assert "Mailer: no provider offers it in this scope" in check(Mailer).problems[0]
    (problem,) = check_job(Constructed, open_scope()).problems
    assert problem.startswith("mailer: ")
    assert "of __init__: Mailer: no provider" in problem


def test_a_part_that_dishka_was_not_made_to_check_is_found() -> None:
    provider = dishka.Provider(scope=dishka.Scope.REQUEST)
    provider.provide(open_session)
    set_container(dishka.make_async_container(provider, skip_validation=True))

    assert "Session → Engine: no provider offers" in check(Session).problems[0]


async def test_a_service_of_a_component_of_dishkas_is_injected() -> None:
    provider = dishka.Provider(scope=dishka.Scope.APP, component="other")
    provider.provide(lambda: "from the other", provides=str)
    set_container(dishka.make_async_container(provider))

    class Ask(Job):
        async def handle(
            self, text: Annotated[str, dishka.FromComponent("other")]
        ) -> str:
            return text

    assert await Ask.dispatch_sync() == "from the other"


def test_what_cannot_be_looked_into_is_told_to_be_so() -> None:
    set_container(SelfMade())

    class Constructed(Job):
        def __init__(self, mailer: Mailer) -> None: ...

        async def handle(self) -> None: ...

    class Plain(Job):
        async def handle(self) -> None: ...

    assert check(Mailer) == Checked("job", check(Mailer).name, was_seen_through=False)
    assert not check_job(Constructed, open_scope()).was_seen_through
    assert check_job(Plain, open_scope()).was_seen_through
