from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, event, inspect
from sqlalchemy.orm import Mapper, Session, SessionTransaction, object_session

from jtc.outbox.letter import Letter
from jtc.outbox.outbox_table import OutboxRow

Listener = Callable[[Engine, Sequence[Letter]], None]
"""Told which rows were committed to which database, once no connection is held."""


class CommitWatch:
    """Finds out which rows of an outbox a session has really committed.

    Rows of a savepoint that was rolled back are not among them, nor are those of a
    session inside a transaction that somebody else will end.

    Args:
        row_class: The class of the rows.
        listener: Who wants to know.
    """

    def __init__(self, row_class: type[OutboxRow], listener: Listener) -> None:
        self._listener = listener
        event.listen(row_class, "after_insert", self._inserted)

    def _inserted(self, _: Mapper[Any], connection: Connection, row: OutboxRow) -> None:
        session = object_session(row)
        if session is not None:
            self._progress_of(session).inserted.append((row, row.letter(), connection))

    def _progress_of(self, session: Session) -> _Progress:
        if self not in session.info:
            session.info[self] = _Progress()
            event.listen(session, "after_commit", self._committed)
            event.listen(session, "after_transaction_end", self._ended)
        progress: _Progress = session.info[self]
        return progress

    def _committed(self, session: Session) -> None:
        # Also called when a savepoint is released.
        if not session.in_nested_transaction():
            self._progress_of(session).note_commit()

    def _ended(self, session: Session, transaction: SessionTransaction) -> None:
        if transaction.parent is not None:
            return
        committed = session.info[self].committed
        session.info[self] = _Progress()
        for engine, letters in committed.items():
            self._listener(engine, letters)


@dataclass
class _Progress:
    """How far the transaction of a session has come."""

    inserted: list[tuple[OutboxRow, Letter, Connection]] = field(default_factory=list)
    committed: dict[Engine, list[Letter]] = field(default_factory=dict)

    def note_commit(self) -> None:
        for row, letter, connection in self.inserted:
            was_rolled_back = not inspect(row, raiseerr=True).persistent
            if not was_rolled_back and not connection.in_transaction():
                self.committed.setdefault(connection.engine, []).append(letter)
