from __future__ import annotations

import logging
import random
import time
from collections.abc import Hashable
from math import inf
from weakref import WeakKeyDictionary

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

from jtc.queue.events import RedisAway, RedisBack
from jtc.queue.listeners import announce

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

    All loops and queues of a worker share one, so that ten that fail log once.

    Attributes:
        count: How many outages there were.
    """

    def __init__(self) -> None:
        self.count = 0
        self._since: float | None = None
        self._refused: set[Hashable] = set()
        self._heard = 0.0

    @property
    def is_on(self) -> bool:
        """Whether the server is away, or refuses a step that it has refused before."""
        return self._since is not None

    def began(
        self, error: BaseException, step: Hashable, *, asked: float = inf
    ) -> None:
        """Note that `step` met an error; the first of an outage is logged.

        Args:
            error: What the step raised.
            step: What tells it from others.
            asked: When it began, by `time.monotonic`. An error of a call that is older
                than the last success says nothing about now.
        """
        if asked < self._heard:
            return
        if isinstance(error, ResponseError):
            # A server that is full or a replica answers, and takes what writes nothing.
            self._refused.add(step)
        else:
            self._refused.clear()
        if self._since is None:
            self.count += 1
            self._since = time.monotonic()
            logger.warning(
                "Redis is away (%s). Waiting for it; running jobs go on.",
                str(error) or type(error).__name__,
                extra={"action": "redis_away"},
            )
            announce(RedisAway(error=str(error) or type(error).__name__))

    def ended(self, step: Hashable, *, asked: float = inf) -> None:
        """Note the success of `step`; the one that ends an outage is logged.

        Args:
            step: What tells it from others.
            asked: When it began, by `time.monotonic`. The reply to a call that is older
                than the outage may have been on its way already.
        """
        if self._since is not None and asked < self._since:
            return
        self._heard = time.monotonic()
        self._refused.discard(step)
        if self._since is not None and not self._refused:
            away = time.monotonic() - self._since
            self._since = None
            logger.info(
                "Redis is back after %.1f s.", away, extra={"action": "redis_back"}
            )
            announce(RedisBack(seconds=away))


# Whatever reaches a server by one client loses it at the same time.
_outages: WeakKeyDictionary[object, Outage] = WeakKeyDictionary()


def outage_of(client: object) -> Outage:
    """Return what is known of the server that `client` reaches."""
    return _outages.setdefault(client, Outage())


def backoff(failures: int) -> float:
    """Return how many seconds to wait after `failures` errors in a row.

    Doubles from a tenth of a second up to five seconds; the jitter keeps the workers of
    a fleet from coming back all at once.
    """
    full = min(LONGEST_DELAY, 0.1 * 2.0 ** min(failures - 1, 10))
    return full * random.uniform(0.5, 1.0)  # noqa: S311 - not a secret
