from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from rich.live import Live

from jtc.cli.json_form import json_form
from jtc.cli.opening import open_queues
from jtc.cli.output import print_json, print_json_line, print_text
from jtc.cli.place import Place
from jtc.cli.stats_view import render_stats, show_table
from jtc.cli.table import open_console
from jtc.queue import QueueMonitor, QueueNames, QueueStats, RedisQueue

EVERY = 1.0
"""Seconds between two looks of --watch."""


def show_stats(place: Place, *, as_json: bool) -> None:
    """Print how queues stand.

    Raises:
        NoServer: No server answers.
        QueueError: A setting is unfit.
    """

    async def look() -> Sequence[QueueStats]:
        async with _open(place) as queues:
            return await _read(queues)

    found = asyncio.run(look())
    if as_json:
        print_json([_as_json(stats) for stats in found])
    else:
        show_table(found)


def watch_stats(place: Place, *, as_json: bool) -> None:
    """Show how queues stand, again and again until Ctrl+C.

    Raises:
        NoServer: No server answers.
        QueueError: A setting is unfit.
    """
    try:
        asyncio.run(_watch(place, as_json=as_json))
    except KeyboardInterrupt:
        return


def is_terminal() -> bool:
    """Tell whether there is a screen to show it on."""
    return sys.stdout.isatty()


async def _watch(place: Place, *, as_json: bool) -> None:
    async with _open(place) as queues:
        if as_json:
            while True:
                found = await _read(queues)
                print_json_line([_as_json(stats) for stats in found])
                await asyncio.sleep(EVERY)
        if not is_terminal():
            while True:
                show_table(await _read(queues))
                print_text("")
                await asyncio.sleep(EVERY)
        await _watch_live(queues)


async def _watch_live(queues: Sequence[RedisQueue]) -> None:
    console = open_console()
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            found = await _read(queues)
            live.update(render_stats(found, width=console.width), refresh=True)
            await asyncio.sleep(EVERY)


@asynccontextmanager
async def _open(place: Place) -> AsyncIterator[Sequence[RedisQueue]]:
    async with open_queues(place) as named:
        if place.queue is not None:
            yield named
            return
        redis, names = named[0].redis, {queue.name for queue in named}
        others = [name for name in await QueueNames(redis).list() if name not in names]
        yield [*named, *(RedisQueue(redis, name=name) for name in others)]


async def _read(queues: Sequence[RedisQueue]) -> Sequence[QueueStats]:
    return [await QueueMonitor(queue).stats() for queue in queues]


def _as_json(stats: QueueStats) -> object:
    return {
        **json_form(stats),
        "completed_per_minute": round(stats.completed_per_minute, 2),
        "failed_per_minute": round(stats.failed_per_minute, 2),
    }
