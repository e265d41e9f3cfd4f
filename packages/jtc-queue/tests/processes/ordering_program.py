"""Commits an order with SQLAlchemy, and dies where it is told to.

python ordering_program.py REDIS_URL DATABASE_URL NUMBER MOMENT
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from sqlalchemy import MetaData, create_engine, event
from sqlalchemy.orm import Session

from jtc.jobs import Job, JobManager
from jtc.outbox import Outbox

metadata = MetaData()
outbox = Outbox(metadata)


class Note(Job, name="note", result_ttl=0):
    number: int

    async def handle(self) -> None: ...


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at_delete(*args: Any) -> None:
    if str(args[2]).startswith("DELETE"):
        die()


def main(redis_url: str, database_url: str, number: str, moment: str) -> None:
    JobManager.initialize(redis_url, "shop")
    engine = create_engine(database_url)
    session = Session(engine)
    if moment == "before-commit":
        event.listen(session, "before_commit", die)
    if moment == "after-commit":
        event.listen(session, "after_commit", die)
    if moment == "before-delete":
        event.listen(engine, "before_cursor_execute", die_at_delete)
    outbox.dispatch(session, Note(number=int(number)))
    session.flush()
    session.commit()


if __name__ == "__main__":
    main(*sys.argv[1:])
