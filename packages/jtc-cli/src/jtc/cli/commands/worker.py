from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime

from jtc.cli.banner import describe_worker
from jtc.cli.census import Census
from jtc.cli.discovery import Discovery, discover
from jtc.cli.due_task import DueTask
from jtc.cli.endpoints import Endpoints
from jtc.cli.errors import NoServer, ServerRefused, ServerUnfit
from jtc.cli.event_loop import find_loop_factory, name_running_loop
from jtc.cli.leash import Leash
from jtc.cli.output import hide_in_logs, say, warn
from jtc.cli.own_server import own_server
from jtc.cli.serving import serving
from jtc.cli.stopping import stop_at_sigterm, take_signals
from jtc.cli.supervised import RECYCLED
from jtc.cli.worker_options import ProcessOrder, WorkerOptions
from jtc.jobs import known_jobs
from jtc.providers import QueueProvider
from jtc.queue import Limits, Worker, examine_server, mask_url, open_client
from jtc.queue.job_fields import hide_secrets
from jtc.queue.signals import handle_signals
from jtc.schedule import ScheduleRegistry

Observe = Callable[[Worker], object]


def run_worker(
    options: WorkerOptions,
    *,
    embedded: bool = False,
    endpoints: Endpoints | None = None,
) -> None:
    """Work until a signal comes; what is not given comes from the settings.

    Args:
        options: What the command line says.
        embedded: Whether to start a server of our own; its URL is used.
        endpoints: Where the worker can be asked how it is; nowhere unless given.

    Raises:
        PortRefused: A port is in use, or not ours to take.
        MetricsMissing: The extra is not installed.
        NoServer: No server answers.
        ServerRefused: A server answers and turns us away.
        ServerUnfit: It has errors, and the worker is to be strict.
        DiscoveryError: A module is missing or cannot be imported.
        QueueError: A setting or the server is unfit.
        SystemExit: Somebody wants it to be started again.
    """
    worker: Worker | None = None
    ports = endpoints or Endpoints()
    looks = ports.metrics is not None
    census = Census(processes=1, looks=looks)

    def observe(worker: Worker) -> None:
        worker.vitals.watch()
        if looks:
            worker.vitals.look()
        census.join(1, worker.vitals.look).read = worker.vitals.snapshot

    with (
        stop_at_sigterm(),
        # First: a port in use is known before anything has begun.
        serving(ports, census),
        own_server(options, embedded=embedded) as served,
    ):
        worker = _run(served, observe=observe if ports else None)
    if worker is not None and worker.restart_asked:
        say("Stopped, to be started again.", action="worker_stopped")
        sys.exit(RECYCLED)
    say("Stopped.", action="worker_stopped")


def run_supervised(order: ProcessOrder, leash: Leash) -> bool:
    """Work until the process that gave the order says so, or is gone.

    Returns:
        Whether the worker has ended by itself: it had reached a limit, or is to be
        started again.

    Raises:
        CliError: As `run_worker` raises them.
        QueueError: A setting or the server is unfit.
    """
    # Whoever stops a whole group sends the signal and has it passed on as well.
    with stop_at_sigterm(once=True):
        take_signals()
        return _run(order.options, order, leash).limit_reached is not None
    return False


def _run(
    options: WorkerOptions,
    order: ProcessOrder | None = None,
    leash: Leash | None = None,
    *,
    observe: Observe | None = None,
) -> Worker:
    hide_in_logs(hide_secrets)
    provider = QueueProvider(
        options.redis, options.queue, options.concurrency, options.grace
    )
    with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
        runner.run(_check_server(provider, strict=options.strict))
        # Not inside the loop: a module may call asyncio.run when it is imported.
        discovery = discover(options.apps)
        work = _work(
            provider, discovery, options, order=order, leash=leash, observe=observe
        )
        return runner.run(work)


async def _check_server(provider: QueueProvider, *, strict: bool) -> None:
    if not await provider.check_redis_connection():
        error = ServerRefused if provider.was_refused else NoServer
        raise error(mask_url(provider.redis_url), str(provider.connection_error))
    if strict:
        await _check_strictly(provider.redis_url)


async def _check_strictly(url: str) -> None:
    client = open_client(url)
    try:
        checks = await examine_server(client)
    finally:
        await client.aclose()
    if errors := [check for check in checks if check.level == "error"]:
        raise ServerUnfit([f"{check.name}: {check.advice}" for check in errors])


async def _work(
    provider: QueueProvider,
    discovery: Discovery,
    options: WorkerOptions,
    *,
    order: ProcessOrder | None,
    leash: Leash | None,
    observe: Observe | None,
) -> Worker:
    await provider.initialize()
    try:
        worker = provider.get_worker(
            burst=options.burst,
            limits=Limits(options.max_jobs, options.max_time, options.max_memory),
            takes_signals=leash is None,
        )
        if observe is not None:
            observe(worker)
        if order is None or order.introduces:
            await _introduce(provider, discovery, order.processes if order else 1)
        if order is None or leash is None:
            await worker.start()
        else:
            await _start_on_leash(worker, leash, tells=order.tells)
        return worker
    finally:
        await provider.close()


async def _start_on_leash(worker: Worker, leash: Leash, *, tells: bool) -> None:
    loop = asyncio.get_running_loop()
    # A signal that reaches a whole group comes twice, once passed on: it counts once.
    with (
        handle_signals(worker.event.set),
        leash.held(lambda: loop.call_soon_threadsafe(worker.hurry)),
    ):
        if leash.is_to_stop:
            # Some module has caught what the signal raised.
            worker.event.set()
        leash.report_ready()
        with _telling(worker, leash) if tells else nullcontext():
            await worker.start()


def _telling(worker: Worker, leash: Leash) -> AbstractContextManager[None]:
    loop = asyncio.get_running_loop()
    vitals = worker.vitals
    vitals.watch()
    return leash.telling(
        vitals.snapshot, look=lambda: loop.call_soon_threadsafe(vitals.look)
    )


async def _introduce(
    provider: QueueProvider, discovery: Discovery, processes: int
) -> None:
    now = datetime.now(UTC)
    tasks = [
        DueTask.at(task.in_timezone(provider.timezone), now)
        for task in ScheduleRegistry.get_all()
    ]
    jobs = sorted(known_jobs.get_all())
    text = describe_worker(
        provider,
        server=await provider.server_info(),
        event_loop=name_running_loop(),
        processes=processes,
        discovery=discovery,
        tasks=tasks,
        jobs=jobs,
    )
    say(text, action="worker_started")
    if not tasks and not jobs:
        places = "".join(f"\n  {place}" for place in discovery.places)
        warn(f"No scheduled tasks and no job classes found. Looked at:{places}")
