from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    Text,
    delete,
    select,
)
from sqlalchemy.dialects.mysql import MEDIUMTEXT
from sqlalchemy.orm import registry

from jtc.outbox.letter import Letter

GROUP = 500
"""How many rows one statement reads or deletes."""


class OutboxRow:
    """A dispatch that is part of a transaction; each outbox maps a class of its own."""

    position: int

    def __init__(self, key: str, queue: str, document: str) -> None:
        self.key = key
        self.queue = queue
        self.document = document
        self.created_at = datetime.now(UTC)

    def letter(self) -> Letter:
        """Return what the row says, to be read when the row is gone."""
        return Letter(self.position, self.key, self.queue, self.document)


def define_table(name: str, metadata: MetaData) -> Table:
    """Add the table of an outbox to `metadata`."""
    return Table(
        name,
        metadata,
        Column(
            "position",
            BigInteger().with_variant(Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        Column("key", String(64), nullable=False),
        Column("queue", String(100), nullable=False),
        Column(
            "document",
            Text().with_variant(MEDIUMTEXT(), "mysql", "mariadb"),
            nullable=False,
        ),
        Column("created_at", DateTime(timezone=True), nullable=False),
        # Or SQLite would give the position of a deleted row to a new one.
        sqlite_autoincrement=True,
    )


def map_rows(table: Table) -> type[OutboxRow]:
    """Return a class whose objects are rows of `table`."""
    row_class = type("OutboxRow", (OutboxRow,), {})
    registry(metadata=table.metadata).map_imperatively(row_class, table)
    return row_class


def select_letters(table: Table, after: int) -> Select[Any]:
    """Return the query for the oldest rows behind a position.

    Where the database has row locks, those that others work on are passed over, and
    these are kept for the transaction.
    """
    columns = table.c
    return (
        select(columns.position, columns.key, columns.queue, columns.document)
        .where(columns.position > after)
        .order_by(columns.position)
        .limit(GROUP)
        .with_for_update(skip_locked=True)
    )


def read_letters(connection: Connection, table: Table, after: int) -> Sequence[Letter]:
    """Return the oldest rows behind a position, as `select_letters` finds them."""
    return [Letter(*row) for row in connection.execute(select_letters(table, after))]


def delete_letters(
    connection: Connection, table: Table, letters: Sequence[Letter]
) -> None:
    """Delete the rows of `letters`, as far as they are still there."""
    for start in range(0, len(letters), GROUP):
        group = letters[start : start + GROUP]
        connection.execute(
            delete(table)
            .where(table.c.position.in_([letter.position for letter in group]))
            # A table without AUTOINCREMENT may have given the position away again.
            .where(table.c.key.in_([letter.key for letter in group]))
        )
