from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from jtc.cli.json_form import json_form
from jtc.cli.opening import open_queue
from jtc.cli.output import print_json, say, warn
from jtc.cli.place import Place
from jtc.cli.times import format_day_and_time
from jtc.queue import QueueControl, QueueMonitor, RedisQueue

T = TypeVar("T")


def pause_queue(
    place: Place, *, duration: float | None, note: str, as_json: bool
) -> None:
    """Let no worker take jobs from a queue.

    Raises:
        NoServer: No server answers.
        QueueError: A setting is unfit.
    """
    name, pause = _run(
        place, lambda queue: QueueControl(queue).pause(duration, note=note)
    )
    until = f" until {format_day_and_time(pause.until)}" if pause.until else ""
    say(f"Paused queue '{name}'{until}.")
    if as_json:
        print_json({"queue": name, "paused": json_form(pause)})


def resume_queue(place: Place, *, as_json: bool) -> None:
    """Let workers take jobs again.

    Raises:
        NoServer: No server answers.
        QueueError: A setting is unfit.
    """
    name, was_paused = _run(place, lambda queue: QueueControl(queue).resume())
    say(f"Resumed queue '{name}'." if was_paused else f"Queue '{name}' was not paused.")
    if as_json:
        print_json({"queue": name, "paused": None, "was_paused": was_paused})


def restart_workers(place: Place, *, as_json: bool) -> None:
    """Let all workers of a queue end, to be started again.

    Raises:
        NoServer: No server answers.
        QueueError: A setting is unfit.
    """

    async def restart(queue: RedisQueue) -> list[str]:
        await QueueControl(queue).restart()
        workers = await QueueMonitor(queue).workers()
        return [worker.id for worker in workers if worker.state != "gone"]

    name, workers = _run(place, restart)
    say(
        f"Asked {len(workers)} worker(s) of queue '{name}' to end and be started again."
    )
    for worker in workers:
        say(f"  {worker}")
    if not workers:
        warn("Nobody works on it.")
    if as_json:
        print_json({"queue": name, "workers": workers})


def _run(place: Place, step: Callable[[RedisQueue], Awaitable[T]]) -> tuple[str, T]:
    async def run() -> tuple[str, T]:
        async with open_queue(place) as queue:
            return queue.name, await step(queue)

    return asyncio.run(run())
