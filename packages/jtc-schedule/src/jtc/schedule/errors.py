from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

_MOST_NAMES_SHOWN = 10
_LONGEST_SHOWN = 100


class ScheduleError(Exception):
    """Base of every error that `jtc.schedule` raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        # The default calls the class with the finished message, which none of the
        # classes below takes; a worker process could then not send its error home.
        return _rebuild, (type(self), *self.args), self.__dict__


class InvalidCronExpression(ScheduleError, ValueError):
    """Raised when a cron expression is malformed or can never fire."""

    def __init__(self, expression: object, problem: str) -> None:
        super().__init__(f"Cron expression {expression!r}: {problem}.")
        self.expression = expression


class InvalidInterval(ScheduleError, ValueError):
    """Raised when an interval is not a whole number of seconds within bounds."""

    def __init__(self, interval: object, problem: str) -> None:
        super().__init__(
            f"Interval {interval!r}: {problem}. Give whole seconds from 1 up to "
            "10 years, as an int or a timedelta."
        )
        self.interval = interval


class InvalidTimezone(ScheduleError, ValueError):
    """Raised when a time zone is unknown here or does not apply."""

    def __init__(self, timezone: object, problem: str) -> None:
        super().__init__(f"Time zone {timezone!r}: {problem}.")
        self.timezone = timezone


class InvalidTaskOption(ScheduleError, ValueError):
    """Raised when an option of a task has a value that can never work."""

    def __init__(self, option: str, value: object, problem: str) -> None:
        super().__init__(f"Option {option}={_shown(value)}: {problem}.")
        self.option = option


class UnknownTaskOption(ScheduleError, TypeError):
    """Raised when a task is given an option that there is not."""

    def __init__(self, option: str, *, known: Sequence[str]) -> None:
        super().__init__(f"Option {option!r} is unknown. {_choice(option, known)}")
        self.option = option


class InvalidTask(ScheduleError, TypeError):
    """Raised when a function, its name, description or payload cannot make a task."""

    def __init__(
        self,
        subject: str,
        problem: str,
        *,
        verdict: str = "cannot be a scheduled task",
    ) -> None:
        super().__init__(f"{subject} {verdict}: {problem}.")


class DuplicateTask(ScheduleError, ValueError):
    """Raised when a second task takes a name that is already registered."""

    def __init__(self, name: str, *, first: str, second: str) -> None:
        super().__init__(
            f"Task {name!r} is registered twice: by {first} and by {second}. "
            'Give one of them another name with name="...". If both are one function '
            "decorated once, its module was imported twice, perhaps under two names."
        )
        self.name = name


class TaskNotFound(ScheduleError, ValueError):
    """Raised when no task of that name is registered."""

    def __init__(self, name: str, *, known: Sequence[str]) -> None:
        super().__init__(f"Task {name!r} not found. {_suggestion(name, known)}")
        self.name = name


class NoSupplier(ScheduleError, RuntimeError):
    """Raised when a task asks for services and nothing in this process makes them."""

    def __init__(self, name: str, parameters: Sequence[str]) -> None:
        super().__init__(
            f"Task {name!r} asks for services ({', '.join(parameters)}), which "
            "jtc-queue makes: import jtc.jobs and set a container."
        )
        self.name = name


class ScheduleWarning(UserWarning):
    """Given when a task is declared in a way that hardly is what was meant."""


def near_words(word: str, known: Sequence[str]) -> str:
    """Return the known words that a mistyped one resembles, quoted, or ""."""
    return " or ".join(map(repr, difflib.get_close_matches(word.lower(), known)))


def _rebuild(error: type[ScheduleError], *args: object) -> ScheduleError:
    return error.__new__(error, *args)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."


def _choice(word: str, known: Sequence[str]) -> str:
    if near := near_words(word, known):
        return f"Did you mean {near}?"
    return f"Known options: {', '.join(known)}."


def _suggestion(name: str, known: Sequence[str]) -> str:
    if not known:
        return "No task is registered: import the module that defines it first."
    if near := difflib.get_close_matches(name, known):
        return f"Did you mean {' or '.join(map(repr, near))}?"
    shown = ", ".join(known[:_MOST_NAMES_SHOWN])
    hidden = len(known) - _MOST_NAMES_SHOWN
    return f"Known tasks: {shown}{f' and {hidden} more' if hidden > 0 else ''}."
