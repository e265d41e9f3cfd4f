from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

OnProgress = Callable[[int, int], object]
"""What is told how many are done, and of how many."""


def in_groups(
    items: Sequence[T], size: int, on_progress: OnProgress | None = None
) -> Iterator[Sequence[T]]:
    """Cut a sequence into pieces that one call can carry.

    Args:
        items: The sequence.
        size: How many items a piece has.
        on_progress: Is told of a piece when the next one is asked for.

    Example:
        >>> list(in_groups("abcde", 2))
        ['ab', 'cd', 'e']
    """
    for start in range(0, len(items), size):
        yield items[start : start + size]
        if on_progress is not None:
            on_progress(min(start + size, len(items)), len(items))
