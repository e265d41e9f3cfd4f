from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Self

import lagom
import pytest

from jtc.jobs import (
    CircularFactory,
    InjectionFailed,
    InvalidFactory,
    Job,
    NotInScope,
    ScopedInSingleton,
    scoped,
    set_container,
)

if TYPE_CHECKING:
    from nowhere import Gone  # type: ignore[import-not-found]

events: list[str] = []


class Engine: ...


class Session:
    def __init__(self, engine: Engine | None = None) -> None:
        self.engine = engine


class Client:
    """Something that is entered itself."""

    async def __aenter__(self) -> Self:
        events.append("entered")
        return self

    async def __aexit__(self, *error: object) -> None:
        events.append("left")


class BlockingClient:
    def __enter__(self) -> Self:
        events.append("entered")
        return self

    def __exit__(self, *error: object) -> None:
        events.append("left")


class Repository:
    def __init__(self, session: Session) -> None:
        events.append("repository")
        self.session = session


class Keeper:
    def __init__(self, repository: Repository) -> None:
        self.repository = repository


class Store(ABC):
    @abstractmethod
    def put(self) -> None: ...


class DiskStore(Store):
    def __init__(self, session: Session) -> None:
        self.session = session

    def put(self) -> None: ...


async def from_async_generator() -> AsyncIterator[Session]:
    events.append("entered")
    yield Session()
    events.append("left")


def from_generator() -> Iterator[Session]:
    events.append("entered")
    yield Session()
    events.append("left")


async def from_coroutine() -> Session:
    return Session()


async def client_later() -> Client:
    return Client()


async def with_engine(engine: Engine) -> AsyncIterator[Session]:
    yield Session(engine)


class SessionMaker:
    """As SQLAlchemy's `sessionmaker`: an object that is called."""

    def __call__(self, **options: Any) -> Session:
        return Session()


@pytest.fixture(autouse=True)
def container() -> lagom.Container:
    events.clear()
    container = lagom.Container()
    set_container(container)
    return container


@pytest.fixture
def get() -> Callable[..., Awaitable[Any]]:
    """Return what a job is given for each of some types, in one attempt."""

    async def run(*types: Any) -> list[Any]:
        class Ask(Job):
            async def handle(self, **services: Any) -> list[Any]:
                return list(services.values())

        vars(Ask.__jtc__)["services"] = {f"s{i}": t for i, t in enumerate(types)}
        made: list[Any] = await Ask.dispatch_sync()
        return made

    return run


@pytest.mark.parametrize(
    ("service", "factory", "expected"),
    [
        (Session, from_async_generator, ["entered", "left"]),
        (Session, from_generator, ["entered", "left"]),
        (Session, asynccontextmanager(from_async_generator), ["entered", "left"]),
        (Session, contextmanager(from_generator), ["entered", "left"]),
        (Session, from_coroutine, []),
        (Session, Session, []),
        (Session, SessionMaker(), []),
        (Session, lambda: Session(None), []),
        (Client, Client, ["entered", "left"]),
        (Client, client_later, ["entered", "left"]),
        (BlockingClient, BlockingClient, ["entered", "left"]),
    ],
)
async def test_whatever_makes_a_service_may_be_scoped(
    container: lagom.Container,
    get: Any,
    service: Any,
    factory: Any,
    expected: list[str],
) -> None:
    container[service] = scoped(factory)

    first, second = await get(service, service)

    assert type(first) is service
    assert first is second
    assert events == expected


async def test_each_attempt_has_its_own(container: lagom.Container, get: Any) -> None:
    container[Session] = scoped(from_async_generator)

    (first,) = await get(Session)
    (second,) = await get(Session)

    assert first is not second


async def test_what_needs_it_gets_the_same_one(
    container: lagom.Container, get: Any
) -> None:
    container[Session] = scoped(from_async_generator)

    session, repository, keeper = await get(Session, Repository, Keeper)

    assert repository.session is keeper.repository.session is session


async def test_a_class_that_stands_for_another_gets_it(
    container: lagom.Container, get: Any
) -> None:
    container[Session] = scoped(from_async_generator)
    container[Store] = DiskStore  # type: ignore[type-abstract]

    session, store = await get(Session, Store)

    assert store.session is session


