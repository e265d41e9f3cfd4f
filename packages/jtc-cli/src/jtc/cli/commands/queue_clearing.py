from __future__ import annotations

import asyncio
import sys

import typer

from jtc.cli.errors import NotConfirmed
from jtc.cli.opening import open_queue
from jtc.cli.output import print_json, say
from jtc.cli.place import Place
from jtc.cli.progress_bar import progress_bar
from jtc.queue import QueueControl


def clear_queue(place: Place, *, yes: bool, as_json: bool) -> None:
    """Cancel what waits in a queue and what is delayed; ask first.

    Raises:
        NotConfirmed: Nobody said that it is meant.
        NoServer: No server answers.
        QueueError: A setting is unfit.
    """
    name, canceled = asyncio.run(_clear(place, yes=yes))
    say(f"Canceled {canceled} job(s) of queue '{name}'; running ones go on.")
    if as_json:
        print_json({"queue": name, "canceled": canceled})


def is_asked_at_a_terminal() -> bool:
    """Tell whether there is somebody to ask."""
    return sys.stdin.isatty()


async def _clear(place: Place, *, yes: bool) -> tuple[str, int]:
    async with open_queue(place) as queue:
        control = QueueControl(queue)
        count = await control.count_clearable()
        if count and not yes:
            _ask(f"This cancels {count} job(s) that wait in queue '{queue.name}'.")
        return queue.name, await _cancel(control, count)


async def _cancel(control: QueueControl, count: int) -> int:
    canceled = 0
    with progress_bar("Canceling") as show:
        async for step in control.clear_in_steps():
            canceled += step
            show(canceled, count)
    return canceled


def _ask(what: str) -> None:
    if not is_asked_at_a_terminal() or not typer.confirm(f"{what} Go on?", err=True):
        raise NotConfirmed(what)
