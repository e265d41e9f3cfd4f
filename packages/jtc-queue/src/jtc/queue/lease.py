from __future__ import annotations

import logging
import threading
import time

from redis.exceptions import RedisError

from jtc.queue import claims
from jtc.queue.client import open_blocking_twin
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.scripts import script_source
from jtc.queue.threads import any_job_thread_runs

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
        """Stop renewing once no job runs in a thread of this process any more.

        Such a job cannot be stopped. For as long as it runs, nobody may take it over.
        """
        self._stop.set()
        if not any_job_thread_runs():
            self._thread.join(timeout=1.0)

    def _keep_renewing(self) -> None:
        was_away = False
        while not self._stop.wait(RENEW_EVERY) or self._lingers():
            try:
                args: list[str | int] = [self._worker, claims.LEASE_MS]
                held = self._renew(keys=self._keys, args=args)
            except (RedisError, OSError) as error:
                # The worker's own calls fail too and say so.
                logger.debug("The lease was not renewed: %s", error)
                was_away = True
                continue
            if not held and not was_away:
                logger.warning(
                    "The lease of worker %s had run out: the process stood still. Jobs "
                    "it was running may have been given to other workers.",
                    self._worker,
                    extra={"action": "lease_lapsed"},
                )
            was_away = False
        self._client.close()

    def _lingers(self) -> bool:
        if not any_job_thread_runs():
            return False
        # The event that ends the wait is set already.
        time.sleep(min(1.0, RENEW_EVERY))
        return True
