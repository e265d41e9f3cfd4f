from __future__ import annotations

import asyncio
import itertools
import sys

from jtc.cli.output import say
from jtc.cli.own_server import own_server
from jtc.cli.stopping import stop_at_sigterm
from jtc.cli.supervisor import Supervisor
from jtc.cli.worker_options import ProcessOrder, WorkerOptions
from jtc.cli.worker_process import WorkerProcess


def run_worker_processes(
    options: WorkerOptions, *, processes: int, log_level: str, embedded: bool = False
) -> None:
    """Keep worker processes running until a signal comes.

    This process imports neither the queue nor the user's modules.

    Args:
        options: What the command line says of each worker.
        processes: How many there are to be.
        log_level: The lowest level that they show.
        embedded: Whether to start a server of our own; its URL is used.

    Raises:
        SystemExit: The first could not start, or one did not end well.
        QueueError: The embedded server is not to be had.
    """
    status = 0
    with stop_at_sigterm(), own_server(options, embedded=embedded) as served:
        launches = itertools.count()

        async def start(number: int) -> WorkerProcess:
            is_first = next(launches) == 0
            return await WorkerProcess.start(
                ProcessOrder(number, processes, is_first, log_level, served)
            )

        async def supervise() -> int:
            burst = served.burst
            return await Supervisor(start, processes=processes, burst=burst).run()

        status = asyncio.run(supervise())
    if status:
        sys.exit(status)
    say("Stopped.")
