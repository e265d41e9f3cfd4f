"""`scripts/throttle.lua` with a clock of its own."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from jtc.queue.embedded import EmbeddedServer
from jtc.queue.scripts import script_source

CLOCK = "redis.call('TIME')"
# Keys expire by the real clock: these times are longer than a test.
WINDOW = 100.0
WAIT = 500.0


class Throttle:
    """Three failures within the window stop everything, at times that a test says."""

    keys = ("throttle:failures", "throttle:stop")

    def __init__(self, client: Any) -> None:
        self.client = client
        client.delete(*self.keys)

    def tell(self, what: str, now: float = 0) -> bool:
        """Say what happened; return whether nothing may begin."""
        text = script_source("throttle")
        assert text.count(CLOCK) == 1
        text = text.replace(CLOCK, "{ARGV[5], ARGV[6]}")
        numbers = [3, round(WINDOW * 1000), round(WAIT * 1000)]
        moment = [1_772_355_600 + int(now), round(now % 1 * 1_000_000)]
        left = self.client.eval(text, 2, *self.keys, what, *numbers, *moment)
        assert 0 <= left <= WAIT * 1000
        return bool(left)


@pytest.fixture
def throttle(server: EmbeddedServer) -> Any:
    with Redis.from_url(server.url) as client:
        yield Throttle(client)


def test_failures_within_the_window_stop_everything(throttle: Throttle) -> None:
    assert [throttle.tell("failed", at) for at in (0, 50, 99.999)] == [
        False,
        False,
        True,
    ]
    assert throttle.tell("ask")


def test_failures_further_apart_do_not(throttle: Throttle) -> None:
    for n in range(20):
        assert not throttle.tell("failed", 50 * n)
    assert not throttle.tell("ask")
    # And only the latest are kept, until the window is over
    failures, _ = throttle.keys
    assert throttle.client.llen(failures) == 3
    assert 0 < throttle.client.pttl(failures) <= WINDOW * 1000


def test_a_success_between_them_clears_the_count(throttle: Throttle) -> None:
    for what in ("failed", "failed", "passed", "failed", "failed"):
        assert not throttle.tell(what)
    assert throttle.tell("failed")


def test_what_began_before_does_not_make_the_wait_longer(throttle: Throttle) -> None:
    for _ in range(3):
        throttle.tell("failed")
    failures, stop = throttle.keys
    throttle.client.pexpire(stop, 400_000)
    for _ in range(3):
        assert throttle.tell("failed")
    assert throttle.client.pttl(stop) <= 400_000
    assert not throttle.client.exists(failures)
