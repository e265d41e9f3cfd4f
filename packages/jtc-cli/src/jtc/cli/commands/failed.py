from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from jtc.cli.place import Place
from jtc.cli.times import parse_age, parse_moment


def _age(text: str) -> timedelta:
    try:
        return parse_age(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _moment(text: str) -> datetime:
    try:
        return parse_moment(text, now=datetime.now(UTC))
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(str(error)) from None


QueueName = Annotated[
    str | None,
    typer.Option(
        "--queue",
        "-q",
        metavar="NAME",
        help="Whose failed jobs. Default: QUEUE_NAME, then 'default'.",
    ),
]
RedisUrl = Annotated[
    str | None,
    typer.Option(
        "--redis",
        metavar="URL",
        help="The Redis or Valkey server. Default: REDIS_URL, then "
        "redis://localhost:6379.",
    ),
]
JobClass = Annotated[
    str | None,
    typer.Option(
        "--class",
        metavar="CLASS",
        help="Only jobs of this class: its name, or the last part of it.",
    ),
]
ExceptionName = Annotated[
    str | None,
    typer.Option(
        "--exception",
        metavar="TYPE",
        help="Only those that failed with this error: its name, or the last part.",
    ),
]
Since = Annotated[
    datetime | None,
    typer.Option(
        "--since",
        metavar="TIME",
        parser=_moment,
        help="Only those that failed since then: 2h, 7d or 2026-03-01T09:00 (UTC).",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for another program.")]


def failed(
    *,
    job_class: JobClass = None,
    exception: ExceptionName = None,
    since: Since = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, help="How many to show.")
    ] = 20,
    queue: QueueName = None,
    redis: RedisUrl = None,
    as_json: Json = False,
) -> None:
    """Show the failed jobs, the latest first."""
    # Only who reaches a server pays for the import.
    from jtc.cli.commands.failed_jobs import show_failed  # noqa: PLC0415

    show_failed(
        Place(queue, redis),
        job_class=job_class,
        exception=exception,
        since=since,
        limit=limit,
        as_json=as_json,
    )


def retry(
    *,
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID", help="As jtc queue failed shows them."),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="All of them, or all that fit.")
    ] = False,
    job_class: JobClass = None,
    exception: ExceptionName = None,
    since: Since = None,
    queue: QueueName = None,
    redis: RedisUrl = None,
    as_json: Json = False,
) -> None:
    """Put failed jobs back into the queue, with all their tries."""
    if bool(ids) == every:
        raise typer.BadParameter("give either the ids of failed jobs or --all.")
    if ids and (job_class or exception or since):
        raise typer.BadParameter("--class, --exception and --since go with --all.")
    from jtc.cli.commands.failed_jobs import (  # noqa: PLC0415 - as in failed
        retry_all,
        retry_some,
    )

    place = Place(queue, redis)
    if ids:
        retry_some(place, ids, as_json=as_json)
    else:
        retry_all(
            place,
            job_class=job_class,
            exception=exception,
            since=since,
            as_json=as_json,
        )


def forget(
    *,
    ids: Annotated[
        list[str], typer.Argument(metavar="ID", help="As jtc queue failed shows them.")
    ],
    queue: QueueName = None,
    redis: RedisUrl = None,
    as_json: Json = False,
) -> None:
    """Delete failed jobs."""
    from jtc.cli.commands.failed_jobs import forget_some  # noqa: PLC0415

    forget_some(Place(queue, redis), ids, as_json=as_json)


def flush(
    *,
    older_than: Annotated[
        timedelta | None,
        typer.Option(
            "--older-than",
            metavar="AGE",
            parser=_age,
            help="Only those that failed longer ago: 90m, 2h, 7d.",
        ),
    ] = None,
    queue: QueueName = None,
    redis: RedisUrl = None,
    as_json: Json = False,
) -> None:
    """Delete all failed jobs, or the old ones."""
    from jtc.cli.commands.failed_jobs import flush_all  # noqa: PLC0415

    flush_all(Place(queue, redis), older_than=older_than, as_json=as_json)
