from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from jtc.cli.declared_tasks import load_tasks
from jtc.cli.open_schedules import OpenSchedules, ask_schedules
from jtc.cli.output import print_json, print_text, say
from jtc.cli.place import Place
from jtc.cli.progress_bar import progress_bar
from jtc.cli.times import format_day_and_time, format_for_programs


def backfill_ticks(
    name: str,
    place: Place,
    *,
    apps: tuple[str, ...],
    start: datetime,
    end: datetime,
    dry_run: bool,
    zone: tzinfo,
    as_json: bool,
) -> None:
    """Queue the ticks of a stretch of the past, and print them.

    Raises:
        ScheduleNotFound: Nothing is called so.
        InvalidBackfill: The stretch cannot be worked through.
        NoServer: No server answers.
    """

    async def backfill(opened: OpenSchedules) -> Sequence[datetime]:
        _, schedules = opened.of(name)
        with progress_bar("Queueing") as show:
            return await schedules.backfill(
                name, start, end, dry_run=dry_run, on_progress=show
            )

    ticks = ask_schedules(place, load_tasks(apps, place.queue), backfill)
    if as_json:
        print_json([format_for_programs(tick) for tick in ticks])
    else:
        for tick in ticks:
            print_text(format_day_and_time(tick, zone=zone))
    if dry_run:
        say(f"{len(ticks)} tick(s) of {name}; nothing was queued.")
    else:
        say(f"Queued {len(ticks)} tick(s) of {name}.")
