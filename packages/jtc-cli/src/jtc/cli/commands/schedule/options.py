from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Annotated

import typer

from jtc.cli.times import parse_moment, parse_moment_ahead


def read_past(option: str, text: str, zone: tzinfo, *, now: datetime) -> datetime:
    """Return the time that an option names, or names as how long ago it was."""
    return _read(option, parse_moment, text, zone, now)


def read_future(option: str, text: str, zone: tzinfo, *, now: datetime) -> datetime:
    """Return the time that an option names, or names as how long it is until then."""
    return _read(option, parse_moment_ahead, text, zone, now)


def _zone(text: str) -> tzinfo:
    # Few name a zone, and both imports would cost everybody.
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    from jtc.schedule.zone import zone_name  # noqa: PLC0415

    try:
        return ZoneInfo(zone_name(text))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _read(
    option: str,
    parse: Callable[..., datetime],
    text: str,
    zone: tzinfo,
    now: datetime,
) -> datetime:
    try:
        return parse(text, now=now, zone=zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(str(error), param_hint=f"'{option}'") from None


Name = Annotated[
    str, typer.Argument(metavar="NAME", help="As jtc schedule list shows it.")
]
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME", help="As jtc schedule list shows them."),
]
QueueName = Annotated[
    str | None,
    typer.Option(
        "--queue",
        "-q",
        metavar="NAME",
        help="The queue. Default: the task's own, then QUEUE_NAME, then 'default'.",
    ),
]
Zone = Annotated[
    tzinfo | None,
    typer.Option(
        "--timezone",
        metavar="ZONE",
        parser=_zone,
        help="Show and read times in this zone, such as Europe/Berlin; else in UTC.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for another program.")]
