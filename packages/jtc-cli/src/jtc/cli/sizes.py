from __future__ import annotations

import re

UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}
_SIZE = re.compile(r"(\d{1,15})([KMG]?)", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Read a number of bytes, or of K, M or G of them; each is 1024 of the one before.

    Raises:
        ValueError: It is none.

    Example:
        >>> parse_size("512M")
        536870912
    """
    match = _SIZE.fullmatch(text.upper().removesuffix("B"))
    if match is None or int(match[1]) == 0:
        raise ValueError(
            f"{text!r} is no size: give a whole number from 1 with K, M or G, for "
            "example 512M."
        )
    return int(match[1]) * UNITS[match[2]]
