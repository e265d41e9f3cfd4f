from __future__ import annotations

from typing import Any, Unpack, overload

from sqlalchemy import Engine, MetaData
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_scoped_session
from sqlalchemy.orm import Session, scoped_session

from jtc.jobs import Dispatcher, Job, JobHandle, JobManager, NotAJob
from jtc.jobs.blocking import refuse_running_loop, run_blocking
from jtc.jobs.dispatch_options import DispatchKeywords
from jtc.jobs.enclosing import enclose
from jtc.outbox.commit_watch import CommitWatch
from jtc.outbox.courier import Courier
from jtc.outbox.mailing import note_sent, send_letters
from jtc.outbox.outbox_table import (
    define_table,
    delete_letters,
    map_rows,
    read_letters,
)
from jtc.queue.codec import encode
from jtc.queue.document import document_of
from jtc.queue.tracing import created

AnySession = Session | AsyncSession | scoped_session[Any] | async_scoped_session[Any]

_SESSIONS = (Session, AsyncSession, scoped_session, async_scoped_session)


class Outbox:
    """Dispatches jobs as part of a database transaction.

    A dispatch is a row in a table of the database. If the transaction is rolled back,
    so is the dispatch. Once it is committed, the job is put into the queue and the row
    is deleted; should the process or Redis fail in between, the row waits for `relay`.

    Args:
        metadata: Where the table is added, so that it is created and migrated with the
            tables of the application.
        table_name: What the table is called.

    Attributes:
        table: The table.

    Example:
        >>> from sqlalchemy import MetaData
        >>> outbox = Outbox(MetaData())
        >>> outbox.table.name
        'jtc_outbox'
        >>> class SendInvoice(Job):
        ...     order_id: int
        ...
        ...     async def handle(self) -> None: ...
        >>> async def order(session: AsyncSession) -> None:
        ...     async with session.begin():
        ...         outbox.dispatch(session, SendInvoice(order_id=7), delay=60)
    """

    def __init__(self, metadata: MetaData, *, table_name: str = "jtc_outbox") -> None:
        self.table = define_table(table_name, metadata)
        self._row_class = map_rows(self.table)
        self._courier = Courier(self.table)
        self._watch = CommitWatch(self._row_class, self._courier.take)

    @overload
    def dispatch(
        self, session: AnySession, job: Job, /, **options: Unpack[DispatchKeywords]
    ) -> JobHandle: ...

    @overload
    def dispatch(
        self,
        session: AnySession,
        job: type[Job] | Dispatcher[Any],
        /,
        **payload: Any,
    ) -> JobHandle: ...

    def dispatch(
        self,
        session: AnySession,
        job: Job | type[Job] | Dispatcher[Any],
        /,
        **said: Any,
    ) -> JobHandle:
        """Let a job be put into the queue if the session's transaction is committed.

        It is written with the next flush. Nothing waits for Redis here.

        Args:
            session: The session; its transaction, or its savepoint, decides.
            job: A job; or a class, or what its `configure` returned.
            said: The options of the dispatch if `job` is a job, else its payload.

        Returns:
            The job to be. Its status is `unknown` until it is in the queue.

        Raises:
            InvalidPayload: A value is missing, unknown or of another type.
            InvalidOption: An option is unknown or its value is unusable.
            NotAJob: The class does not define `handle`, or it is no job, such as a
                chain: those begin in Redis, where no transaction reaches.
            TypeError: The session is none of SQLAlchemy's.
        """
        if not isinstance(session, _SESSIONS):
            raise TypeError(f"Outbox.dispatch takes a session first, not {session!r}.")
        dispatcher, payload = _read(job, said)
        definition = dispatcher.job_class.__jtc__
        queued = enclose(definition, payload, dispatcher.options)
        named = dispatcher.options.queue or definition.options.queue
        queue = named or JobManager.home_queue_name()
        created(queued, queue=queue)
        document = encode({**document_of(queued), "queue": queue}, strict=True)
        session.add(self._row_class(queued.key, queue, document.decode()))
        return JobHandle(queued.key, queue)

    async def relay(self, engine: AsyncEngine) -> int:
        """Put into the queue what was committed and is still in the table.

        Let a scheduled task call it every few seconds. It may run in several processes
        at once, and beside those that commit.

        Returns:
            How many rows were sent.

        Raises:
            Exception: The database or Redis cannot be reached; what is left stays.
        """
        count, position = 0, 0
        while True:
            async with engine.begin() as connection:
                letters = await connection.run_sync(read_letters, self.table, position)
                if not letters:
                    return count
                sent = await send_letters(letters)
                await connection.run_sync(delete_letters, self.table, sent)
            await note_sent(sent)
            count, position = count + len(sent), letters[-1].position

    def relay_blocking(self, engine: Engine) -> int:
        """Do what `relay` does, in a thread without an event loop.

        Raises:
            RuntimeError: An event loop runs in this thread.
            Exception: As from `relay`.
        """
        refuse_running_loop("relay")
        count, position = 0, 0
        while True:
            with engine.begin() as connection:
                letters = read_letters(connection, self.table, position)
                if not letters:
                    return count
                sent = run_blocking(send_letters, letters)
                delete_letters(connection, self.table, sent)
            run_blocking(note_sent, sent)
            count, position = count + len(sent), letters[-1].position

    async def drain(self) -> None:
        """Wait until what was committed on this event loop has been sent, or left.

        For the end of a program and for tests: sending goes on behind a commit.
        """
        await self._courier.drain()


def _read(
    job: Job | type[Job] | Dispatcher[Any], said: Any
) -> tuple[Dispatcher[Any], Any]:
    if isinstance(job, Job):
        payload = job.__jtc__.payload_in(job)
        return Dispatcher.of(type(job), said), payload
    if isinstance(job, Dispatcher):
        return job, said
    if not isinstance(job, type) or not issubclass(job, Job):
        raise NotAJob(repr(job), "is no job, no class of jobs and no Dispatcher")
    return Dispatcher(job), said
