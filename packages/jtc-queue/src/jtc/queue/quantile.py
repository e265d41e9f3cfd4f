from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate


def quantile(
    share: float, counts: Sequence[int], bounds: Sequence[float]
) -> float | None:
    """Return about how large the part `share` of some numbers is at the most.

    Inside of a bucket they are taken to lie evenly.

    Args:
        share: From 0 to 1.
        counts: How many lie in each bucket; the last one is of what lies above.
        bounds: The upper end of each bucket but the last.

    Returns:
        None when there are no numbers; the last of `bounds` for what lies above it.

    Example:
        >>> quantile(0.5, [0, 10, 0], [1.0, 2.0]), quantile(0.5, [0, 0, 3], [1.0, 2.0])
        (1.5, 2.0)
    """
    rank = share * sum(counts)
    lower = 0.0
    for upper, count, total in zip(bounds, counts, accumulate(counts), strict=False):
        if count and total >= rank:
            return upper - (total - rank) / count * (upper - lower)
        lower = upper
    return bounds[-1] if any(counts) else None
