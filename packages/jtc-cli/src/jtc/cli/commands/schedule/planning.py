from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from jtc.cli.commands.queue import Apps
from jtc.cli.commands.schedule.options import Json, Names, Zone, read_future
from jtc.cli.commands.severity import FailOn, Severity

DAY = timedelta(days=1)


def simulate(
    *,
    names: Names = None,
    start: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="TIME",
            help="The first moment: 2026-03-01T09:00, or 2h from now. Default: now.",
        ),
    ] = "0s",
    end: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="TIME",
            help="The last moment: 2026-03-08, or 7d after the first. Default: 1d.",
        ),
    ] = "1d",
    zone: Zone = None,
    app: Apps = None,
    as_json: Json = False,
    as_ics: Annotated[
        bool, typer.Option("--ics", help="Print an iCalendar file.")
    ] = False,
) -> None:
    """Show which ticks would fire in a stretch of time.

    Of the tasks that the modules declare: all, unless some are named. Needs no server.
    """
    if as_json and as_ics:
        raise typer.BadParameter("--json and --ics exclude each other.")
    now = datetime.now(UTC)
    first = read_future("--from", start, zone or UTC, now=now)
    last = read_future("--to", end, zone or UTC, now=first)
    if last < first:
        raise typer.BadParameter("it is before --from.", param_hint="'--to'")
    # Only who asks for the times pays for the import.
    from jtc.cli.commands.schedule.simulation import (  # noqa: PLC0415
        Form,
        show_simulation,
    )

    form = Form.ICS if as_ics else Form.JSON if as_json else Form.TEXT
    show_simulation(
        names, first, last, apps=tuple(app or ()), zone=zone or UTC, form=form
    )


def check(
    *,
    fail_on: FailOn = Severity.WARNING,
    app: Apps = None,
    as_json: Json = False,
) -> None:
    """Look for schedules that can hardly be meant so; a lint for CI.

    The exit status is 1 if there are any. Needs no server.
    """
    from jtc.cli.commands.schedule.findings import (  # noqa: PLC0415 - as in simulate
        show_findings,
    )

    if show_findings(apps=tuple(app or ()), fail_on=fail_on, as_json=as_json):
        raise typer.Exit(1)
