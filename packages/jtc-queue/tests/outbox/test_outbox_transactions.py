from __future__ import annotations

import asyncio
import gc
import logging
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import MetaData, event
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
)
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.schema import CreateTable

from jtc.jobs import (
    Chain,
    InvalidOption,
    InvalidPayload,
    Job,
    JobManager,
    NotAJob,
    Unique,
)
from jtc.outbox import Outbox
from jtc.outbox.outbox_table import select_letters
from jtc.queue import RedisQueue

pytestmark = pytest.mark.usefixtures("queue")
AWAY = "redis://127.0.0.1:1"


async def test_a_committed_dispatch_comes_into_the_queue_and_leaves_no_row(
    books: Any, engine: AsyncEngine
) -> None:
    async with AsyncSession(engine) as session:
        # When
        handle = books.outbox.dispatch(session, books.job_class(number=7))
        await session.commit()
        await books.outbox.drain()

    # Then
    assert await handle.status() == "queued"
    assert await books.work_off() == [7]
    assert books.rows() == 0


async def test_what_is_no_job_or_no_session_is_refused(
    books: Any, engine: AsyncEngine
) -> None:
    job = books.job_class(number=7)
    async with AsyncSession(engine) as session:
        for wrong in (Chain(job), 5, str):
            with pytest.raises(NotAJob, match="is no job, no class of jobs"):
                books.outbox.dispatch(session, wrong)
    with pytest.raises(TypeError, match="takes a session first"):
        books.outbox.dispatch(engine, job)


async def test_nothing_is_in_the_queue_before_the_commit(
    books: Any, engine: AsyncEngine
) -> None:
    async with AsyncSession(engine) as session:
        handle = books.outbox.dispatch(session, books.job_class(number=7))
        await session.flush()

        assert await books.sent() == []
        assert await handle.status() == "unknown"


async def test_a_transaction_that_is_rolled_back_dispatches_nothing(
    books: Any, engine: AsyncEngine
) -> None:
    async with AsyncSession(engine) as session:
        # Given one dispatch that was flushed and one that was not
        books.outbox.dispatch(session, books.job_class(number=1))
        await session.flush()
        books.outbox.dispatch(session, books.job_class(number=2))
        # When
        await session.rollback()
        # Then the session's next transaction is one of its own
        books.outbox.dispatch(session, books.job_class(number=3))
        await session.commit()

    assert await books.sent() == [3]
    assert books.rows() == 0


async def test_a_session_that_is_closed_without_a_commit_dispatches_nothing(
    books: Any, engine: AsyncEngine
) -> None:
    async with AsyncSession(engine) as session:
        books.outbox.dispatch(session, books.job_class(number=1))
        await session.flush()

    assert await books.sent() == []
    assert books.rows() == 0


async def test_an_error_in_the_block_dispatches_nothing(
    books: Any, engine: AsyncEngine
) -> None:
    async def order() -> None:
        async with AsyncSession(engine) as session, session.begin():
            books.outbox.dispatch(session, books.job_class(number=1))
            await session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await order()

    assert await books.sent() == []


async def test_a_savepoint_that_is_rolled_back_takes_its_dispatches_along(
    books: Any, engine: AsyncEngine
) -> None:
    async with AsyncSession(engine) as session:
        books.outbox.dispatch(session, books.job_class(number=1))
        async with session.begin_nested():
            books.outbox.dispatch(session, books.job_class(number=2))
        async with session.begin_nested() as savepoint:
            books.outbox.dispatch(session, books.job_class(number=3))
            await session.flush()
            await savepoint.rollback()
        books.outbox.dispatch(session, books.job_class(number=4))
        # A savepoint that is released is no commit
        assert await books.sent() == []

        await session.commit()

    assert await books.sent() == [1, 2, 4]


async def test_a_transaction_that_takes_its_savepoints_back_dispatches_nothing(
    books: Any, engine: AsyncEngine
) -> None:
    async with AsyncSession(engine) as session:
        # Without this one, Python's driver would begin no transaction before SAVEPOINT.
        books.outbox.dispatch(session, books.job_class(number=1))
        async with session.begin_nested():
            books.outbox.dispatch(session, books.job_class(number=2))
        await session.rollback()

    assert await books.sent() == []
    assert books.rows() == 0


