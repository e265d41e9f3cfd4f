from __future__ import annotations

import subprocess

from jtc.queue import Fail, Retry
from jtc.queue.failure import (
    MESSAGE_LIMIT,
    META,
    Failure,
    describe_failure,
    read_failure,
)


def test_a_failure_is_named_as_in_a_traceback() -> None:
    error = subprocess.CalledProcessError(1, "ls")
    assert describe_failure(KeyError("x")) == Failure("KeyError", "'x'")
    assert describe_failure(error).exception == "subprocess.CalledProcessError"


def test_a_failure_that_was_asked_for_is_about_its_reason() -> None:
    reason = OSError("no route")

    def ask(error: Exception, **reasons: BaseException | None) -> Failure:
        for name, value in reasons.items():
            setattr(error, name, value)
        return describe_failure(error)

    said = Failure("OSError", "no route")
    assert ask(Fail("x"), __cause__=reason) == said
    assert ask(Retry(after=1), __context__=reason) == said
    assert ask(Fail("x"), __context__=reason, __cause__=None).message == "x"
    assert ask(Fail("x")) == Failure("jtc.queue.errors.Fail", "x")
    assert ask(ValueError("x"), __cause__=reason).exception == "ValueError"


def test_what_an_error_says_fits_a_line_of_json() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text form")

    assert describe_failure(Mute()).message == ""
    assert describe_failure(ValueError("\udc80")).message == "?"
    assert len(describe_failure(ValueError("x" * 10**6)).message) == MESSAGE_LIMIT + 1


def test_a_failure_is_read_from_where_it_was_written() -> None:
    failure = Failure("OSError", "no route")
    assert read_failure(failure.as_meta(), "other") == failure


def test_a_failure_that_somebody_else_wrote_is_the_last_line_of_the_error() -> None:
    assert read_failure({}, "Traceback\n  x\nOSError: no\n") == Failure(
        None, "OSError: no"
    )
    assert read_failure({}, None) == Failure(None, "")
    assert read_failure({META: "mine"}, "boom") == Failure(None, "boom")
    odd = {META: {"exception": 3, "message": "m"}}
    assert read_failure(odd, "boom") == Failure(None, "m")
