from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Mapping
from typing import Any

_PLACE = re.compile(
    r"(?P<text>.*) - at (?P<key>`key` in )?`\$\.(?P<path>.*)`", re.DOTALL
)


def explain(
    message: str, values: Mapping[str, Any], type_texts: Mapping[str, str]
) -> tuple[str, str]:
    """Put msgspec's message in the words of whoever wrote the class and the values.

    Args:
        message: What msgspec said.
        values: The payload it was said of.
        type_texts: The annotations of the fields, as they were written.

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
    match = _PLACE.fullmatch(message)
    text, key, path = match.group("text", "key", "path") if match else (message, "", "")
    name = re.split(r"[.\[]", path, maxsplit=1)[0]
    value = values.get(name)
    if isinstance(value, float) and not math.isfinite(value):
        return path, f"{value} has no form in JSON"
    if path == name and not key and ", got `" in text:
        got = "None" if value is None else f"{type(value).__name__} {short(value)}"
        return path, f"expected {type_texts.get(name)}, got {got}"
    what = "a key: " if key else ""
    why = (text[:1].lower() + text[1:]).replace("`", "")
    return path, f"{what}{why} in {short(value)}"


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
