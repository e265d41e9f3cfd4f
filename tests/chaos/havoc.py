from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable

from fleet import Fleet, Process
from server import Server

# A worker that stands still for so many leases keeps its own, or loses it for sure.
SHORT, LONG = (0.05, 0.25), (1.3, 2.5)
AWAY = (0.1, 1.4)
# Server and workers get a while in between, or nothing would ever be done.
SERVER_REST = 1.5
LEAST_AT_WORK = 2
WEIGHTS = {
    "kill worker": 30,
    "freeze worker briefly": 12,
    "freeze worker for long": 16,
    "freeze worker and kill it": 6,
    "stop worker": 10,
    "kill server": 14,
    "restart server": 7,
    "freeze server": 8,
    "pause server": 5,
}


class Havoc:
    """Does damage at random moments, and mends what has to be mended by hand.

    Args:
        server: Killed, stopped, frozen.
        fleet: The same, one worker at a time.
        lease: Seconds a worker's lease lasts: what "long" means.
        chance: Decides what, whom, when and for how long.
    """

    def __init__(
        self, server: Server, fleet: Fleet, *, lease: float, chance: random.Random
    ) -> None:
        self.done: Counter[str] = Counter()
        self._server, self._fleet = server, fleet
        self._lease, self._chance = lease, chance
        self._next = time.monotonic() + lease
        self._mending: list[tuple[float, Callable[[], None]]] = []
        self._brief: set[Process] = set()
        self.server_is_away = False
        self._server_rested = 0.0

    def step(self) -> None:
        """Mend what is due, and break something if it is time to."""
        now = time.monotonic()
        self._mend([m for m in self._mending if m[0] <= now])
        if now < self._next:
            return
        self._next = now + self._lease * self._chance.uniform(0.05, 0.5)
        (what,) = self._chance.choices(list(WEIGHTS), weights=list(WEIGHTS.values()))
        if what.endswith("server"):
            self._break_server(what)
        elif len(self._fleet.at_work) > LEAST_AT_WORK:
            self._break_worker(what, self._chance.choice(self._fleet.at_work))

    def end(self) -> None:
        """Mend everything."""
        self._mend(list(self._mending))

    def _mend(self, due: list[tuple[float, Callable[[], None]]]) -> None:
        for item in due:
            self._mending.remove(item)
            item[1]()

    def _later(self, bounds: tuple[float, float], mend: Callable[[], None]) -> None:
        seconds = self._lease * self._chance.uniform(*bounds)
        self._mending.append((time.monotonic() + seconds, mend))

    def _break_worker(self, what: str, worker: Process) -> None:
        fleet = self._fleet
        if what == "kill worker":
            fleet.kill(worker)
        elif what == "stop worker":
            fleet.stop(worker)
        elif what == "freeze worker for long":
            fleet.freeze(worker)
            self._later(LONG, lambda: fleet.thaw(worker))
        elif what == "freeze worker and kill it":
            fleet.freeze(worker)
            self._later((SHORT[0], LONG[1]), lambda: self._kill_frozen(worker))
        elif self._server_rests():
            # Together with an outage it could cost the lease, and may not.
            return
        else:
            self._freeze_briefly(worker)
        self.done[what] += 1

    def _kill_frozen(self, worker: Process) -> None:
        if worker in self._fleet.workers:
            self._fleet.kill(worker)

    def _freeze_briefly(self, worker: Process) -> None:
        def thaw() -> None:
            self._brief.discard(worker)
            self._fleet.thaw(worker)

        self._brief.add(worker)
        self._fleet.freeze(worker)
        self._later(SHORT, thaw)

    def _break_server(self, what: str) -> None:
        if self._server_rests() or self._brief:
            return
        self.server_is_away = True
        if what == "pause server":
            seconds = self._lease * self._chance.uniform(*SHORT)
            self._server.pause(seconds)
            self._mending.append(
                (time.monotonic() + seconds, lambda: self._bring_back("pause"))
            )
        elif what == "freeze server":
            self._server.freeze()
            self._later(AWAY, lambda: self._bring_back("frozen"))
        else:
            (self._server.kill if what == "kill server" else self._server.stop)()
            self._later(AWAY, lambda: self._bring_back("gone"))
        self.done[what] += 1

    def _bring_back(self, state: str) -> None:
        mend = {
            "pause": self._server.resume,
            "frozen": self._server.thaw,
            "gone": self._server.start,
        }
        mend[state]()
        self.server_is_away = False
        self._server_rested = time.monotonic() + SERVER_REST * self._lease

    def _server_rests(self) -> bool:
        return self.server_is_away or time.monotonic() < self._server_rested
