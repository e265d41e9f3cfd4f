"""`scripts/admit.lua` with a clock of its own, against what a rate limit has to be."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from jtc.queue.embedded import EmbeddedServer
from jtc.queue.scripts import script_source

CLOCK = "redis.call('TIME')"
# Keys expire by the real clock: these windows are longer than a test.
UNIT = 1000.0
EPOCH = 1_772_355_600


@pytest.fixture(scope="module")
def client(server: EmbeddedServer) -> Any:
    with Redis.from_url(server.url) as client:
        yield client


@dataclass
class Limit:
    """One limit, asked at the times that a test says: seconds from `EPOCH`."""

    client: Any
    count: int
    window: float
    starts: list[int] = field(default_factory=list)
    name: int = field(default_factory=itertools.count().__next__)

    def __post_init__(self) -> None:
        self.client.delete(*self.keys)

    @property
    def keys(self) -> list[str]:
        return [f"admit:{self.name}:starts", f"admit:{self.name}:line"]

    def ask(self, job: object, now: float, *, waits: bool = True) -> float:
        """Return the seconds until the job's turn; below 0 without any."""
        text = script_source("admit")
        assert text.count(CLOCK) == 1
        moment = _micro(EPOCH + now)
        reply: Any = self.client.eval(
            text.replace(CLOCK, "{ARGV[5], ARGV[6]}"),
            2,
            *self.keys,
            f"job-{job}",
            self.count,
            _micro(self.window),
            int(waits),
            *divmod(moment, 1_000_000),
        )
        if reply == 0:
            self.starts.append(moment)
        return int(reply) / 1000


def _micro(seconds: float) -> int:
    return round(seconds * 1_000_000)


def most_in_any_window(limit: Limit) -> int:
    window = _micro(limit.window)
    return max(
        sum(first <= start < first + window for start in limit.starts)
        for first in limit.starts
    )


def greedy(arrivals: list[float], count: int, window: float) -> list[float]:
    """When jobs start at the earliest: in the order in which they came."""
    starts: list[float] = []
    for arrival in arrivals:
        follows = starts[-count] + window if len(starts) >= count else arrival
        starts.append(max(arrival, follows))
    return starts


def play(
    limit: Limit, arrivals: list[float], lateness: Callable[[int], float | None]
) -> list[tuple[int, int, float]]:
    """Let each job come, and come back when it was told to, or later, or never.

    Returns:
        Job, how often it asked, and when it started.
    """
    coming = [(at, n, 1) for n, at in enumerate(arrivals)]
    heapq.heapify(coming)
    done = []
    while coming:
        now, job, asked = heapq.heappop(coming)
        wait = limit.ask(job, now)
        if wait == 0:
            done.append((job, asked, now))
        elif (late := lateness(asked)) is not None:
            assert wait > 0
            heapq.heappush(coming, (now + wait + late, job, asked + 1))
    return done


counts = st.integers(1, 4)
windows = st.integers(1, 9).map(lambda n: n * UNIT)
gaps = st.lists(st.sampled_from([0, 0, 0.25, 1, 3, 20]), min_size=1, max_size=25)


def times(gaps: list[float]) -> list[float]:
    return [UNIT * at for at in itertools.accumulate(gaps)]


@given(counts, windows, gaps)
@settings(max_examples=150)
def test_jobs_that_come_when_they_are_told_ask_twice_at_the_most_and_lose_no_time(
    client: Redis, count: int, window: float, gaps: list[float]
) -> None:
    limit, arrivals = Limit(client, count, window), times(gaps)

    done = play(limit, arrivals, lambda asked: 0.0)

    assert all(asked <= 2 for _, asked, _ in done)
    started = {job: at for job, _, at in done}
    assert sorted(started) == list(range(len(arrivals)))
    assert sorted(started.values()) == pytest.approx(greedy(arrivals, count, window))


@given(counts, windows, gaps, st.data())
@settings(max_examples=100)
def test_the_limit_holds_however_late_jobs_come_back_and_each_gets_its_turn(
    client: Redis, count: int, window: float, gaps: list[float], data: st.DataObject
) -> None:
    limit, arrivals = Limit(client, count, window), times(gaps)
    lates = st.sampled_from([0.0, 0.001, 0.02, 2.0, 4.9, 7.0, 0.5 * UNIT, 30 * UNIT])
    gone: set[int] = set()

    def lateness(asked: int) -> float | None:
        if asked > 3:
            return 0.0
        if data.draw(st.integers(0, 9)) == 0:
            gone.add(len(gone))
            return None
        return data.draw(lates)

    done = play(limit, arrivals, lateness)

    assert not limit.starts or most_in_any_window(limit) <= count
    assert len(done) + len(gone) == len(arrivals)
    assert all(asked <= 5 + len(arrivals) for _, asked, _ in done)


def test_a_start_and_one_a_window_later_are_not_in_one_window(client: Redis) -> None:
    limit = Limit(client, 1, UNIT)
    assert limit.ask("a", 0.5) == 0
    assert limit.ask("b", 0.5 + UNIT - 0.001) == 0.001
    assert limit.ask("b", 0.5 + UNIT) == 0


def test_each_of_those_that_wait_has_a_time_of_its_own(client: Redis) -> None:
    limit = Limit(client, 2, UNIT)
    waits = [limit.ask(job, 100.0 + job) for job in range(6)]
    assert waits == [0, 0, UNIT - 2, UNIT - 2, 2 * UNIT - 4, 2 * UNIT - 4]


def test_who_comes_later_does_not_take_the_turn_of_who_waits(client: Redis) -> None:
    # Given one that waits, and its turn has come
    limit = Limit(client, 1, UNIT)
    limit.ask("a", 0)
    assert limit.ask("b", 1) == UNIT - 1
    # When another one is quicker by a second
    assert limit.ask("c", UNIT) == UNIT
    # Then it has to wait for the next turn
    assert limit.ask("b", UNIT + 1) == 0
    assert limit.ask("c", 2 * UNIT) == 1
    assert limit.ask("c", 2 * UNIT + 1) == 0


def test_the_turn_of_one_that_never_comes_back_goes_to_another(client: Redis) -> None:
    limit = Limit(client, 1, UNIT)
    limit.ask("a", 0)
    limit.ask("canceled", 1)
    assert limit.ask("b", UNIT + 6) == 0


def test_what_does_not_wait_has_no_place_in_the_line(client: Redis) -> None:
    limit = Limit(client, 1, UNIT)
    assert limit.ask("a", 0, waits=False) == 0
    assert limit.ask("b", 1, waits=False) < 0
    assert client.exists(limit.keys[1]) == 0
    assert limit.ask("c", UNIT, waits=False) == 0


def test_a_clock_that_was_set_back_lets_nothing_through(client: Redis) -> None:
    limit = Limit(client, 1, UNIT)
    assert limit.ask("a", 5000) == 0
    assert limit.ask("b", 4000) == 1000 + UNIT


def test_what_it_keeps_is_bounded_and_expires(client: Any) -> None:
    limit = Limit(client, 3, UNIT)
    starts, line = limit.keys
    for job in range(9):
        limit.ask(job, float(job))
    assert (client.llen(starts), client.zcard(line)) == (3, 6)
    assert 0 < client.pttl(starts) <= UNIT * 1000
    assert 0 < client.pttl(line) <= (86_400 + 3 * UNIT) * 1000
    # And those who have started are in the line no more
    for job in range(3, 9):
        limit.ask(job, 10 * UNIT * job)
    assert (client.llen(starts), client.exists(line)) == (1, 0)
