"""The values of a payload on their way to JSON."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import msgspec

from jtc.jobs.pydantic_model import is_model_class, write_model

# What Python code passes as itself: a str is no datetime at dispatch, at run it is.
NATIVE_TYPES = (
    bytes,
    bytearray,
    dt.datetime,
    dt.date,
    dt.time,
    dt.timedelta,
    uuid.UUID,
    Decimal,
)


def simplify(value: object, models: tuple[type[Any], ...]) -> object:
    """Replace the members of enums, and whatever holds them, by their form in JSON."""
    try:
        return msgspec.to_builtins(value, builtin_types=(*NATIVE_TYPES, *models))
    except (TypeError, ValueError, RecursionError):
        return value  # which fits no type, and is refused as what it is


def has_json(value: object) -> bool:
    """Tell whether a value has a form in JSON.

    Example:
        >>> has_json({"price": Decimal("1.10")}), has_json(object())
        (True, False)
    """
    try:
        encode(value)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _plain(value: Any) -> Any:
    # Texts that some library has marked, such as SafeString, are texts.
    if isinstance(value, str):
        return str.__str__(value)
    if is_model_class(type(value)):
        return write_model(value)
    raise TypeError(f"nobody knows how to write a {type(value).__qualname__}")


encode = msgspec.json.Encoder(enc_hook=_plain).encode
# Equal sets and dicts have one form.
encode_in_order = msgspec.json.Encoder(enc_hook=_plain, order="deterministic").encode
