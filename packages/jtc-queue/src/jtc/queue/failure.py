from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jtc.queue.errors import Discard, Fail, Release, Retry
from jtc.queue.veil import NO_VEIL, Veil

# Where a failed job keeps what it failed with in `meta`.
META = "jtc_failure"
MESSAGE_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Failure:
    """What a job failed with, in the words that lists of failed jobs are searched by.

    Attributes:
        exception: The type's module and name, as a traceback shows it; None when it was
            no exception that ended the job.
        message: What it said; what is very long is cut.
    """

    exception: str | None
    message: str

    def as_meta(self) -> dict[str, Any]:
        """Return what a job carries of it in `meta`, as JSON."""
        return {META: {"exception": self.exception, "message": self.message}}


def describe_failure(error: BaseException, veil: Veil = NO_VEIL) -> Failure:
    """Put an error into words.

    `raise Fail(...) from error` is about `error`: that is what somebody searches for.

    Args:
        error: What an attempt ended with.
        veil: What hides the job's secrets.

    Example:
        >>> describe_failure(ConnectionError("no route"))
        Failure(exception='ConnectionError', message='no route')
    """
    if isinstance(error, Retry | Release | Fail | Discard):
        error = _reason_of(error) or error
    kind = type(error)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    message = _cut(veil.text(writable(_text_of(error))))
    return Failure(f"{module}{kind.__qualname__}", message)


def read_failure(meta: Mapping[str, Any], error: str | None) -> Failure:
    """Return what a failed job's document says of its failure.

    Args:
        meta: The job's `meta`.
        error: The job's traceback, or whatever somebody else wrote there.
    """
    found = meta.get(META)
    # A job's meta is its owner's, who may use the word for something else.
    if isinstance(found, dict) and isinstance(found.get("message"), str):
        name = found.get("exception")
        return Failure(name if isinstance(name, str) else None, found["message"])
    lines = (error or "").strip().splitlines()
    return Failure(None, _cut(lines[-1]) if lines else "")


def headline(error: BaseException) -> str:
    """Return the last line of an error's traceback: its type and what it said."""
    return writable("".join(traceback.format_exception_only(error)).strip())


def writable(text: str) -> str:
    """Replace what has no form in JSON, such as half of a character in a file name."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _reason_of(error: BaseException) -> BaseException | None:
    if error.__cause__ is not None or error.__suppress_context__:
        return error.__cause__
    return error.__context__


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        # It is the user's class that says how it reads, and that may fail too.
        return ""


def _cut(text: str) -> str:
    return text if len(text) <= MESSAGE_LIMIT else f"{text[:MESSAGE_LIMIT]}…"
