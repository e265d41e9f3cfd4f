from __future__ import annotations

from typing import Annotated

import typer

from jtc.cli.commands import dashboard, failed, operating
from jtc.cli.commands.log_options import LogFormatOption
from jtc.cli.commands.operating import read_duration
from jtc.cli.commands.severity import FailOn, Severity
from jtc.cli.endpoints import ANYWHERE, Endpoints, open_at
from jtc.cli.logs import LogFormat, LogLevel, set_up_logging
from jtc.cli.place import Place
from jtc.cli.sizes import parse_size
from jtc.cli.worker_options import WorkerOptions


def _size(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _check_reload(*, processes: int | None, burst: bool) -> None:
    if processes is not None and processes > 1:
        raise typer.BadParameter(
            "--reload looks after one worker, which is enough to see what the code "
            "does; leave out --processes."
        )
    if burst:
        raise typer.BadParameter(
            "--burst ends when the queue is empty, --reload goes on when the code "
            "changes; leave out one of them."
        )


app = typer.Typer(
    help="Run a worker, see what it will run, and what has failed.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Apps = Annotated[
    list[str] | None,
    typer.Option(
        "--app",
        "-A",
        metavar="MODULE_OR_FILE",
        help="Where tasks and jobs are defined: a dotted module, a file or a folder. "
        "May be repeated. Default: JTC_MODULES, then modules in [tool.jtc] of "
        "pyproject.toml, then modules called tasks, jobs or schedule(s) here.",
    ),
]


@app.command()
def work(
    *,
    queue: Annotated[
        str | None,
        typer.Option(
            "--queue",
            "-q",
            metavar="NAMES",
            help="The queue to work on. Several in strict order, as in "
            "high,default,low, or by weight, as in high=3,default=1. "
            "Default: QUEUE_NAME, then 'default'.",
        ),
    ] = None,
    redis: Annotated[
        str | None,
        typer.Option(
            "--redis",
            metavar="URL",
            help="The Redis or Valkey server: redis://, rediss:// or unix://. "
            "Default: REDIS_URL, then redis://localhost:6379.",
        ),
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(
            "--concurrency",
            "-c",
            metavar="N",
            min=1,
            help="How many jobs run at once. Default: QUEUE_CONCURRENCY, then 10.",
        ),
    ] = None,
    grace: Annotated[
        float | None,
        typer.Option(
            "--grace",
            metavar="SECONDS",
            min=0,
            help="How long running jobs may take to end when the worker stops. "
            "Default: QUEUE_GRACE, then 30.",
        ),
    ] = None,
    app: Apps = None,
    processes: Annotated[
        int | None,
        typer.Option(
            "--processes",
            "-p",
            metavar="N",
            min=1,
            help="Start so many worker processes, and again those that die.",
        ),
    ] = None,
    embedded: Annotated[
        bool,
        typer.Option(
            "--embedded",
            help="Start a Valkey server for this worker, with its data in .jtc.",
        ),
    ] = False,
    reload: Annotated[
        bool,
        typer.Option(
            "--reload",
            help="Start again when the code changes, after the running jobs. For "
            "development; needs jtc-cli[reload].",
        ),
    ] = False,
    burst: Annotated[
        bool,
        typer.Option(
            "--burst", help="Run the jobs that wait and stop; no scheduled tasks."
        ),
    ] = False,
    max_jobs: Annotated[
        int | None,
        typer.Option(
            "--max-jobs",
            metavar="N",
            min=1,
            help="Start so many jobs, then end; with --processes, be replaced.",
        ),
    ] = None,
    max_time: Annotated[
        float | None,
        typer.Option(
            "--max-time",
            metavar="DURATION",
            parser=read_duration,
            help="Work for so long, then end: 3600, 90m, 12h or 1d.",
        ),
    ] = None,
    max_memory: Annotated[
        int | None,
        typer.Option(
            "--max-memory",
            metavar="SIZE",
            parser=_size,
            help="End once the process takes so much memory: 512M or 2G.",
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", help="Do not start where jtc doctor finds errors of the server."
        ),
    ] = False,
    log_level: Annotated[
        LogLevel,
        typer.Option(
            "--log-level", case_sensitive=False, help="How much to say of the work."
        ),
    ] = LogLevel.INFO,
    log_format: LogFormatOption = LogFormat.TEXT,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            "--metrics-port",
            metavar="PORT",
            min=0,
            max=65535,
            help="Answer Prometheus at /metrics on this port; needs "
            "jtc-queue[metrics].",
        ),
    ] = None,
    metrics_host: Annotated[
        str,
        typer.Option("--metrics-host", metavar="ADDRESS", help="Only on this address."),
    ] = ANYWHERE,
    health_port: Annotated[
        int | None,
        typer.Option(
            "--health-port",
            metavar="PORT",
            min=0,
            max=65535,
            help="Answer probes at /livez and /readyz on this port; it may be that of "
            "the metrics.",
        ),
    ] = None,
    health_host: Annotated[
        str,
        typer.Option("--health-host", metavar="ADDRESS", help="Only on this address."),
    ] = ANYWHERE,
) -> None:
    """Run scheduled tasks and jobs until Ctrl+C or SIGTERM."""
    if embedded and redis:
        raise typer.BadParameter(
            "--embedded starts a server of its own; leave out --redis."
        )
    if reload:
        _check_reload(processes=processes, burst=burst)
    set_up_logging(log_level, log_format)
    options = WorkerOptions(
        queue=queue,
        redis=redis,
        concurrency=concurrency,
        grace=grace,
        apps=tuple(app or ()),
        burst=burst,
        max_jobs=max_jobs,
        max_time=max_time,
        max_memory=max_memory,
        strict=strict,
        log_format=log_format,
    )
    endpoints = Endpoints(
        metrics=open_at(metrics_host, metrics_port),
        health=open_at(health_host, health_port),
    )
    # Only who starts a worker pays for the import, not who asks for --help.
    if reload:
        from jtc.cli.commands.worker_processes import (  # noqa: PLC0415
            run_worker_reloading,
        )

        run_worker_reloading(
            options, log_level=log_level, embedded=embedded, endpoints=endpoints
        )
        return
    if processes is None:
        from jtc.cli.commands.worker import run_worker  # noqa: PLC0415

        run_worker(options, embedded=embedded, endpoints=endpoints)
        return
    from jtc.cli.commands.worker_processes import run_worker_processes  # noqa: PLC0415

    run_worker_processes(
        options,
        processes=processes,
        log_level=log_level,
        embedded=embedded,
        endpoints=endpoints,
    )


