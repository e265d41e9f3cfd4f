from __future__ import annotations

import json
from typing import Any

import msgspec

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


def encode(document: Any) -> bytes:
    """Write a job's document as JSON.

    Raises:
        TypeError: A value has no form in JSON.
    """
    return _encoder.encode(document)


def as_json(value: Any) -> Any:
    """Return `value`, with what JSON cannot carry replaced by its text form.

    Example:
        >>> as_json({"when": 1, "what": Exception("no")})
        {'when': 1, 'what': "Exception('no')"}
    """
    try:
        return _decoder.decode(msgspec.json.encode(value, enc_hook=_text_of))
    except (TypeError, ValueError, RecursionError):
        return _text_of(value)


def decode(text: bytes | str) -> Any:
    """Read a job's document.

    SAQ writes with the standard library's `json`, which knows NaN and Infinity where
    JSON does not: what the strict reader refuses is read again the way SAQ would.

    Raises:
        ValueError: The text is no JSON.
    """
    try:
        return _decoder.decode(text)
    except msgspec.DecodeError:
        return json.loads(text)


def _text_of(value: Any) -> str:
    try:
        return ascii(value)
    except Exception:
        # It is the user's class that says how it looks, and that may fail too.
        return f"<{type(value).__name__}>"
