from __future__ import annotations

import asyncio
from contextlib import nullcontext
from datetime import UTC, datetime

from jtc.cli.banner import describe_worker
from jtc.cli.discovery import Discovery, discover
from jtc.cli.due_task import DueTask
from jtc.cli.errors import NoServer, ServerRefused
from jtc.cli.output import say, warn
from jtc.cli.stopping import stop_at_sigterm
from jtc.jobs import known_jobs
from jtc.providers import QueueProvider
from jtc.queue import mask_url
from jtc.queue.embedded import EmbeddedServer
from jtc.schedule import ScheduleRegistry


def run_worker(
    *,
    queue: str | None = None,
    redis: str | None = None,
    concurrency: int | None = None,
    apps: tuple[str, ...] = (),
    embedded: bool = False,
    burst: bool = False,
) -> None:
    """Work until a signal comes; what is not given comes from the settings.

    Args:
        queue: The queue's name.
        redis: The server's URL.
        concurrency: Jobs at once.
        apps: The modules to import.
        embedded: Whether to start a server of our own; its URL is used.
        burst: Whether to end when the queue is empty.

    Raises:
        NoServer: No server answers.
        ServerRefused: A server answers and turns us away.
        DiscoveryError: A module is missing or cannot be imported.
        QueueError: A setting or the server is unfit.
    """
    own_server = EmbeddedServer() if embedded else nullcontext()
    with stop_at_sigterm(), own_server as server:
        url = redis if server is None else server.url
        _run(QueueProvider(url, queue, concurrency), apps, burst=burst)
    say("Stopped.")


def _run(provider: QueueProvider, apps: tuple[str, ...], *, burst: bool) -> None:
    with asyncio.Runner() as runner:
        runner.run(_check_server(provider))
        # Not inside the loop: a module may call asyncio.run when it is imported.
        discovery = discover(apps)
        runner.run(_work(provider, discovery, burst=burst))


async def _check_server(provider: QueueProvider) -> None:
    if not await provider.check_redis_connection():
        error = ServerRefused if provider.was_refused else NoServer
        raise error(mask_url(provider.redis_url), str(provider.connection_error))


async def _work(provider: QueueProvider, discovery: Discovery, *, burst: bool) -> None:
    await provider.initialize()
    try:
        worker = provider.get_worker(burst=burst)
        await _introduce(provider, discovery)
        await worker.start()
    finally:
        await provider.close()


async def _introduce(provider: QueueProvider, discovery: Discovery) -> None:
    now = datetime.now(UTC)
    tasks = [
        DueTask.at(task.in_timezone(provider.timezone), now)
        for task in ScheduleRegistry.get_all()
    ]
    jobs = sorted(known_jobs.get_all())
    server = await provider.server_info()
    text = describe_worker(
        provider, server=server, discovery=discovery, tasks=tasks, jobs=jobs
    )
    say(text)
    if not tasks and not jobs:
        places = "".join(f"\n  {place}" for place in discovery.places)
        warn(f"No scheduled tasks and no job classes found. Looked at:{places}")