@app.command(name="list")
def list_tasks(
    *,
    app: Apps = None,
    queue: Annotated[
        str | None,
        typer.Option(
            "--queue",
            "-q",
            metavar="NAME",
            help="Only the tasks of this queue. Default: all, those that name no queue "
            "as of QUEUE_NAME, then 'default'.",
        ),
    ] = None,
    redis: failed.RedisUrl = None,
    as_json: failed.Json = False,
) -> None:
    """Show the scheduled tasks; needs no server, but asks it for the last outcomes."""
    from jtc.cli.commands.task_list import show_tasks  # noqa: PLC0415 - as in work

    show_tasks(Place(queue, redis), tuple(app or ()), as_json=as_json)


@app.command()
def check(
    *,
    fail_on: FailOn = Severity.WARNING,
    app: Apps = None,
    as_json: failed.Json = False,
) -> None:
    """Look whether each job and task could be built and can be meant so; for CI.

    Nothing is run. The exit status is 1 if one could not, or if jtc schedule check
    would find something. Needs no server.
    """
    from jtc.cli.commands.graph_check import show_checks  # noqa: PLC0415 - as in work

    if show_checks(apps=tuple(app or ()), fail_on=fail_on, as_json=as_json):
        raise typer.Exit(1)


app.command()(failed.failed)
app.command()(failed.retry)
app.command()(failed.forget)
app.command()(failed.flush)
app.command()(operating.stats)
app.command()(operating.workers)
app.command()(operating.show)
app.command()(operating.cancel)
app.command()(operating.clear)
app.command()(operating.pause)
app.command()(operating.resume)
app.command()(operating.restart)
app.command()(operating.health)
app.command()(dashboard.dashboard)