async def test_a_session_inside_a_transaction_of_another_waits_for_that_one(
    books: Any, engine: AsyncEngine
) -> None:
    async with engine.connect() as connection:
        # Given a session that cannot end the transaction it is in, as tests have it
        outer = await connection.begin()
        async with AsyncSession(
            connection, join_transaction_mode="create_savepoint"
        ) as session:
            books.outbox.dispatch(session, books.job_class(number=1))
            # When
            await session.commit()
        # Then
        assert await books.sent() == []
        await outer.commit()

    assert await books.outbox.relay(engine) == 1
    assert await books.waiting() == [1]


async def test_the_jobs_of_a_transaction_keep_their_order(
    books: Any, engine: AsyncEngine
) -> None:
    await books.commit(engine, *range(40))

    assert await books.waiting() == list(range(40))


async def test_many_transactions_at_once_dispatch_all_their_jobs(
    books: Any, engine: AsyncEngine
) -> None:
    async def order(number: int) -> None:
        async with AsyncSession(engine) as session, session.begin():
            books.outbox.dispatch(session, books.job_class(number=number))

    await asyncio.gather(*map(order, range(20)))

    assert sorted(await books.sent()) == list(range(20))
    assert books.rows() == 0


async def test_a_scoped_session_is_a_session(books: Any, engine: AsyncEngine) -> None:
    scoped = async_scoped_session(async_sessionmaker(engine), asyncio.current_task)

    books.outbox.dispatch(scoped, books.job_class(number=1))
    await scoped.commit()
    await scoped.remove()

    assert await books.sent() == [1]


# -- what is said of a dispatch


async def test_a_class_takes_the_payload_and_a_job_the_options(
    books: Any, engine: AsyncEngine, redis: Redis
) -> None:
    async with AsyncSession(engine) as session:
        outbox, note = books.outbox, books.job_class
        one = outbox.dispatch(session, note, number=1)
        two = outbox.dispatch(session, note(number=2), queue="mail", tags=["a"])
        three = outbox.dispatch(session, note.configure(delay=600), number=3)
        await session.commit()
    await outbox.drain()

    assert [handle.queue_name for handle in (one, two, three)] == [
        "shop",
        "mail",
        "shop",
    ]
    assert await books.waiting() == [1]
    mailed = await JobManager.get_queue("mail").job(two.id)
    assert mailed is not None
    assert mailed.meta["tags"] == ["a"]
    later = await redis.zscore("saq:shop:incomplete", f"saq:job:shop:{three.id}")
    clock, _ = await redis.time()
    assert later is not None
    assert 500 < later - clock <= 601


async def test_what_cannot_be_dispatched_is_refused_at_once(
    books: Any, engine: AsyncEngine
) -> None:
    class OfNoUse(Job):
        number: int

    async with AsyncSession(engine) as session:
        with pytest.raises(InvalidPayload, match="number"):
            books.outbox.dispatch(session, books.job_class, number="seven")
        with pytest.raises(InvalidOption, match="dely"):
            books.outbox.dispatch(session, books.job_class(number=7), dely=3)

        assert not session.new


async def test_a_unique_job_that_is_already_waiting_leaves_no_row(
    books: Any, engine: AsyncEngine
) -> None:
    class Once(Job, unique=Unique()):
        number: int

        async def handle(self) -> None: ...

    for _ in range(2):
        async with AsyncSession(engine) as session:
            books.outbox.dispatch(session, Once(number=1))
            await session.commit()
        await books.outbox.drain()

    assert await books.waiting() == [1]
    assert books.rows() == 0


# -- when Redis is away


