from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Collection, Mapping
from typing import Any

from jtc.queue.veil import MASK

_PLACE = re.compile(
    r"(?P<text>.*) - at (?P<key>`key` in )?`\$\.(?P<path>.*)`", re.DOTALL
)

_STEP = re.compile(r"([^.\[\]]+)|\[([^\]]*)\]")


def explain(
    message: str,
    values: Mapping[str, Any],
    type_texts: Mapping[str, str],
    secret: Collection[str] = (),
) -> tuple[str, str]:
    """Put msgspec's message in the words of whoever wrote the class and the values.

    Args:
        message: What msgspec said.
        values: The payload it was said of.
        type_texts: The annotations of the fields, as they were written.
        secret: The fields whose values are not to be shown.

    Returns:
        The place inside the payload, and what is wrong there.

    Example:
        >>> explain(
        ...     "Expected `int`, got `str` - at `$.size`",
        ...     {"size": "x"},
        ...     {"size": "int"},
        ... )
        ('size', "expected int, got str 'x'")
    """
    text, key, path = _read(message)
    name = _field_in(path)
    value = values.get(name)
    shown = MASK if name in secret else short(value)
    if isinstance(value, float) and not math.isfinite(value):
        return path, f"{shown} has no form in JSON"
    if path == name and not key and ", got `" in text:
        got = "None" if value is None else f"{type(value).__name__} {shown}"
        return path, f"expected {type_texts.get(name)}, got {got}"
    if name in secret:
        # What msgspec or a model says may tell of the value.
        return path, f"it does not fit {type_texts.get(name)}"
    what = "a key: " if key else ""
    return path, f"{what}{_plain(text)} in {shown}"


def explain_queued(
    message: str,
    data: Mapping[str, Any],
    type_texts: Mapping[str, str],
    secret: Collection[str] = (),
) -> tuple[str, str]:
    """Say of what came from the queue where it differs from what is declared.

    Args:
        message: What msgspec said.
        data: The payload it was said of.
        type_texts: The annotations of the fields, as they were written.
        secret: The fields whose values are not to be shown.

    Returns:
        The place inside the payload, and what is wrong there.

    Example:
        >>> explain_queued(
        ...     "Expected `int`, got `str` - at `$.size`",
        ...     {"size": "x"},
        ...     {"size": "int"},
        ... )
        ('size', "the queue has 'x', it has to be int")
    """
    text, key, path = _read(message)
    if (name := _field_in(path)) in secret:
        return path, f"the queue has {MASK}, it has to be {type_texts.get(name)}"
    has = f"the queue has {short(_value_at(data, path))}"
    if path in type_texts and not key and ", got `" in text:
        return path, f"{has}, it has to be {type_texts[path]}"
    what = "of a key: " if key else ""
    return path, f"{has}: {what}{_plain(text)}"


def short(value: object) -> str:
    """Show a value in a few words.

    Example:
        >>> short([list(range(10))])
        '[[0, 1, 2, 3, 4, 5, ...]]'
    """
    try:
        return reprlib.repr(value)
    except ValueError:
        # Python 3.11 cannot even show a number of more than 4300 digits.
        return f"<{type(value).__name__}>"


def _read(message: str) -> tuple[str, str | None, str]:
    """Return what is wrong, a sign if with a key, and the place of it."""
    match = _PLACE.fullmatch(message)
    return (
        (match["text"], match["key"], match["path"]) if match else (message, None, "")
    )


def _field_in(path: str) -> str:
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def _plain(text: str) -> str:
    return (text[:1].lower() + text[1:]).replace("`", "")


def _value_at(data: Any, path: str) -> Any:
    """Follow a place such as `lines[1].sku` as far as it says where it leads."""
    for name, index in _STEP.findall(path):
        step: Any = int(index) if index.isdigit() else name
        try:
            data = data[step]
        except (LookupError, TypeError):
            return data
    return data
