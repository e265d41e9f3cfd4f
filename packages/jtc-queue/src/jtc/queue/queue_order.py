from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from jtc.queue.errors import InvalidQueueOrder
from jtc.queue.keys import QueueKeys

HOME = "default"
HIGHEST_WEIGHT = 1000
DIGITS = 4
_HALF_WEIGHED = "some queues have a weight and some have none"


@dataclass(frozen=True, slots=True)
class Deal:
    """How a worker's free slots are dealt out among its queues.

    Attributes:
        shares: Queues in the order in which to ask them, and how many jobs to take from
            each at the most.
        credit: What each queue has left of this turn; goes into the next deal.
    """

    shares: tuple[tuple[str, int], ...]
    credit: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QueueOrder:
    """The queues of a worker, and which of them comes first.

    Without weights the order is strict: a queue gets what those before it leave. With
    weights, each gets its share of the claims while all of them are full, and all of
    them while it is the only one with work.

    Attributes:
        names: The queues, the first one first.
        weights: A weight for each queue; empty if the order is strict.

    Raises:
        InvalidQueueName: A name would not be safe inside a key.
        InvalidQueueOrder: No name, one name twice, or weights that do not fit.

    Example:
        >>> QueueOrder(("high", "default")).deal(10, ["high", "default"]).shares
        (('high', 10), ('default', 10))
        >>> QueueOrder(("a", "b"), (3, 1)).deal(8, ["a", "b"]).shares
        (('a', 6), ('b', 2))
    """

    names: tuple[str, ...]
    weights: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.names:
            raise InvalidQueueOrder("", "there is no name in it")
        for name in self.names:
            QueueKeys(name)
        if len(set(self.names)) < len(self.names):
            raise InvalidQueueOrder(str(self), "it names a queue twice")
        if self.weights and len(self.weights) != len(self.names):
            raise InvalidQueueOrder(str(self), _HALF_WEIGHED)
        for name, weight in zip(self.names, self.weights, strict=False):
            _check_weight(weight, name, str(self))

    @classmethod
    def parse(cls, text: str) -> QueueOrder:
        """Read names that are separated by commas, each with its weight or none.

        Raises:
            InvalidQueueName: A name would not be safe inside a key.
            InvalidQueueOrder: The text cannot be understood; the message says why.

        Example:
            >>> QueueOrder.parse("high, default").names
            ('high', 'default')
            >>> QueueOrder.parse("high=3,default=1").weights
            (3, 1)
        """
        pairs = [part.partition("=") for part in text.split(",")]
        names = tuple(name.strip() for name, _, _ in pairs)
        if "" in names:
            raise InvalidQueueOrder(text, "a name is missing")
        weights = tuple(
            _read_weight(weight.strip(), name, text)
            for name, (_, sign, weight) in zip(names, pairs, strict=True)
            if sign
        )
        if weights and len(weights) < len(names):
            raise InvalidQueueOrder(text, _HALF_WEIGHED)
        return cls(names, weights)

    @property
    def home(self) -> str:
        """Where a job goes that names no queue: `default` if it is here, or the first.

        Example:
            >>> QueueOrder.parse("high,default").home, QueueOrder.parse("a,b").home
            ('default', 'a')
        """
        return HOME if HOME in self.names else self.names[0]

    def deal(
        self, free: int, ready: Collection[str], credit: Mapping[str, int] | None = None
    ) -> Deal:
        """Deal out free slots.

        Args:
            free: How many slots there are.
            ready: The queues that may hold jobs.
            credit: From the deal before; nothing for the first.

        Returns:
            The shares. In strict order each is all that is free, so it is for the
            caller to stop once the slots are taken.
        """
        if not self.weights:
            return Deal(tuple((name, free) for name in self.names if name in ready))
        shares = {name: 0 for name in self.names if name in ready}
        left = dict(credit or {})
        while shares and free > 0:
            if not any(left.get(name) for name in shares):
                left = self._turn()
            for name in shares:
                share = min(left[name], free)
                shares[name] += share
                left[name] -= share
                free -= share
        return Deal(tuple((name, n) for name, n in shares.items() if n), left)

    def __str__(self) -> str:
        if len(self.weights) != len(self.names):
            return ",".join(self.names)
        pairs = zip(self.names, self.weights, strict=True)
        return ",".join(f"{name}={weight}" for name, weight in pairs)

    def _turn(self) -> dict[str, int]:
        # 300 and 100 are 3 and 1, which take turns more often.
        divisor = math.gcd(*self.weights)
        weights = (weight // divisor for weight in self.weights)
        return dict(zip(self.names, weights, strict=True))


def _read_weight(text: str, name: str, source: str) -> int:
    is_short_number = text.isascii() and text.isdecimal() and len(text) <= DIGITS
    return _check_weight(int(text) if is_short_number else text, name, source)


def _check_weight(weight: object, name: str, source: str) -> int:
    if (
        isinstance(weight, int)
        and not isinstance(weight, bool)
        and 1 <= weight <= HIGHEST_WEIGHT
    ):
        return weight
    raise InvalidQueueOrder(
        source,
        f"the weight of {name} is {weight!r} and has to be a whole number from 1 to "
        f"{HIGHEST_WEIGHT}",
    )
