from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jtc.jobs import Job
from jtc.jobs.declaration import declared_fields
from jtc.queue.secret_fields import show_fields
from jtc.testing.dispatched import Dispatched
from jtc.testing.errors import UnknownField
from jtc.testing.record import Record

Condition = Callable[[Dispatched], object]


class DispatchAssertions:
    """What a test may say of the jobs that were dispatched.

    Args:
        record: What was dispatched.
    """

    def __init__(self, record: Record) -> None:
        self._record = record

    def dispatched(
        self,
        job_class: type[Job] | None = None,
        /,
        *,
        where: Condition | None = None,
        queue: str | None = None,
        **payload: Any,
    ) -> list[Dispatched]:
        """Return what was dispatched, the oldest first.

        Args:
            job_class: Only jobs of this class.
            where: Only those of which this is true.
            queue: Only those in this queue.
            payload: Only those whose payload has these values; for a field that is
                called like an argument, use `where`.

        Raises:
            UnknownField: The class declares no such field.
        """
        if job_class is not None:
            _check_names(job_class, payload)
        return [
            one
            for one in self._record.dispatched
            if (job_class is None or one.name == job_class.__jtc__.name)
            and (queue is None or one.queue == queue)
            and _holds(one.payload, payload)
            and (where is None or where(one))
        ]

    def assert_dispatched(
        self,
        job_class: type[Job],
        /,
        *,
        times: int | None = None,
        where: Condition | None = None,
        queue: str | None = None,
        **payload: Any,
    ) -> list[Dispatched]:
        """Fail unless such a job was dispatched, or `times` of them; return them.

        The other arguments are those of `dispatched`.

        Raises:
            AssertionError: It says what was dispatched instead.
            UnknownField: The class declares no such field.
        """
        __tracebackhide__ = True
        found = self.dispatched(job_class, where=where, queue=queue, **payload)
        wanted = _describe(job_class, where, queue, payload)
        if times is None and not found:
            raise AssertionError(f"{wanted} was not dispatched. {self._instead()}")
        if times is not None and len(found) != times:
            raise AssertionError(
                f"{wanted} was dispatched {_times(len(found))}, not {_times(times)}. "
                f"{self._instead()}"
            )
        return found

    def assert_not_dispatched(
        self,
        job_class: type[Job],
        /,
        *,
        where: Condition | None = None,
        queue: str | None = None,
        **payload: Any,
    ) -> None:
        """Fail if such a job was dispatched; the arguments are those of `dispatched`.

        Raises:
            AssertionError: It says what was dispatched.
            UnknownField: The class declares no such field.
        """
        __tracebackhide__ = True
        found = self.dispatched(job_class, where=where, queue=queue, **payload)
        if found:
            wanted = _describe(job_class, where, queue, payload)
            raise AssertionError(
                f"{wanted} was dispatched {_times(len(found))}:{_listed(found)}"
            )

    def assert_nothing_dispatched(self) -> None:
        """Fail if any job was dispatched.

        Raises:
            AssertionError: It says what was dispatched.
        """
        __tracebackhide__ = True
        found = self._record.dispatched
        if found:
            jobs = "A job was" if len(found) == 1 else f"{len(found)} jobs were"
            raise AssertionError(f"{jobs} dispatched:{_listed(found)}")

    def _instead(self) -> str:
        found = self._record.dispatched
        return f"Dispatched:{_listed(found)}" if found else "Nothing was dispatched."


def _holds(payload: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(n in payload and payload[n] == value for n, value in wanted.items())


def _check_names(job_class: type[Job], names: Mapping[str, Any]) -> None:
    declared = declared_fields(job_class)
    for name in names:
        if declared and name not in declared:
            raise UnknownField(job_class.__name__, name, declared)


def _describe(
    job_class: type[Job],
    where: Condition | None,
    queue: str | None,
    payload: Mapping[str, Any],
) -> str:
    values = show_fields(payload, job_class.__jtc__.payload.secret)
    in_queue = "" if queue is None else f" in queue '{queue}'"
    condition = "" if where is None else " that meets the condition"
    return f"{job_class.__name__}{values and f'({values})'}{in_queue}{condition}"


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def _listed(found: Sequence[Dispatched]) -> str:
    return "".join(f"\n  {one}" for one in found)
