from __future__ import annotations

import logging
import threading

from redis.exceptions import RedisError

from jtc.queue import claims
from jtc.queue.client import open_blocking_twin
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.scripts import script_source

logger = logging.getLogger(__name__)

RENEW_EVERY = 5.0


class Lease:
    """A worker's proof of life, renewed from a thread.

    A job that blocks the event loop does not stop the thread, so its worker does not
    look dead; a process that is killed or frozen does.

    Args:
        queue: The queue whose workers look for the lease.
        worker: The worker's id.
    """

    def __init__(self, queue: RedisQueue, worker: str) -> None:
        self._keys = [queue.keys.workers]
        self._worker = worker
        self._client = open_blocking_twin(queue.redis)
        self._renew = self._client.register_script(script_source("renew"))
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._keep_renewing, name="jtc-lease", daemon=True
        )

    def start(self) -> None:
        """Start renewing every five seconds; the first renewal is the caller's."""
        self._thread.start()

    def stop(self) -> None:
        """Stop renewing and close the thread's connection."""
        self._stop.set()
        self._thread.join(timeout=1.0)

    def _keep_renewing(self) -> None:
        while not self._stop.wait(RENEW_EVERY):
            try:
                args: list[str | int] = [self._worker, claims.LEASE_MS]
                held = self._renew(keys=self._keys, args=args)
            except (RedisError, OSError) as error:
                # The worker's own calls fail too and say so.
                logger.debug("The lease was not renewed: %s", error)
                continue
            if not held:
                logger.warning(
                    "The lease of worker %s had run out: the process stood still. Jobs "
                    "it was running may have been given to other workers.",
                    self._worker,
                    extra={"action": "lease_lapsed"},
                )
        self._client.close()
