from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from jtc.cli.commands.failed import RedisUrl
from jtc.cli.commands.queue import Apps
from jtc.cli.commands.schedule.options import (
    Json,
    Name,
    Names,
    QueueName,
    Zone,
    read_future,
    read_past,
)
from jtc.cli.logs import LogLevel, set_up_logging
from jtc.cli.place import Place

Every = Annotated[bool, typer.Option("--all", help="All of them.")]


def _payload(text: str) -> dict[str, Any]:
    try:
        payload = json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"this is no JSON: {error}") from None
    if not isinstance(payload, dict):
        raise typer.BadParameter('give a JSON object, such as {"day": "2026-03-01"}.')
    return payload


def run(
    *,
    name: Name,
    app: Apps = None,
    queue: QueueName = None,
    redis: RedisUrl = None,
    as_json: Json = False,
) -> None:
    """Run a task here and now, and print what it returns.

    No tick is used up, its conditions are not asked, and nothing is recorded.
    """
    # Only who runs something pays for the import.
    from jtc.cli.commands.schedule.running import run_here  # noqa: PLC0415

    set_up_logging(LogLevel.INFO)
    run_here(name, Place(queue, redis), apps=tuple(app or ()), as_json=as_json)


def trigger(
    *,
    name: Name,
    payload: Annotated[
        dict[str, Any] | None,
        typer.Option(
            "--payload",
            metavar="JSON",
            parser=_payload,
            help="Keyword arguments for this run, instead of the schedule's own.",
        ),
    ] = None,
    app: Apps = None,
    queue: QueueName = None,
    redis: RedisUrl = None,
) -> None:
    """Let a worker run a task now; no tick is used up."""
    from jtc.cli.commands.schedule.triggering import (  # noqa: PLC0415 - as in run
        trigger_run,
    )

    trigger_run(name, Place(queue, redis), apps=tuple(app or ()), payload=payload)


def pause(
    *,
    names: Names = None,
    every: Every = False,
    note: Annotated[
        str, typer.Option("--note", metavar="TEXT", help="Why, for who looks later.")
    ] = "",
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            metavar="TIME",
            help="When it resumes by itself: 2h from now, or 2026-03-01T09:00.",
        ),
    ] = None,
    zone: Zone = None,
    app: Apps = None,
    queue: QueueName = None,
    redis: RedisUrl = None,
) -> None:
    """Let ticks pass without a run until resumed.

    Every worker knows at once. The ticks are recorded as skipped: paused.
    """
    _require_names_or_all(names, every=every)
    now = datetime.now(UTC)
    end = read_future("--until", until, zone or UTC, now=now) if until else None
    if end is not None and end <= now:
        raise typer.BadParameter("this time has passed.", param_hint="'--until'")
    from jtc.cli.commands.schedule.pausing import (  # noqa: PLC0415 - as in run
        pause_schedules,
    )

    pause_schedules(
        names or None,
        Place(queue, redis),
        apps=tuple(app or ()),
        note=note,
        until=end,
        zone=zone or UTC,
    )


def resume(
    *,
    names: Names = None,
    every: Every = False,
    app: Apps = None,
    queue: QueueName = None,
    redis: RedisUrl = None,
) -> None:
    """Let ticks run again that were paused."""
    _require_names_or_all(names, every=every)
    from jtc.cli.commands.schedule.pausing import (  # noqa: PLC0415 - as in run
        resume_schedules,
    )

    resume_schedules(names or None, Place(queue, redis), apps=tuple(app or ()))


def backfill(
    *,
    name: Name,
    start: Annotated[
        str,
        typer.Option(
            "--from", metavar="TIME", help="Where it begins: 2026-03-01, or 7d ago."
        ),
    ],
    end: Annotated[
        str,
        typer.Option(
            "--to", metavar="TIME", help="Where it ends: 2026-03-08, or 1d ago."
        ),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show which ticks these are.")
    ] = False,
    zone: Zone = None,
    app: Apps = None,
    queue: QueueName = None,
    redis: RedisUrl = None,
    as_json: Json = False,
) -> None:
    """Run the ticks of a stretch of the past, each once, on a worker.

    The stretch begins with --from and ends before --to.
    """
    now = datetime.now(UTC)
    first = read_past("--from", start, zone or UTC, now=now)
    last = read_past("--to", end, zone or UTC, now=now)
    if last <= first:
        raise typer.BadParameter("it is not after --from.", param_hint="'--to'")
    from jtc.cli.commands.schedule.backfilling import (  # noqa: PLC0415 - as in run
        backfill_ticks,
    )

    backfill_ticks(
        name,
        Place(queue, redis),
        apps=tuple(app or ()),
        start=first,
        end=last,
        dry_run=dry_run,
        zone=zone or UTC,
        as_json=as_json,
    )


def _require_names_or_all(names: list[str] | None, *, every: bool) -> None:
    if bool(names) == every:
        raise typer.BadParameter("give either the names of schedules or --all.")
