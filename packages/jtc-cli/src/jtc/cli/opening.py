from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from jtc.cli.errors import NoServer, ServerRefused, SeveralQueues
from jtc.cli.place import Place
from jtc.providers import QueueProvider
from jtc.queue import RedisQueue, mask_url, open_client

# Seconds for commands that can do without a server: nobody should wait for none.
GLANCE = 2.0


@asynccontextmanager
async def open_queue(
    place: Place, *, patience: float | None = None
) -> AsyncIterator[RedisQueue]:
    """Open the queue for as long as the block takes.

    Args:
        place: Which queue, and where.
        patience: Seconds that the server has to answer; else as long as a worker waits.

    Raises:
        NoServer: No server answers.
        ServerRefused: A server answers and turns us away.
        SeveralQueues: The settings name several.
        QueueError: A setting is unfit.
    """
    async with open_queues(place, patience=patience, at_most_one=True) as queues:
        yield queues[0]


@asynccontextmanager
async def open_queues(
    place: Place, *, patience: float | None = None, at_most_one: bool = False
) -> AsyncIterator[Sequence[RedisQueue]]:
    """Open all queues that are meant, on one connection, the first one first.

    Args:
        place: Which queues, and where.
        patience: As for `open_queue`.
        at_most_one: Whether several are too many.

    Raises:
        NoServer: No server answers.
        ServerRefused: A server answers and turns us away.
        SeveralQueues: The settings name several, and that is too many.
        QueueError: A setting is unfit.
    """
    provider = QueueProvider(place.redis, place.queue)
    if at_most_one and len(provider.queues.names) > 1:
        raise SeveralQueues(provider.queues.names)
    await _check(provider, patience)
    client = open_client(provider.redis_url)
    try:
        yield [RedisQueue(client, name=name) for name in provider.queues.names]
    finally:
        await client.aclose()


async def _check(provider: QueueProvider, patience: float | None) -> None:
    url = mask_url(provider.redis_url)
    try:
        async with asyncio.timeout(patience):
            answers = await provider.check_redis_connection()
    except TimeoutError:
        raise NoServer(url, f"no answer within {patience:g} s") from None
    if not answers:
        error = ServerRefused if provider.was_refused else NoServer
        raise error(url, str(provider.connection_error))
