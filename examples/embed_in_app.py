"""A worker inside a program of one's own, without the command line.

REDIS_URL=redis://localhost:6379 python examples/embed_in_app.py
"""

from __future__ import annotations

import asyncio
import sys

from jtc.jobs import Job
from jtc.providers import QueueProvider
from jtc.queue import mask_url
from jtc.schedule import Schedule

ticked = asyncio.Event()


@Schedule.every(1)
async def refresh_cache(ctx):
    """Keep the program's cache warm."""
    print(f"The cache is fresh as of {ctx['tick'].nominal:%H:%M:%S}.")
    ticked.set()


class ResizeImage(Job):
    path: str
    width: int = 640

    async def handle(self) -> str:
        return f"{self.path} at {self.width} pixels"


async def main() -> None:
    # A queue of its own: other workers on the same server do not know these jobs.
    # What is not given comes from REDIS_URL and the other settings.
    provider = QueueProvider(queue_name="embed-in-app", concurrency=4)
    if not await provider.check_redis_connection():
        url = mask_url(provider.redis_url)
        sys.exit(f"No server at {url}: {provider.connection_error}")
    await provider.initialize()
    worker = provider.get_worker()
    # start() returns when the worker has stopped, so it gets a task beside the program.
    working = asyncio.create_task(worker.start())
    try:
        image = await ResizeImage.dispatch(path="cat.jpg")
        print("Resized", await image.result(timeout=30))
        await asyncio.wait_for(ticked.wait(), timeout=30)
    finally:
        await worker.stop()
        await working
        await provider.close()
    print("Done.")


if __name__ == "__main__":
    asyncio.run(main())
