from __future__ import annotations

import logging
import threading
import time

from redis.exceptions import RedisError

from jtc.queue.claims import Claims
from jtc.queue.client import open_blocking_twin
from jtc.queue.lease_time import lease_arguments
from jtc.queue.scripts import script_source
from jtc.queue.threads import any_job_thread_runs

logger = logging.getLogger(__name__)

RENEW_EVERY = 5.0
"""Seconds between two renewals by the event loop."""
RETRY = 0.2
"""After what part of that a renewal is tried again that failed in an outage."""
LATE = 1.05
"""By how many times that the event loop may be late."""


class Lease:
    """A worker's proof of life, renewed from a thread when the event loop does not.

    The worker renews it with its upkeep. A job that blocks the event loop stops that,
    but not the thread, so its worker does not look dead; a process that is killed or
    frozen does.

    Args:
        claims: The holds that the lease protects.
    """

    def __init__(self, claims: Claims) -> None:
        self._claims = claims
        self._keys = [claims.queue.keys.workers, claims.queue.keys.claims]
        self._client = open_blocking_twin(claims.queue.redis)
        self._renew = self._client.register_script(script_source("recover"))
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._keep_renewing, name="jtc-lease", daemon=True
        )

    def start(self) -> None:
        """Start watching over the lease; the first renewal is the caller's."""
        self._thread.start()

    def stop(self) -> None:
        """Stop renewing once no job runs in a thread of this process any more.

        Such a job cannot be stopped. For as long as it runs, nobody may take it over.
        """
        self._stop.set()
        if not any_job_thread_runs():
            self._thread.join(timeout=1.0)

    def _keep_renewing(self) -> None:
        while not self._stop.wait(self._patience()) or self._lingers():
            if self._patience() > 0:
                continue
            try:
                self._renew_now()
            except (RedisError, OSError) as error:
                # The worker's own calls fail too and say so.
                logger.debug(
                    "The lease was not renewed: %s",
                    error,
                    extra={"action": "lease_not_renewed"},
                )
                self._claims.could_not_renew = True
                self._stop.wait(RENEW_EVERY * RETRY)
        self._client.close()

    def _patience(self) -> float:
        """Return the seconds for which the event loop may still leave it to itself."""
        return self._claims.renewed + RENEW_EVERY * LATE - time.monotonic()

    def _renew_now(self) -> None:
        asked = time.monotonic()
        args = [*lease_arguments(self._claims.worker), "", 0, 0]
        had, _, _ = self._renew(keys=self._keys, args=args)
        self._claims.note_renewal(asked, had=bool(had))

    def _lingers(self) -> bool:
        if not any_job_thread_runs():
            return False
        # The event that ends the wait is set already.
        time.sleep(min(1.0, RENEW_EVERY))
        return True
