from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime


class TestingError(Exception):
    """Base of every error that `jtc.testing` raises on purpose."""

    # pytest would take a class of this name for a group of tests.
    __test__ = False


class FakeUnavailable(TestingError, ImportError):
    """Raised when what the fake server is made of is not installed."""

    def __init__(self, missing: str) -> None:
        super().__init__(
            f"jtc_queue needs a server that is not there: {missing} is not installed. "
            "Run pip install 'jtc-queue[testing]'."
        )


class NeverEnds(TestingError, RuntimeError):
    """Raised when one call has run more attempts than it may."""

    def __init__(self, limit: int, names: Iterable[str]) -> None:
        super().__init__(
            f"{limit} attempts were run and there are still jobs that are due, after "
            f"{', '.join(names)}. If they dispatch one another without end, use "
            "run_pending() for one step at a time; if a schedule has so many ticks in "
            "the time that was travelled, pause it; if so many are right, say limit=."
        )


class InvalidTravel(TestingError, ValueError):
    """Raised when the clock is told a time to which it cannot go."""

    def __init__(self, moment: object, why: str) -> None:
        super().__init__(f"The clock cannot go to {moment}: {why}.")


class UnknownTask(TestingError, LookupError):
    """Raised when an assertion is about a task that is not registered."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        listed = ", ".join(sorted(known)) or "none"
        super().__init__(
            f"No task {name!r} is registered. Registered: {listed}. Import the module "
            "that declares it, or declare it in the test."
        )


class NotAMoment(TestingError, ValueError):
    """Raised when a text or a datetime does not say one moment."""

    def __init__(self, value: str | datetime, why: str) -> None:
        super().__init__(f"{str(value)!r} is no moment: {why}.")


class TwoServers(TestingError, ValueError):
    """Raised when a test asks for the fake server and for a real one."""

    def __init__(self) -> None:
        super().__init__(
            "jtc_server and jtc_queue both say where jobs go: a test can have one of "
            "them. With jtc_server, run jobs with a worker."
        )


class UnknownField(TestingError, TypeError):
    """Raised when an assertion names what no payload of the class can hold."""

    def __init__(self, job: str, name: str, known: Iterable[str]) -> None:
        super().__init__(
            f"{job} has no field {name!r}, so this could never be otherwise. "
            f"Its fields: {', '.join(known)}."
        )
