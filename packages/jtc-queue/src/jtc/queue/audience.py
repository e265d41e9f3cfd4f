from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from jtc.queue.events import Event

Listener = Callable[..., Any]


class Audience:
    """Who listens to which kinds of events; may be used from several threads.

    Attributes:
        is_empty: Whether nobody listens to anything.
    """

    def __init__(self) -> None:
        self.is_empty = True
        self._changing = threading.Lock()
        self._pairs: tuple[tuple[Listener, tuple[type[Event], ...]], ...] = ()
        # By the class of an event. A new one for each change, so that whoever has read
        # the pairs before does not note what is not true any more.
        self._of: dict[type[Event], tuple[Listener, ...]] = {}

    def add(self, listener: Listener, kinds: tuple[type[Event], ...]) -> None:
        """Let a listener hear these kinds, beside those it hears already."""
        with self._changing:
            before = [kinds for one, kinds in self._pairs if one == listener]
            all_kinds = tuple(kind for many in (*before, kinds) for kind in many)
            self._pairs = (*self._without(listener), (listener, all_kinds))
            self._of = {}
            self.is_empty = False

    def remove(self, listener: Listener) -> None:
        """Let a listener hear nothing more."""
        with self._changing:
            self._pairs = self._without(listener)
            self._of = {}
            self.is_empty = not self._pairs

    def of(self, kind: type[Event]) -> tuple[Listener, ...]:
        """Return who hears events of this kind."""
        known = self._of
        found = known.get(kind)
        if found is None:
            pairs = self._pairs
            found = tuple(one for one, kinds in pairs if issubclass(kind, kinds))
            known[kind] = found
        return found

    def _without(
        self, listener: Listener
    ) -> tuple[tuple[Listener, tuple[type[Event], ...]], ...]:
        return tuple(pair for pair in self._pairs if pair[0] != listener)
