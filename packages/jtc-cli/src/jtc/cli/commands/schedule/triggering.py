from __future__ import annotations

from typing import Any

from jtc.cli.declared_tasks import load_tasks
from jtc.cli.open_schedules import OpenSchedules, ask_schedules
from jtc.cli.output import print_text, say
from jtc.cli.place import Place


def trigger_run(
    name: str, place: Place, *, apps: tuple[str, ...], payload: dict[str, Any] | None
) -> None:
    """Queue a run of a schedule, and print the key of its job.

    Raises:
        ScheduleNotFound: Nothing is called so.
        NoServer: No server answers.
    """

    async def trigger(opened: OpenSchedules) -> tuple[str, str]:
        queue, schedules = opened.of(name)
        return queue, await schedules.trigger(name, payload)

    queue, key = ask_schedules(place, load_tasks(apps, place.queue), trigger)
    say(f"Queued a run of {name} in queue {queue!r}, as job")
    print_text(key)
