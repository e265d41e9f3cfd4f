from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from redis.exceptions import RedisError
from rich.live import Live

from jtc.cli.json_form import json_form
from jtc.cli.opening import open_queues
from jtc.cli.output import print_json, print_json_line, print_text, warn
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
            await _look_on(queues, _print_line, _warn_of_outage)
        elif is_terminal():
            await _watch_live(queues)
        else:
            await _look_on(queues, _print_table, _warn_of_outage)


async def _watch_live(queues: Sequence[RedisQueue]) -> None:
    console = open_console()
    seen: Sequence[QueueStats] = ()
    with Live(console=console, screen=True, auto_refresh=False) as live:

        def show(found: Sequence[QueueStats], trouble: str = "") -> None:
            nonlocal seen
            seen = found
            screen = render_stats(found, width=console.width, trouble=trouble)
            live.update(screen, refresh=True)

        await _look_on(queues, show, lambda why: show(seen, why))


async def _look_on(
    queues: Sequence[RedisQueue],
    show: Callable[[Sequence[QueueStats]], object],
    miss: Callable[[str], object],
) -> None:
    """Look again and again; a server that is away is one that will be back."""
    while True:
        try:
            show(await _read(queues))
        except (RedisError, OSError) as error:
            miss(f"The server does not answer: {error}")
        await asyncio.sleep(EVERY)


def _print_line(found: Sequence[QueueStats]) -> None:
    print_json_line([_as_json(stats) for stats in found])


def _print_table(found: Sequence[QueueStats]) -> None:
    show_table(found)
    print_text("")


def _warn_of_outage(why: str) -> None:
    warn(f"{why} Trying again.")


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
