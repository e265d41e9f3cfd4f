from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from jtc.queue.errors import InvalidFilter
from jtc.queue.redis_queue import RedisQueue

MOST_SORTED = 5000
"""Of how many schedules at the most all names are read, and put in order."""
STEP = 1000
"""How many names one call looks at at the most, where they are more."""
WINDOW = 10_000
"""How many names are looked at for one page then."""
# A name behind which it goes on, or where the server stands in its scan.
_CURSOR = re.compile(r"=(?P<name>.+)|#(?P<scan>[0-9]{1,18})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class NamePage:
    """Some names of schedules; the attributes are those of `SchedulePage`."""

    names: Sequence[str]
    next: str | None
    total: int
    looked_at: int


class ScheduleNames:
    """The names of a queue's schedules, page by page.

    Up to five thousand come in their order. Of more, they come as the server has them:
    then a page costs no more the more there are, and one may come twice while the
    server enlarges its table.

    Args:
        queue: The queue.
    """

    def __init__(self, queue: RedisQueue) -> None:
        self._redis: Any = queue.redis
        self._key = queue.keys.definitions

    async def page(
        self, text: str, cursor: str | None, size: int, *, known: Iterable[str]
    ) -> NamePage:
        """Return a page of the names that hold a text.

        Args:
            text: The text; upper and lower case are the same.
            cursor: `next` of the page before; None for the first one.
            size: How many there are to be at the most; where they come in no order,
                about so many.
            known: Names in this process's code, which workers may not have named yet.

        Raises:
            InvalidFilter: The cursor is none.
        """
        place = _CURSOR.fullmatch("#0" if cursor is None else cursor)
        if place is None:
            raise InvalidFilter("cursor", cursor, "what the page before said is next")
        total = await self._redis.hlen(self._key)
        if total <= MOST_SORTED:
            return await self._sorted(text, place["name"] or "", size, known)
        names = await self._missing(text, known) if cursor is None else []
        scan, looked_at = int(place["scan"] or 0), 0
        while len(names) < size and looked_at < WINDOW:
            step = _step(size, len(names), looked_at)
            looked_at += step
            scan, found = await self._scan(text, scan, step)
            names += [name for name in found if name not in names]
            if not scan:
                return NamePage(names, None, total, looked_at)
        return NamePage(names, f"#{scan}", total, looked_at)

    async def _sorted(
        self, text: str, after: str, size: int, known: Iterable[str]
    ) -> NamePage:
        stored = await self._redis.hkeys(self._key)
        names = sorted({*known, *(name.decode() for name in stored)})
        found = [one for one in names if one > after and _holds(one, text)]
        rest = found[size:]
        cursor = f"={found[size - 1]}" if rest else None
        return NamePage(found[:size], cursor, len(names), len(names))

    async def _missing(self, text: str, known: Iterable[str]) -> list[str]:
        names = sorted(name for name in known if _holds(name, text))
        if not names:
            return []
        stored = await self._redis.hmget(self._key, names)
        return [name for name, one in zip(names, stored, strict=True) if one is None]

    async def _scan(self, text: str, scan: int, step: int) -> tuple[int, list[str]]:
        scan, found = await self._redis.hscan(
            self._key, scan, match=_pattern(text), count=step
        )
        return scan, sorted(name.decode() for name in found)


def _step(size: int, found: int, looked_at: int) -> int:
    """Return how many names to look at, so that about as many fit as are wanted.

    The server cannot go on amid what it has returned in one call.
    """
    expected = (size - found) * looked_at // max(1, found)
    return min(max(expected, size), STEP)


def _holds(name: str, text: str) -> bool:
    return text.casefold() in name.casefold()


def _pattern(text: str) -> str:
    """Return what the server understands of a text, in upper and in lower case."""
    return f"*{''.join(map(_letter, text))}*"


def _letter(letter: str) -> str:
    lower, upper = letter.lower(), letter.upper()
    if lower != upper and letter.isascii():
        return f"[{lower}{upper}]"
    return f"\\{letter}" if letter in "*?[]\\^-" else letter