async def test_a_commit_does_not_fail_when_redis_is_away_and_the_row_waits(
    books: Any,
    engine: AsyncEngine,
    redis_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Given
    JobManager.initialize(AWAY, "shop")
    # When
    with caplog.at_level(logging.WARNING, "jtc.outbox"):
        for number in range(3):
            await books.commit(engine, number)
    # Then it is said once
    assert [record.action for record in caplog.records] == ["outbox_left"]  # type: ignore[attr-defined]
    assert books.rows() == 3
    # And nothing is lost
    JobManager.initialize(redis_url, "shop")
    assert await books.outbox.relay(engine) == 3
    assert await books.waiting() == [0, 1, 2]
    assert books.rows() == 0


async def test_a_server_that_does_not_answer_holds_no_commit_up(
    books: Any, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setattr("jtc.outbox.mailing._PATIENCE", 0.2)
    ended = asyncio.Event()

    async def listen(_: Any, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.close()

    deaf = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = deaf.sockets[0].getsockname()[1]
    JobManager.initialize(f"redis://127.0.0.1:{port}", "shop")
    # When
    async with AsyncSession(engine) as session:
        books.outbox.dispatch(session, books.job_class(number=7))
        await session.commit()
        # Then the commit has not waited, and sending is given up
        assert books.rows() == 1
    await books.outbox.drain()
    assert books.rows() == 1
    ended.set()
    deaf.close()


async def test_after_a_failure_commits_are_sent_at_once_again(
    books: Any,
    engine: AsyncEngine,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jtc.outbox.courier._PAUSE", 0)
    JobManager.initialize(AWAY, "shop")
    await books.commit(engine, 1)
    JobManager.initialize(redis_url, "shop")
    await books.commit(engine, 2)

    assert await books.waiting() == [2]
    assert books.rows() == 1


async def test_a_row_that_cannot_be_deleted_is_not_sent_twice(
    books: Any, engine: AsyncEngine, queue: RedisQueue
) -> None:
    # Given a database that fails right after the job was put into the queue
    def fail(*args: Any) -> None:
        if str(args[2]).startswith("DELETE"):
            msg = "the disk is full"
            raise OSError(msg)

    event.listen(engine.sync_engine, "before_cursor_execute", fail)
    await books.commit(engine, 7)
    event.remove(engine.sync_engine, "before_cursor_execute", fail)
    assert books.rows() == 1
    # And the job has ended and left nothing
    assert await books.work_off() == [7]
    # When
    assert await books.outbox.relay(engine) == 1
    # Then
    assert await books.work_off() == [7]
    assert books.rows() == 0


# -- the table


def test_the_table_is_one_of_the_applications_own() -> None:
    class Base(DeclarativeBase):
        pass

    outbox = Outbox(Base.metadata, table_name="dispatches")

    assert Base.metadata.tables["dispatches"] is outbox.table


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        (sqlite, "position INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT"),
        (postgresql, "position BIGSERIAL NOT NULL"),
        (mysql, "document MEDIUMTEXT NOT NULL"),
    ],
)
def test_the_table_fits_the_database(dialect: Any, sql: str) -> None:
    table = Outbox(MetaData()).table

    assert sql in str(CreateTable(table).compile(dialect=dialect.dialect()))


def test_several_outboxes_do_not_know_of_each_other() -> None:
    first, second = Outbox(MetaData()), Outbox(MetaData())

    assert first.table is not second.table
    assert first._row_class is not second._row_class


async def test_sessions_that_dispatched_are_forgotten(
    books: Any, engine: AsyncEngine
) -> None:
    await books.commit(engine, 1)
    gc.collect()
    before = len(event.registry._key_to_collection)
    for _ in range(20):
        await books.commit(engine, 1)
    gc.collect()

    assert len(event.registry._key_to_collection) <= before


@pytest.mark.parametrize(
    ("dialect", "locks"), [(postgresql, True), (mysql, True), (sqlite, False)]
)
def test_rows_that_others_lock_are_passed_over_where_there_are_locks(
    dialect: Any, *, locks: bool
) -> None:
    query = select_letters(Outbox(MetaData()).table, 0)

    sql = str(query.compile(dialect=dialect.dialect()))

    assert ("FOR UPDATE SKIP LOCKED" in sql) is locks
