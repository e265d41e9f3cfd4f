from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace

from jtc.cli.census import Census
from jtc.cli.endpoints import Endpoints
from jtc.cli.errors import WatchfilesMissing
from jtc.cli.output import say
from jtc.cli.own_server import own_server
from jtc.cli.serving import serving
from jtc.cli.stopping import stop_at_sigterm
from jtc.cli.supervisor import Supervisor
from jtc.cli.worker_options import ProcessOrder, WorkerOptions
from jtc.cli.worker_process import WorkerProcess

Run = Callable[[Supervisor], Awaitable[int]]


def run_worker_processes(
    options: WorkerOptions,
    *,
    processes: int,
    log_level: str,
    embedded: bool = False,
    endpoints: Endpoints | None = None,
) -> None:
    """Keep worker processes running until a signal comes.

    This process does not import the user's modules, nor the queue unless it is to log
    as JSON.

    Args:
        options: What the command line says of each worker.
        processes: How many there are to be.
        log_level: The lowest level that they show.
        embedded: Whether to start a server of our own; its URL is used.
        endpoints: Where it can be asked how they are; nowhere unless given.

    Raises:
        PortRefused: A port is in use, or not ours to take.
        MetricsMissing: The extra is not installed.
        SystemExit: The first could not start, or one did not end well.
        QueueError: The embedded server is not to be had.
    """
    order = ProcessOrder(
        number=1,
        processes=processes,
        introduces=True,
        log_level=log_level,
        options=options,
    )
    _run(order, Supervisor.run, embedded=embedded, endpoints=endpoints)


def run_worker_reloading(
    options: WorkerOptions,
    *,
    log_level: str,
    embedded: bool = False,
    endpoints: Endpoints | None = None,
) -> None:
    """Keep a worker process running, and replace it when its code changes.

    Args:
        options: What the command line says of the worker.
        log_level: The lowest level that it shows.
        embedded: Whether to start a server of our own; its URL is used.
        endpoints: Where it can be asked how the worker is; nowhere unless given.

    Raises:
        PortRefused: A port is in use, or not ours to take.
        MetricsMissing: The extra is not installed.
        WatchfilesMissing: It is not installed.
        CannotWatch: The system refuses to tell of changes.
        SettingsError: A setting has the wrong form.
        QueueError: The embedded server is not to be had.
        SystemExit: The worker did not end well.
    """
    try:
        from jtc.cli.reloading import run_reloading  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        if error.name != "watchfiles":
            raise
        raise WatchfilesMissing from None
    # Only who develops pays for the import.
    from jtc.cli.sources import find_sources  # noqa: PLC0415

    sources = find_sources(options.apps)
    order = ProcessOrder(
        number=1,
        processes=1,
        introduces=True,
        log_level=log_level,
        options=options,
        reloads=True,
    )
    _run(
        order,
        lambda one: run_reloading(one, sources),
        embedded=embedded,
        endpoints=endpoints,
    )


def _run(
    order: ProcessOrder, run: Run, *, embedded: bool, endpoints: Endpoints | None
) -> None:
    status = 0
    ports = endpoints or Endpoints()
    census = Census(processes=order.processes, looks=ports.metrics is not None)
    order = replace(order, tells=bool(ports))
    with (
        stop_at_sigterm(),
        # First: a port in use is known before anything has begun.
        serving(ports, census),
        own_server(order.options, embedded=embedded) as served,
    ):
        launches = itertools.count()

        async def start(number: int) -> WorkerProcess:
            # One that is started again says the same of itself, unless its code is new.
            introduces = order.reloads or next(launches) == 0
            return await WorkerProcess.start(
                replace(order, number=number, introduces=introduces, options=served),
                census,
            )

        async def supervise() -> int:
            supervisor = Supervisor(
                start,
                processes=order.processes,
                burst=served.burst,
                reloads=order.reloads,
            )
            return await run(supervisor)

        status = asyncio.run(supervise())
    if status:
        sys.exit(status)
    say("Stopped.", action="worker_stopped")
