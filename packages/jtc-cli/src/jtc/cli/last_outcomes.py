from __future__ import annotations

import asyncio
from collections.abc import Mapping

from redis.exceptions import RedisError

from jtc.cli.declared_tasks import DeclaredTasks
from jtc.cli.errors import CliError
from jtc.cli.open_schedules import OpenSchedules
from jtc.cli.opening import GLANCE, open_queue
from jtc.cli.place import Place
from jtc.queue import QueueError, TickRecord


def read_last_outcomes(
    place: Place, declared: DeclaredTasks
) -> Mapping[str, TickRecord]:
    """Return what became of the latest tick of each task; nothing without a server."""
    try:
        return asyncio.run(_read(place, declared))
    except (CliError, QueueError, RedisError, OSError):
        return {}


async def _read(place: Place, declared: DeclaredTasks) -> dict[str, TickRecord]:
    found: dict[str, TickRecord] = {}
    async with asyncio.timeout(GLANCE), open_queue(place) as queue:
        opened = OpenSchedules(queue, declared)
        for task in declared.meant:
            _, schedules = opened.of(task.name)
            for record in await schedules.history(task.name, limit=1):
                found[task.name] = record
    return found
