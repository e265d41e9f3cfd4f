"""What the commands that look at a queue, and take a hand in it, take as options."""

from __future__ import annotations

from typing import Annotated

import typer

from jtc.cli.commands.failed import Json, RedisUrl
from jtc.cli.place import Place
from jtc.cli.times import parse_seconds


def read_duration(text: str) -> float:
    """Return the seconds that an option says, more than none."""
    try:
        seconds = parse_seconds(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if not seconds:
        raise typer.BadParameter(f"{text!r} is no time: give more than 0.")
    return seconds


Name = Annotated[str | None, typer.Argument(metavar="QUEUE", help="The queue's name.")]
QueueNames = Annotated[
    str | None,
    typer.Option(
        "--queue",
        "-q",
        metavar="NAMES",
        help="The queue, or several with commas. Default: QUEUE_NAME, then 'default'.",
    ),
]
StatsQueues = Annotated[
    str | None,
    typer.Option(
        "--queue",
        "-q",
        metavar="NAMES",
        help="Only this queue, or several with commas. Default: those of the settings "
        "and all that workers worked on in the last week.",
    ),
]


def stats(
    *,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show it anew each second until Ctrl+C.")
    ] = False,
    queue: StatsQueues = None,
    redis: RedisUrl = None,
    as_json: Json = False,
) -> None:
    """Show how queues stand: what waits, what runs, what failed, and who works."""
    # Only who reaches a server pays for the import.
    from jtc.cli.commands.queue_stats import show_stats, watch_stats  # noqa: PLC0415

    show = watch_stats if watch else show_stats
    show(Place(queue, redis), as_json=as_json)


def workers(
    *, queue: QueueNames = None, redis: RedisUrl = None, as_json: Json = False
) -> None:
    """Show the workers, what each has in hand and its last sign of life."""
    from jtc.cli.commands.queue_workers import show_workers  # noqa: PLC0415

    show_workers(Place(queue, redis), as_json=as_json)


def show(
    *,
    job_id: Annotated[
        str, typer.Argument(metavar="ID", help="As dispatch returns it, or the logs.")
    ],
    queue: QueueNames = None,
    redis: RedisUrl = None,
    as_json: Json = False,
) -> None:
    """Show all that is known of one job."""
    from jtc.cli.commands.queue_jobs import show_job  # noqa: PLC0415

    show_job(job_id, Place(queue, redis), as_json=as_json)


def cancel(
    *,
    ids: Annotated[list[str], typer.Argument(metavar="ID", help="As show takes it.")],
    queue: QueueNames = None,
    redis: RedisUrl = None,
    as_json: Json = False,
) -> None:
    """Cancel jobs: those that wait at once, running ones through their workers."""
    from jtc.cli.commands.queue_jobs import cancel_jobs  # noqa: PLC0415

    cancel_jobs(ids, Place(queue, redis), as_json=as_json)


def clear(
    *,
    name: Annotated[str, typer.Argument(metavar="QUEUE", help="The queue's name.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
    redis: RedisUrl = None,
    as_json: Json = False,
) -> None:
    """Cancel all jobs that wait in a queue or are delayed; running ones go on."""
    from jtc.cli.commands.queue_clearing import clear_queue  # noqa: PLC0415

    clear_queue(Place(name, redis), yes=yes, as_json=as_json)


def pause(
    *,
    name: Name = None,
    duration: Annotated[
        float | None,
        typer.Option(
            "--for",
            metavar="DURATION",
            parser=read_duration,
            help="How long: 90, 30m, 1h or 1d; else until it is resumed.",
        ),
    ] = None,
    note: Annotated[
        str, typer.Option("--note", metavar="TEXT", help="Why, for who looks later.")
    ] = "",
    redis: RedisUrl = None,
    as_json: Json = False,
) -> None:
    """Let no worker take jobs from a queue; running jobs go on, ticks are enqueued."""
    from jtc.cli.commands.queue_steering import pause_queue  # noqa: PLC0415

    pause_queue(Place(name, redis), duration=duration, note=note, as_json=as_json)


def resume(*, name: Name = None, redis: RedisUrl = None, as_json: Json = False) -> None:
    """Let workers take jobs again from a queue that was paused."""
    from jtc.cli.commands.queue_steering import resume_queue  # noqa: PLC0415

    resume_queue(Place(name, redis), as_json=as_json)


def restart(
    *, name: Name = None, redis: RedisUrl = None, as_json: Json = False
) -> None:
    """Let all workers of a queue end, after their running jobs, to be started again."""
    from jtc.cli.commands.queue_steering import restart_workers  # noqa: PLC0415

    restart_workers(Place(name, redis), as_json=as_json)


def health(
    *,
    worker: Annotated[
        str | None,
        typer.Option("--worker", metavar="ID", help="This worker has to be well."),
    ] = None,
    here: Annotated[
        bool,
        typer.Option("--here", help="Each worker on this host has to be, and one."),
    ] = False,
    queue: QueueNames = None,
    redis: RedisUrl = None,
    as_json: Json = False,
) -> None:
    """Tell in one line whether a queue is worked on; status 1 if not. For a probe."""
    if worker and here:
        raise typer.BadParameter("give either --worker or --here.")
    from jtc.cli.commands.queue_health import show_health  # noqa: PLC0415

    if not show_health(Place(queue, redis), worker=worker, here=here, as_json=as_json):
        raise typer.Exit(1)
