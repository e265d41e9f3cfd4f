from __future__ import annotations

from datetime import UTC
from typing import Annotated

import typer

from jtc.cli.commands.failed import RedisUrl
from jtc.cli.commands.queue import Apps
from jtc.cli.commands.schedule.options import Json, Name, QueueName, Zone
from jtc.cli.place import Place


def list_schedules(
    *,
    soonest: Annotated[
        int | None,
        typer.Option(
            "--next",
            metavar="N",
            min=1,
            help="Only the N that are due next, the soonest first.",
        ),
    ] = None,
    zone: Zone = None,
    app: Apps = None,
    queue: QueueName = None,
    redis: RedisUrl = None,
    as_json: Json = False,
) -> None:
    """Show schedules: when each is due next, what became of it last.

    Without a server it shows what the modules declare; with one also what became of
    it, what is paused, and the schedules that were made at run time.
    """
    # Only who reaches a server pays for the import.
    from jtc.cli.commands.schedule.listing import show_schedules  # noqa: PLC0415

    show_schedules(
        Place(queue, redis),
        apps=tuple(app or ()),
        soonest=soonest,
        zone=zone or UTC,
        as_json=as_json,
    )


def next_times(
    *,
    name: Name,
    count: Annotated[
        int, typer.Option("-n", "--count", metavar="N", min=1, help="How many.")
    ] = 5,
    zone: Zone = None,
    app: Apps = None,
    queue: QueueName = None,
    redis: RedisUrl = None,
    as_json: Json = False,
) -> None:
    """Show the next times of a task.

    Needs no server for a task that a module declares.
    """
    from jtc.cli.commands.schedule.upcoming import (  # noqa: PLC0415 - as in list
        show_next_times,
    )

    show_next_times(
        name,
        Place(queue, redis),
        apps=tuple(app or ()),
        count=count,
        zone=zone or UTC,
        as_json=as_json,
    )


def explain(
    *,
    expression: Annotated[
        str,
        typer.Argument(
            metavar="EXPRESSION",
            help="A cron expression in quotes, a macro such as @daily, or an interval "
            "in seconds.",
        ),
    ],
    zone: Zone = None,
    as_json: Json = False,
) -> None:
    """Say in words when an expression is due, and its next five times."""
    from jtc.cli.commands.schedule.explanation import (  # noqa: PLC0415 - as in list
        explain_schedule,
    )
    from jtc.schedule import ScheduleError  # noqa: PLC0415 - as in list

    try:
        explain_schedule(expression, zone=zone, as_json=as_json)
    except ScheduleError as error:
        raise typer.BadParameter(str(error)) from None


def history(
    *,
    name: Name,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only the runs that failed.")
    ] = False,
    count: Annotated[
        int,
        typer.Option("-n", "--count", metavar="N", min=1, help="How many to show."),
    ] = 20,
    zone: Zone = None,
    app: Apps = None,
    queue: QueueName = None,
    redis: RedisUrl = None,
    as_json: Json = False,
) -> None:
    """Show what became of the ticks of a task, the latest first."""
    from jtc.cli.commands.schedule.past import show_history  # noqa: PLC0415 - as above

    show_history(
        name,
        Place(queue, redis),
        apps=tuple(app or ()),
        only_failed=failed,
        count=count,
        zone=zone or UTC,
        as_json=as_json,
    )
