from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from sqlalchemy.pool import QueuePool

from jtc.jobs import JobManager
from jtc.outbox import Outbox

AWAY = "redis://127.0.0.1:1"


@pytest.fixture
def server(redis_url: str) -> Any:
    """What synchronous code sees of the queue."""
    JobManager.initialize(redis_url, "shop")
    with Redis.from_url(redis_url) as client:
        yield client


def count(server: Any) -> int:
    return int(server.llen("saq:shop:queued"))


def test_a_commit_has_dispatched_when_it_returns(
    books: Any, sync_engine: Engine, server: Any
) -> None:
    with Session(sync_engine) as session:
        books.outbox.dispatch(session, books.job_class(number=7))
        assert count(server) == 0
        session.commit()
        assert count(server) == 1

    assert books.rows() == 0


def test_a_rolled_back_transaction_dispatches_nothing(
    books: Any, sync_engine: Engine, server: Any
) -> None:
    with Session(sync_engine) as session:
        books.outbox.dispatch(session, books.job_class(number=7))
        session.flush()
        session.rollback()
        with session.begin_nested() as savepoint:
            books.outbox.dispatch(session, books.job_class(number=8))
            savepoint.rollback()
        session.commit()

    assert count(server) == 0
    assert books.rows() == 0


def test_a_commit_does_not_fail_when_redis_is_away(
    books: Any,
    sync_engine: Engine,
    server: Any,
    redis_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    JobManager.initialize(AWAY, "shop")
    with (
        caplog.at_level(logging.WARNING, "jtc.outbox"),
        Session(sync_engine) as session,
        session.begin(),
    ):
        books.outbox.dispatch(session, books.job_class(number=7))
    assert "left to the relay" in caplog.text
    assert books.rows() == 1

    JobManager.initialize(redis_url, "shop")
    assert books.outbox.relay_blocking(sync_engine) == 1
    assert books.outbox.relay_blocking(sync_engine) == 0
    assert count(server) == 1
    assert books.rows() == 0


def test_threads_commit_at_once(books: Any, sync_engine: Engine, server: Any) -> None:
    sessions = scoped_session(sessionmaker(sync_engine))
    errors: list[BaseException] = []

    def order(number: int) -> None:
        try:
            books.outbox.dispatch(sessions, books.job_class(number=number))
            sessions.commit()
            sessions.remove()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=order, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    # What SQLite was too busy to delete is left to the relay, and not sent twice.
    books.outbox.relay_blocking(sync_engine)
    assert count(server) == 8
    assert books.rows() == 0


def test_a_pool_of_one_connection_is_enough(books: Any, server: Any) -> None:
    engine = create_engine(
        books.url, poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=1
    )
    with Session(engine) as session:
        books.outbox.dispatch(session, books.job_class(number=7))
        session.commit()
    engine.dispose()

    assert books.rows() == 0


def test_a_database_in_memory_is_enough(server: Any, books: Any) -> None:
    engine = create_engine("sqlite://")
    books.outbox.table.metadata.create_all(engine)
    with Session(engine) as session:
        books.outbox.dispatch(session, books.job_class(number=7))
        session.commit()

        assert session.query(books.outbox.table).count() == 0
    engine.dispose()
    assert count(server) == 1


async def test_a_session_that_blocks_an_event_loop_sends_behind_its_commit(
    books: Any, sync_engine: Engine, server: Any
) -> None:
    with Session(sync_engine) as session:
        books.outbox.dispatch(session, books.job_class(number=7))
        session.commit()
    await books.outbox.drain()

    assert count(server) == 1
    assert books.rows() == 0
    await JobManager.close()


def test_what_a_loop_had_no_time_to_send_is_relayed(
    books: Any, sync_engine: Engine, server: Any
) -> None:
    async def order() -> None:
        with Session(sync_engine) as session:
            books.outbox.dispatch(session, books.job_class(number=7))
            session.commit()

    asyncio.run(order())

    assert books.outbox.relay_blocking(sync_engine) <= 1
    assert count(server) == 1
    assert books.rows() == 0


async def test_a_blocking_relay_in_an_event_loop_is_refused(
    books: Any, sync_engine: Engine, server: Any
) -> None:
    with pytest.raises(RuntimeError, match=r"relay_blocking\(\) .* await relay\(\)"):
        books.outbox.relay_blocking(sync_engine)


def test_a_listener_of_the_application_sees_the_commit_first(
    books: Any, sync_engine: Engine, server: Any
) -> None:
    seen: list[int] = []
    session = Session(sync_engine)
    event.listen(session, "after_commit", lambda _: seen.append(count(server)))
    books.outbox.dispatch(session, books.job_class(number=7))
    session.commit()
    session.close()

    assert seen == [0]
    assert count(server) == 1


def test_the_extra_is_named_where_sqlalchemy_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import importlib  # noqa: PLC0415 - for this test only

    import jtc.outbox.extra as extra  # noqa: PLC0415, PLR0402

    monkeypatch.setitem(__import__("sys").modules, "sqlalchemy", None)

    with pytest.raises(ImportError, match=r"jtc-queue\[sqlalchemy\]"):
        importlib.reload(extra)
    assert Outbox.__module__ == "jtc.outbox.outbox"
