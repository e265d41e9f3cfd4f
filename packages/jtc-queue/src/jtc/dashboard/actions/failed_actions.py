from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from jtc.dashboard.actions.action import Done, action
from jtc.dashboard.board import Board
from jtc.dashboard.errors import NotUnderstood
from jtc.dashboard.failed_choice import read_choice
from jtc.dashboard.form import Form
from jtc.queue import FailedJobs

NAMED = 20
"""How many jobs the log names."""


async def retry_failed(board: Board, form: Form) -> Done:
    """Put failed jobs back: those that are ticked, or all that were searched for."""
    queue = await board.queue(form.need("queue"))
    failed = FailedJobs(queue)
    if form.get("what") == "matching":
        back = await failed.retry_all(**_matching(form))
        return _all_done("Put back", back, queue.name)
    ids = ticked_ids(form)
    return _done("Put back", await failed.retry(*ids), ids, queue.name)


async def forget_failed(board: Board, form: Form) -> Done:
    """Delete failed jobs: those that are ticked, or all that were searched for."""
    queue = await board.queue(form.need("queue"))
    failed = FailedJobs(queue)
    if form.get("what") == "matching":
        gone = await failed.forget_all(**_matching(form))
        return _all_done("Forgot", gone, queue.name)
    ids = ticked_ids(form)
    return _done("Forgot", await failed.forget(*ids), ids, queue.name)


def ticked_ids(form: Form) -> Sequence[str]:
    """Return the ids of the jobs that are ticked.

    Raises:
        NotUnderstood: None is.
    """
    ids = form.all("id")
    if not ids:
        raise NotUnderstood("Nothing was done: tick the jobs that are meant first.")
    return ids


def _matching(form: Form) -> dict[str, Any]:
    choice = read_choice(form)
    return {**choice.as_filter(now=datetime.now(UTC)), "group": choice.group_key}


def _all_done(did: str, done: Sequence[str], queue: str) -> Done:
    return Done(f"{did} {len(done):,} failed job(s).", _named(queue, done))


def _done(did: str, done: Sequence[str], ids: Sequence[str], queue: str) -> Done:
    text = f"{did} {len(done):,} of {len(ids):,} failed job(s)."
    if len(done) < len(ids):
        text += " The others are no failed jobs any more, or cannot be put back."
    return Done(text, _named(queue, done), is_bad=len(done) < len(ids))


def _named(queue: str, ids: Sequence[str]) -> str:
    rest = ", …" if len(ids) > NAMED else ""
    return f"{queue}: {', '.join(ids[:NAMED])}{rest}"


FAILED_ACTIONS = [
    action("/failed/retry", retry_failed),
    action("/failed/forget", forget_failed),
]
