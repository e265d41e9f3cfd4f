from __future__ import annotations

from jtc.queue import SimulatedTick
from jtc.testing.clock import Clock
from jtc.testing.dispatched import Dispatched
from jtc.testing.errors import (
    FakeUnavailable,
    InvalidTravel,
    NeverEnds,
    NotAMoment,
    TestingError,
    TwoServers,
    UnknownField,
    UnknownTask,
)
from jtc.testing.fake_queue import fake_queue
from jtc.testing.queue_fake import QueueFake
from jtc.testing.ran import Ran
from jtc.testing.scheduled import assert_not_scheduled, assert_scheduled, simulate

__all__ = [
    "Clock",
    "Dispatched",
    "FakeUnavailable",
    "InvalidTravel",
    "NeverEnds",
    "NotAMoment",
    "QueueFake",
    "Ran",
    "SimulatedTick",
    "TestingError",
    "TwoServers",
    "UnknownField",
    "UnknownTask",
    "assert_not_scheduled",
    "assert_scheduled",
    "fake_queue",
    "simulate",
]
