from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

from jtc.dashboard.errors import InvalidPassword

SCHEME = "scrypt"
# 16 MiB and some 0.2 s for each try: what OWASP advises at the least.
COST, BLOCK, LANES = 2**14, 8, 5
MEMORY = 64 * 2**20


def hash_password(password: str) -> str:
    """Return a text that can stand for a password in `create_app(users=...)`.

    Example:
        >>> stored = hash_password("correct horse")
        >>> stored.startswith("scrypt$"), fits_password("correct horse", stored)
        (True, True)
    """
    salt = secrets.token_bytes(16)
    digest = _digest(password, salt, COST, BLOCK, LANES)
    return "$".join([SCHEME, f"{COST}:{BLOCK}:{LANES}", _text(salt), _text(digest)])


def is_hashed(stored: str) -> bool:
    """Tell whether `hash_password` made it.

    Raises:
        InvalidPassword: It looks like it, and is cut or changed.
    """
    if not stored.startswith(f"{SCHEME}$"):
        return False
    _parts_of(stored)
    return True


def fits_password(given: str, stored: str) -> bool:
    """Tell whether a password is the one that is stored, plain or hashed.

    How long it takes says nothing of how much of it is right.
    """
    if not stored.startswith(f"{SCHEME}$"):
        # Digests are of one length: that of the password shows in no time.
        pair = (hashlib.sha256(one.encode()).digest() for one in (given, stored))
        return hmac.compare_digest(*pair)
    numbers, salt, digest = _parts_of(stored)
    return hmac.compare_digest(_digest(given, salt, *numbers), digest)


def _parts_of(stored: str) -> tuple[tuple[int, int, int], bytes, bytes]:
    try:
        _, numbers, salt, digest = stored.split("$")
        cost, block, lanes = map(int, numbers.split(":"))
        return (cost, block, lanes), _bytes(salt), _bytes(digest)
    except (ValueError, binascii.Error):
        raise InvalidPassword from None


def _digest(password: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    text = password.encode()
    return hashlib.scrypt(
        text, salt=salt, n=cost, r=block, p=lanes, maxmem=MEMORY, dklen=32
    )


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
