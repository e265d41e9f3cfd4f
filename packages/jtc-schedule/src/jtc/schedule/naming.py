from __future__ import annotations

from jtc.schedule.errors import InvalidTask

_LONGEST_NAME = 200


def check_name(name: str) -> str:
    """Return a name that can stand in a key, a log line and a table."""
    if (
        not isinstance(name, str)
        or not name.isprintable()
        or not 1 <= len(name) <= _LONGEST_NAME
        or name != name.strip()
    ):
        problem = f"a name is 1 to {_LONGEST_NAME} printable characters, stripped"
        raise InvalidTask(f"A function named {name!r}", problem)
    return name


def check_description(description: str) -> str:
    """Return a description that is text."""
    if not isinstance(description, str):
        problem = "a description is a string"
        raise InvalidTask(f"A function described as {description!r}", problem)
    return description
