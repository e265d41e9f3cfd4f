from __future__ import annotations

import json
import math
from collections.abc import Iterator
from itertools import chain
from typing import Any

import msgspec

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


def encode(document: Any, *, strict: bool = False) -> bytes:
    """Write a job's document as JSON.

    JSON has no NaN and no infinities, SAQ writes them all the same. What came from SAQ,
    or was returned by a function, keeps them in SAQ's form.

    Args:
        document: What to write.
        strict: Refuse them.

    Raises:
        TypeError: A value has no form in JSON.
        ValueError: A number has none, and that is to be refused.

    Example:
        >>> encode({"n": 1}), encode({"n": float("nan")})
        (b'{"n":1}', b'{"n": NaN}')
    """
    text = _encoder.encode(document)
    # For such a number the encoder writes null. So few documents hold one that the
    # others need not be walked through.
    if b"null" not in text or (number := _endless(document)) is None:
        return text
    if strict:
        raise ValueError(f"{number} has no form in JSON")
    return json.dumps(_plain(document), ensure_ascii=False).encode()


def as_json(value: Any) -> Any:
    """Return `value`, with what JSON cannot carry replaced by its text form.

    Example:
        >>> as_json({"when": 1, "what": Exception("no")})
        {'when': 1, 'what': "Exception('no')"}
    """
    try:
        # By way of bytes, because there is text that has none.
        return decode(json.dumps(_plain(value), ensure_ascii=False).encode())
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


def _endless(document: Any) -> float | None:
    return next((n for n in _floats(_plain(document)) if not math.isfinite(n)), None)


def _floats(value: Any) -> Iterator[float]:
    if isinstance(value, float):
        return iter((value,))
    parts = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list | tuple):
        return chain.from_iterable(map(_floats, parts))
    return iter(())


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value, str_keys=True, enc_hook=_text_of)


def _text_of(value: Any) -> str:
    try:
        return ascii(value)
    except Exception:
        # It is the user's class that says how it looks, and that may fail too.
        return f"<{type(value).__name__}>"
