from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

MAX_DEPTH = 100
# Python refuses to read longer numbers (sys.int_info.default_max_str_digits).
_MAX_INT_BITS = 14_000


def find_flaw(value: object, *, depth: int = 0) -> tuple[str, str] | None:
    """Say why JSON would not give `value` back unchanged.

    Returns:
        Where inside the value the flaw is, and what it is; None when there is none.

    Example:
        >>> find_flaw({"lines": [{"sku": "a", "sizes": (1, 2)}]})
        ("['lines'][0]['sizes']", 'a tuple would come back as a list: pass a list')
        >>> find_flaw({"lines": [1, 2.5, None, True, "x"]})
    """
    kind = type(value)
    if kind in _SCALARS:
        why = _SCALARS[kind](value)
        return ("", why) if why else None
    if kind not in (dict, list):
        return "", _advice(value)
    if depth == MAX_DEPTH:
        return "", f"it is nested deeper than {MAX_DEPTH} levels"
    if isinstance(value, dict):
        return _flaw_in_dict(value, depth)
    return _flaw_in_items(enumerate(value), depth)  # type: ignore[arg-type]  # a list


def is_deeper(value: object, levels: int) -> bool:
    """Tell whether lists and dicts are nested in each other more than `levels` deep.

    Example:
        >>> is_deeper([[1]], 2), is_deeper([[1]], 1)
        (False, True)
    """
    level = [value]
    for _ in range(levels):
        level = [inner for outer in level for inner in _inner(outer)]
    return any(isinstance(one, dict | list) for one in level)


def _inner(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _flaw_in_dict(value: dict[Any, Any], depth: int) -> tuple[str, str] | None:
    for key in value:
        if type(key) is not str:
            return "", f"its key {key!r} is no string, and JSON knows no other keys"
        if why := _flaw_in_text(key):
            return "", f"in its key {key!r}, {why}"
    return _flaw_in_items(value.items(), depth)


def _flaw_in_items(pairs: Any, depth: int) -> tuple[str, str] | None:
    for key, item in pairs:
        if flaw := find_flaw(item, depth=depth + 1):
            return f"[{key!r}]{flaw[0]}", flaw[1]
    return None


def _flaw_in_text(text: str) -> str | None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return f"{text!r} holds half a surrogate pair, which is no text"
    return None


def _flaw_in_float(number: float) -> str | None:
    return None if math.isfinite(number) else f"{number} has no form in JSON"


def _flaw_in_int(number: int) -> str | None:
    if number.bit_length() <= _MAX_INT_BITS:
        return None
    return "the number has more digits than readers accept"


def _advice(value: object) -> str:
    name = type(value).__name__
    if isinstance(value, tuple):
        return f"a {name} would come back as a list: pass a list"
    if isinstance(value, enum.Enum):
        return f"{value} would not come back as an Enum: pass its value"
    return (
        f"a value of type {name} would not come back from JSON as it is: declare the "
        "field with its type, or pass str, int, float, bool, None, list or dict"
    )


_SCALARS: Mapping[type, Callable[[Any], str | None]] = {
    str: _flaw_in_text,
    int: _flaw_in_int,
    float: _flaw_in_float,
    bool: lambda _: None,
    type(None): lambda _: None,
}
