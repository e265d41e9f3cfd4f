from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from jtc.cli.times import format_for_programs


def json_form(value: Any) -> Any:
    """Return a value of ours as JSON: times as ISO 8601 in UTC, dataclasses as objects.

    Example:
        >>> from datetime import UTC
        >>> json_form({"at": datetime(2026, 3, 1, 9, tzinfo=UTC), "n": (1, None)})
        {'at': '2026-03-01T09:00:00Z', 'n': [1, None]}
    """
    if isinstance(value, datetime):
        return format_for_programs(value)
    if is_dataclass(value):
        parts = {field.name: getattr(value, field.name) for field in fields(value)}
        return json_form(parts)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return json_form(value._asdict())
    if isinstance(value, Mapping):
        return {key: json_form(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [json_form(part) for part in value]
    return value
