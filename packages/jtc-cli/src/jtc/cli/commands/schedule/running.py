from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from jtc.cli.declared_tasks import load_tasks
from jtc.cli.durations import describe_duration
from jtc.cli.errors import TaskFailed
from jtc.cli.output import print_json, print_text, say
from jtc.cli.place import Place
from jtc.cli.user_traceback import format_user_traceback
from jtc.jobs import JobManager
from jtc.jobs.container import ensure_container
from jtc.queue import Tick
from jtc.queue.veil import NO_VEIL, Veil
from jtc.schedule import ScheduleRegistry, run_task_by_name
from jtc.schedule.secret import secret_parameters


def run_here(name: str, place: Place, *, apps: tuple[str, ...], as_json: bool) -> None:
    """Run a task in this process and print what it returns.

    Its conditions are not asked, its hooks are not called, and nothing is recorded.

    Raises:
        NotInModules: No module declares it.
        TaskFailed: It raised.
    """
    load_tasks(apps, place.queue).require(name)
    _make_jobs_possible(place)
    start = monotonic()
    result = asyncio.run(_run(name))
    duration = describe_duration(monotonic() - start)
    if as_json:
        print_json(json.loads(json.dumps(result, default=str)))
    elif result is not None:
        print_text(str(result))
    say(f"Ran {name} in {duration}.")


def _make_jobs_possible(place: Place) -> None:
    """Let the task dispatch jobs and build what they need, as in a worker."""
    JobManager.initialize(place.redis, place.queue)
    ensure_container()


async def _run(name: str) -> Any:
    tick = Tick(name=name, nominal=datetime.now(UTC), late_by=0.0, manual=True)
    ctx = {"queue": JobManager.get_queue(), "tick": tick}
    try:
        return await run_task_by_name(name, ctx)
    except Exception as error:
        shown = _veil_of(name).error(error)
        raise TaskFailed(name, format_user_traceback(shown)) from shown
    finally:
        await JobManager.close()


def _veil_of(name: str) -> Veil:
    task = ScheduleRegistry.get_task(name)
    if task is None or not task.options.payload:
        return NO_VEIL
    payload = task.options.payload
    return Veil.over(payload.get(secret) for secret in secret_parameters(task.func))
