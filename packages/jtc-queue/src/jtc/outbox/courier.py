from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from contextvars import Context, copy_context
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, Table
from sqlalchemy.ext.asyncio import AsyncEngine

from jtc.jobs.blocking import run_blocking
from jtc.outbox.letter import Letter
from jtc.outbox.mailing import note_sent, send_letters
from jtc.outbox.outbox_table import GROUP, delete_letters
from jtc.queue.group_commit import GroupCommit

logger = logging.getLogger(__name__)

_PAUSE = 5.0

_Committed = tuple[Engine, Letter, Context]


class Courier:
    """Takes what was committed to the queue at once, and deletes its rows.

    Nothing that goes wrong here reaches whoever has committed: the rows stay, for the
    relay. After a failure the next seconds are left to it too, so that a server that
    does not answer holds nobody up for each commit.

    Args:
        table: Where the rows are.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._rounds: WeakKeyDictionary[asyncio.AbstractEventLoop, _Round] = (
            WeakKeyDictionary()
        )
        self._pauses_until = 0.0

    def take(self, engine: Engine, letters: Sequence[Letter]) -> None:
        """Send committed letters: in the background where an event loop runs."""
        if time.monotonic() < self._pauses_until:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._send_blocking(engine, letters)
            return
        if loop not in self._rounds:
            self._rounds[loop] = _Round(GroupCommit(self._send, limit=GROUP))
        context = copy_context()
        for letter in letters:
            self._rounds[loop].take((engine, letter, context))

    async def drain(self) -> None:
        """Wait until nothing that this event loop has committed is under way."""
        one = self._rounds.get(asyncio.get_running_loop())
        while one is not None and one.under_way:
            await asyncio.wait(one.under_way)

    async def _send(self, committed: Sequence[_Committed]) -> Sequence[None]:
        # Not in the context of whoever has committed when nothing was under way, which
        # may be long ago: what is sent here is no part of that any more.
        context = committed[0][2]
        await asyncio.create_task(self._send_here(committed), context=context)
        return [None] * len(committed)

    async def _send_here(self, committed: Sequence[_Committed]) -> None:
        try:
            for engine in dict.fromkeys(engine for engine, *_ in committed):
                letters = [letter for of, letter, _ in committed if of is engine]
                sent = await send_letters(letters)
                await self._delete(engine, sent)
                await note_sent(sent)
        except Exception as error:
            self._leave(error)

    async def _delete(self, engine: Engine, letters: Sequence[Letter]) -> None:
        if not engine.dialect.is_async:
            self._delete_blocking(engine, letters)
            return
        async with AsyncEngine(engine).begin() as connection:
            await connection.run_sync(delete_letters, self._table, letters)

    def _send_blocking(self, engine: Engine, letters: Sequence[Letter]) -> None:
        try:
            sent = run_blocking(send_letters, letters)
            self._delete_blocking(engine, sent)
            run_blocking(note_sent, sent)
        except Exception as error:
            self._leave(error)

    def _delete_blocking(self, engine: Engine, letters: Sequence[Letter]) -> None:
        with engine.begin() as connection:
            delete_letters(connection, self._table, letters)

    def _leave(self, error: Exception) -> None:
        self._pauses_until = time.monotonic() + _PAUSE
        logger.warning(
            "What was committed could not be sent to the queue at once (%s): it is "
            "left to the relay, as is all that is committed in the next %.0f s.",
            str(error).rstrip(".") or type(error).__name__,
            _PAUSE,
            extra={"action": "outbox_left"},
        )


class _Round:
    """What one event loop has committed and is being sent."""

    def __init__(self, group: GroupCommit[_Committed, None]) -> None:
        self._group = group
        self.under_way: set[asyncio.Future[None]] = set()

    def take(self, committed: _Committed) -> None:
        future = self._group.submit(committed)
        self.under_way.add(future)
        future.add_done_callback(self.under_way.discard)
