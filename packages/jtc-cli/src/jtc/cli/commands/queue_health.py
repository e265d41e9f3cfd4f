from __future__ import annotations

import asyncio
import socket

from redis.exceptions import RedisError

from jtc.cli.json_form import json_form
from jtc.cli.output import print_json, print_text
from jtc.cli.place import Place
from jtc.queue.client import mask_url, open_client
from jtc.queue.health import Health, read_health
from jtc.queue.settings import load_settings

PATIENCE = 2.0
"""Seconds that the server has to answer."""


def show_health(place: Place, *, worker: str | None, here: bool, as_json: bool) -> bool:
    """Say in one line whether each queue that is meant is worked on.

    Returns:
        Whether all are.

    Raises:
        QueueError: A setting is unfit.
    """
    host = socket.gethostname() if here else None
    health = asyncio.run(_ask(place, worker=worker, host=host))
    if as_json:
        print_json(json_form(health))
    else:
        print_text(
            f"{'Healthy' if health.is_healthy else 'Unhealthy'}: {health.reason}."
        )
    return health.is_healthy


async def _ask(place: Place, *, worker: str | None, host: str | None) -> Health:
    # Not by way of the provider, which also asks what the server is, nor by the whole
    # of jtc.queue: a probe runs again and again, and nearly all its time is imports.
    settings = load_settings(redis_url=place.redis, queue_name=place.queue)
    client = open_client(settings.redis_url)
    try:
        async with asyncio.timeout(PATIENCE):
            found = [
                await read_health(client, name, worker=worker, host=host)
                for name in settings.queues.names
            ]
    except (RedisError, OSError, TimeoutError) as error:
        # The line ends with a full stop of its own.
        why = str(error).rstrip(".") or f"no answer within {PATIENCE:g} s"
        where = mask_url(settings.redis_url)
        return Health(is_healthy=False, reason=f"no server at {where}: {why}")
    finally:
        await client.aclose()
    bad = [health for health in found if not health.is_healthy]
    return Health(
        is_healthy=not bad,
        reason="; ".join(health.reason for health in bad or found),
        workers=tuple(dict.fromkeys(name for one in found for name in one.workers)),
    )