async def test_a_function_may_ask_the_container_for_it(
    container: lagom.Container, get: Any
) -> None:
    container[Session] = scoped(from_async_generator)
    container[Repository] = lambda c: Repository(c[Session])

    session, repository = await get(Session, Repository)

    assert repository.session is session


async def test_an_asynchronous_function_may_ask_the_container_for_it(
    container: lagom.Container, get: Any
) -> None:
    async def make(c: Any) -> Repository:
        return Repository(c[Session])

    container[Session] = scoped(from_async_generator)
    container[Repository] = make  # type: ignore[assignment]

    repository, session = await get(Repository, Session)

    assert repository.session is session


async def test_nothing_is_made_twice_to_find_out_what_is_needed(
    container: lagom.Container, get: Any
) -> None:
    container[Session] = scoped(from_async_generator)

    await get(Repository)

    assert events == ["entered", "repository", "left"]


async def test_a_container_may_be_told_of_it_after_the_first_job(
    container: lagom.Container, get: Any
) -> None:
    (before,) = await get(Repository)
    container[Session] = scoped(from_async_generator)
    (after,) = await get(Repository)

    assert before.session is not after.session
    assert events[1:] == ["entered", "repository", "left"]


async def test_a_factory_is_given_services(
    container: lagom.Container, get: Any
) -> None:
    container[Engine] = lagom.Singleton(Engine)
    container[Session] = scoped(with_engine)

    session, engine = await get(Session, Engine)

    assert session.engine is engine


async def test_factories_are_closed_after_those_that_use_them(
    container: lagom.Container, get: Any
) -> None:
    async def client(session: Session) -> AsyncIterator[Client]:
        yield Client()
        events.append("client closed")

    container[Session] = scoped(from_async_generator)
    container[Client] = scoped(client)

    await get(Client)

    assert events == ["entered", "client closed", "left"]


async def test_one_that_needs_itself_is_refused(
    container: lagom.Container, get: Any
) -> None:
    async def session(client: Client) -> AsyncIterator[Session]:
        yield Session()

    async def client(session: Session) -> AsyncIterator[Client]:
        yield Client()

    container[Session] = scoped(session)
    container[Client] = scoped(client)

    with pytest.raises(InjectionFailed, match="it needs itself") as caught:
        await get(Client)
    assert isinstance(caught.value.__cause__, CircularFactory)


async def test_a_singleton_may_not_keep_it(
    container: lagom.Container, get: Any
) -> None:
    container[Session] = scoped(from_async_generator)
    container[Repository] = lagom.Singleton(Repository)

    with pytest.raises(InjectionFailed, match="Repository is a singleton") as caught:
        await get(Keeper)
    assert isinstance(caught.value.__cause__, ScopedInSingleton)
    assert events == []


async def test_an_optional_service_that_cannot_be_made_is_left_out(get: Any) -> None:
    class Careful:
        def __init__(self, store: Store | None = None) -> None:
            self.store = store

    (careful,) = await get(Careful)

    assert careful.store is None


def test_outside_of_an_attempt_it_is_not_to_be_had(container: lagom.Container) -> None:
    container[Session] = scoped(from_async_generator)

    with pytest.raises(NotInScope, match="from_async_generator makes lives as long"):
        container.resolve(Repository)


def wants_anything(engine) -> Session:  # type: ignore[no-untyped-def]
    return Session()


def wants_what_is_gone(gone: Gone) -> Session:
    return Session()


@pytest.mark.parametrize(
    ("factory", "why"),
    [
        (wants_anything, "its parameter 'engine' has no type to inject by"),
        (Session(), "it is not callable"),
    ],
)
def test_a_factory_that_cannot_be_called_is_refused(factory: Any, why: str) -> None:
    with pytest.raises(InvalidFactory, match=why):
        scoped(factory)


async def test_a_factory_whose_types_are_gone_is_named(
    container: lagom.Container, get: Any
) -> None:
    container[Session] = scoped(wants_what_is_gone)

    with pytest.raises(InjectionFailed, match=r"wants_what_is_gone\): the types of"):
        await get(Session)
