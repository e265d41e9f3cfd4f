from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from jtc.queue.errors import InvalidFilter
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.scripts import Argument, script_source

FAR = 10_000
"""How far into a list is looked for the id at which a page ended."""
MOST = 500
"""How many a page may have."""
# Valkey writes some scores of today as 1.7953662843504741e+9.
_NUMBER = r"[0-9]{1,12}(?:\.[0-9]{1,20}(?:e\+[0-9])?)?"
_CURSOR = re.compile(rf"({_NUMBER}):(.+)", re.DOTALL)


class Place(NamedTuple):
    """Where an id stands: at which index of a list, or with which score in a set."""

    number: str
    job_id: str
    said: bytes = b""

    @property
    def cursor(self) -> str:
        """Its text, for whoever asks for what comes behind it."""
        return f"{self.number}:{self.job_id}"


BEGINNING = Place("", "")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Places that follow one another.

    Attributes:
        places: The places.
        total: How many there are, these and all others.
        is_last: Whether none follow.
    """

    places: Sequence[Place]
    total: int
    is_last: bool


class Places(Protocol):
    """The ids of a queue's jobs in some order."""

    async def after(self, place: Place, count: int) -> Stretch:
        """Return up to `count` places behind one that was met."""


class ListPlaces:
    """The ids in a list, the head first.

    Args:
        queue: The queue.
        key: The list.
    """

    def __init__(self, queue: RedisQueue, key: str) -> None:
        self._key = key
        self._page = queue.redis.register_script(script_source("list_page"))

    async def after(self, place: Place, count: int) -> Stretch:
        """Return up to `count` places behind one that was met."""
        args: list[Argument] = [place.job_id, int(float(place.number or 0)), count, FAR]
        total, start, *ids = await self._page(keys=[self._key], args=args)
        places = [Place(str(start + n), id_.decode()) for n, id_ in enumerate(ids)]
        return Stretch(places, total, start + len(places) >= total)


class SortedPlaces:
    """The ids in a sorted set.

    Args:
        queue: The queue.
        key: The set.
        above: The score above which they count, in the server's form.
        is_reverse: Whether the highest score comes first.
        said: A hash that has something to say of the ids, if that is wanted.
    """

    def __init__(
        self,
        queue: RedisQueue,
        key: str,
        *,
        above: str = "-inf",
        is_reverse: bool = False,
        said: str | None = None,
    ) -> None:
        self._keys = [key] if said is None else [key, said]
        self._order: list[Argument] = [above, int(is_reverse)]
        self._page = queue.redis.register_script(script_source("sorted_page"))

    async def after(self, place: Place, count: int) -> Stretch:
        """Return up to `count` places behind one that was met, or from a score on."""
        args: list[Argument] = [*self._order, count, place.number, place.job_id]
        total, start, *flat = await self._page(keys=self._keys, args=args)
        found = zip(flat[1::3], flat[::3], flat[2::3], strict=True)
        places = [Place(score.decode(), i.decode(), said) for score, i, said in found]
        return Stretch(places, total, start + len(places) >= total)


def read_cursor(cursor: str | None) -> Place:
    """Return the place that a cursor stands for.

    Raises:
        InvalidFilter: It stands for none.

    Example:
        >>> read_cursor("1772355600.5:saq:job:default:a").job_id
        'saq:job:default:a'
        >>> read_cursor("1.7953662843504741e+9:saq:job:default:a").number
        '1.7953662843504741e+9'
    """
    if cursor is None:
        return BEGINNING
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise InvalidFilter("cursor", cursor, "what the page before said is next")
    return Place(found[1], found[2])


def check_size(size: int) -> None:
    """Refuse a size that no page has.

    Raises:
        InvalidFilter: It is none.
    """
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= MOST:
        raise InvalidFilter("size", size, f"a whole number from 1 to {MOST}")
