from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, MetaData, create_engine, func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from jtc.jobs import Job, JobHandle, JobManager, runner
from jtc.outbox import Outbox
from jtc.queue import RedisQueue, Worker


@pytest.fixture(autouse=True)
def process_state(new_process: None) -> None:
    """Each test begins like a new process."""


@pytest.fixture
async def queue(redis_url: str) -> AsyncIterator[RedisQueue]:
    """This process's queue, empty."""
    JobManager.initialize(redis_url, "shop")
    yield JobManager.get_queue()
    await JobManager.close()


@dataclass
class Books:
    """A database with the table of an outbox, and jobs that write down what they do."""

    path: Path
    outbox: Outbox
    job_class: Any
    ran: list[int] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    @property
    def async_url(self) -> str:
        return f"sqlite+aiosqlite:///{self.path}"

    def rows(self) -> int:
        """How many rows are in the outbox."""
        engine = create_engine(self.url)
        with engine.connect() as connection:
            count = select(func.count()).select_from(self.outbox.table)
            rows = connection.scalar(count)
        engine.dispose()
        return int(rows or 0)

    async def commit(self, engine: AsyncEngine, *numbers: int) -> list[JobHandle]:
        """Dispatch jobs in a transaction of their own, which commits; send them."""
        async with AsyncSession(engine) as session:
            jobs = [self.job_class(number=number) for number in numbers]
            handles = [self.outbox.dispatch(session, job) for job in jobs]
            await session.commit()
        await self.outbox.drain()
        return handles

    async def sent(self) -> list[int]:
        """Let the outbox send what it has, and return what then waits in the queue."""
        await self.outbox.drain()
        return await self.waiting()

    async def waiting(self) -> list[int]:
        """The numbers of the jobs in the queue, in their order."""
        queue = JobManager.get_queue()
        ids = await queue.redis.lrange(queue.keys.queued, 0, -1)  # type: ignore[misc]
        jobs = await queue.jobs([queue.job_key_from_id(i.decode()) for i in ids])
        return [job.kwargs["payload"]["number"] for job in jobs if job and job.kwargs]

    async def work_off(self) -> list[int]:
        """Run what waits, and return the numbers of all jobs that have run so far."""
        queue = JobManager.get_queue()
        await Worker(queue, [("runner", runner)], burst=True).start()
        return self.ran


@pytest.fixture
def books(tmp_path: Path) -> Books:
    metadata = MetaData()
    outbox = Outbox(metadata)
    ran: list[int] = []

    # Nothing of it is kept in the queue once it has ended.
    class Note(Job, name="note", result_ttl=0):
        number: int

        async def handle(self) -> None:
            ran.append(self.number)

    one = Books(tmp_path / "books.db", outbox, Note, ran)
    engine = create_engine(one.url)
    metadata.create_all(engine)
    engine.dispose()
    return one


@pytest.fixture
async def engine(books: Books) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(books.async_url)
    yield engine
    await engine.dispose()


@pytest.fixture
def sync_engine(books: Books) -> Iterator[Engine]:
    engine = create_engine(books.url)
    yield engine
    engine.dispose()
