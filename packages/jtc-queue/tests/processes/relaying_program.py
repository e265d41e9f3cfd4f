"""Relays an outbox until it has been empty once.

python relaying_program.py REDIS_URL DATABASE_URL
"""

from __future__ import annotations

import asyncio
import sys

from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import create_async_engine

from jtc.jobs import JobManager
from jtc.outbox import Outbox


async def main(redis_url: str, database_url: str) -> None:
    JobManager.initialize(redis_url, "shop")
    outbox = Outbox(MetaData())
    engine = create_async_engine(database_url)
    # So that all of them begin at the same moment.
    print("ready", flush=True)
    sys.stdin.readline()
    print(await outbox.relay(engine))
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
