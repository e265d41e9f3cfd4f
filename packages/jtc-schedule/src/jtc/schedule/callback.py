from __future__ import annotations

from typing import Any

from jtc.schedule.errors import InvalidTaskOption
from jtc.schedule.function import accepts, is_async, is_generator


def predicate(option: str, value: object) -> Any:
    """Return a predicate that takes nothing, or the tick's nominal time.

    Raises:
        InvalidTaskOption: It cannot be called so.
    """
    if not (callable(value) and accepts(value)):
        check_call(option, value, "the nominal time")
    check_body(option, value)
    return value


def hook_of_context(option: str, value: object) -> Any:
    """Return a hook that takes the context.

    Raises:
        InvalidTaskOption: It cannot be called so.
    """
    check_call(option, value, "the context")
    return value


def hook_of_error(option: str, value: object) -> Any:
    """Return a hook that takes the context and an error.

    Raises:
        InvalidTaskOption: It cannot be called so.
    """
    check_call(option, value, "the context", "the error")
    return value


def hook_of_record(option: str, value: object) -> Any:
    """Return a hook that takes the record of a tick.

    Raises:
        InvalidTaskOption: It cannot be called so.
    """
    check_call(option, value, "the record")
    return value


def check_call(
    option: str, value: object, *arguments: str, is_sync: bool = False
) -> None:
    """Refuse what cannot be called with the arguments that are named.

    Args:
        option: What it was given as.
        value: What will be called.
        arguments: What each argument is, for the message.
        is_sync: Whether nobody will await what it returns.

    Raises:
        InvalidTaskOption: It cannot be called so, or a call would not run its body.
    """
    what = " and ".join(arguments)
    if not callable(value):
        raise InvalidTaskOption(option, value, f"give a function of {what}")
    if not accepts(value, *arguments):
        problem = f"it is not callable with {what}"
        raise InvalidTaskOption(option, value, problem)
    check_body(option, value)
    if is_sync and is_async(value):
        raise InvalidTaskOption(option, value, "it is async and nobody would await it")


def check_body(option: str, value: Any) -> None:
    """Refuse a generator function, whose body a call would not run."""
    if is_generator(value):
        raise InvalidTaskOption(
            option, value, "it yields, so that a call would not run it"
        )
