from __future__ import annotations

import logging
import random
import time

from redis.exceptions import (
    BusyLoadingError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)

logger = logging.getLogger(__name__)

LONGEST_DELAY = 5.0

_AWAY = (
    RedisConnectionError,
    RedisTimeoutError,
    BusyLoadingError,
    ReadOnlyError,
    OutOfMemoryError,
    OSError,
)
_AWAY_PREFIXES = (
    "LOADING",
    "READONLY",
    "OOM",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "TRYAGAIN",
    "NOREPLICAS",
    "MISCONF",
    "BUSY",
    "UNBLOCKED",
)


def is_outage(error: BaseException) -> bool:
    """Tell whether `error` means a server that is away, full or not ready yet."""
    if isinstance(error, _AWAY):
        return True
    return isinstance(error, ResponseError) and any(
        prefix in str(error) for prefix in _AWAY_PREFIXES
    )


class Outage:
    """Whether the server is away: one warning, and one line when it is back.

    All loops of a worker share one, so that ten of them that fail log once.
    """

    def __init__(self) -> None:
        self._since: float | None = None

    @property
    def is_on(self) -> bool:
        """Whether the last thing heard of the server was an error."""
        return self._since is not None

    def began(self, error: BaseException) -> None:
        """Note an error; the first of an outage is logged."""
        if self._since is None:
            self._since = time.monotonic()
            logger.warning(
                "Redis is away (%s). Waiting for it; running jobs go on.",
                str(error) or type(error).__name__,
                extra={"action": "redis_away"},
            )

    def ended(self) -> None:
        """Note a success; the first after an outage is logged."""
        if self._since is not None:
            away = time.monotonic() - self._since
            self._since = None
            logger.info(
                "Redis is back after %.1f s.", away, extra={"action": "redis_back"}
            )


def backoff(failures: int) -> float:
    """Return how many seconds to wait after `failures` errors in a row.

    Doubles from a tenth of a second up to five seconds; the jitter keeps the workers of
    a fleet from coming back all at once.
    """
    full = min(LONGEST_DELAY, 0.1 * 2.0 ** min(failures - 1, 10))
    return full * random.uniform(0.5, 1.0)  # noqa: S311 - not a secret
