from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jtc.schedule.errors import InvalidTaskOption


def json_payload(option: str, value: object) -> dict[str, Any]:
    """Return a copy of a payload that JSON gives back as it is.

    Raises:
        InvalidTaskOption: It has no names, or JSON would change it.

    Example:
        >>> json_payload("payload", {"region": "eu", "limits": [1, 2]})
        {'region': 'eu', 'limits': [1, 2]}
    """
    # Most tasks have none, and the import would cost each of them.
    import json  # noqa: PLC0415

    if not isinstance(value, Mapping):
        raise InvalidTaskOption(option, value, "give a dict of keyword arguments")
    try:
        text = json.dumps(dict(value), allow_nan=False, ensure_ascii=False)
        text.encode()
        copy: dict[str, Any] = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        problem = f"it has no form in JSON ({error})"
        raise InvalidTaskOption(option, _outline(value), problem) from None
    if copy != value:
        changed = [name for name in value if copy.get(name) != value[name]]
        names = ", ".join(map(repr, changed))
        problem = f"JSON would not give {names} back as it is; use str keys and lists"
        raise InvalidTaskOption(option, _outline(value), problem)
    return copy


def _outline(payload: Mapping[Any, Any]) -> dict[Any, str]:
    # The values may be secret.
    return {name: type(value).__name__ for name, value in payload.items()}
