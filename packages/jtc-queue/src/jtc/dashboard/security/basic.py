from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import logging
import secrets
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor

from starlette.requests import Request

from jtc.dashboard.errors import InvalidUsers
from jtc.dashboard.security.passwords import fits_password, is_hashed
from jtc.dashboard.security.user import User

logger = logging.getLogger(__name__)

CHALLENGE = {"WWW-Authenticate": 'Basic realm="jtc dashboard", charset="UTF-8"'}
REMEMBERED = 1000
"""How many right names and passwords are remembered; a hash takes its time."""


class BasicAuthentication:
    """Asks the browser for a name and a password.

    Args:
        users: The password of each name, plain or as `hash_password` returns it.
        lookers: The names of those who may only look.

    Raises:
        InvalidUsers: A name or a password could never be given.
        InvalidPassword: What looks like a hash is none.
    """

    def __init__(
        self, users: Mapping[str, str], *, lookers: Collection[str] = ()
    ) -> None:
        _check(users, lookers)
        self._users = dict(users)
        self._lookers = frozenset(lookers)
        # Somebody unknown takes as long to refuse as somebody known.
        self._anybody = next(iter(self._users.values()))
        self._key = secrets.token_bytes(32)
        self._known: set[bytes] = set()
        kinds = [is_hashed(stored) for stored in users.values()]
        self._are_hashed = any(kinds)
        # One: who tries many passwords keeps one core busy, and nobody but others who
        # log in; the event loop does not stand still.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="jtc-dashboard")

    async def __call__(self, request: Request) -> User | None:
        """Return who it is; None when nobody said so, or not rightly."""
        given = _read(request.headers.get("authorization", ""))
        if given is None:
            return None
        name, password = given
        if await self._is_right(name, password):
            return User(name, can_act=name not in self._lookers)
        logger.warning(
            "Refused %r: wrong name or password.",
            name,
            extra={"action": "dashboard_refused", "user": name},
        )
        return None

    async def _is_right(self, name: str, password: str) -> bool:
        mark = hmac.digest(self._key, f"{name}\0{password}".encode(), hashlib.sha256)
        # A nul may stand in a name or a password: the mark alone says not which.
        if mark in self._known and name in self._users:
            return True
        stored = self._users.get(name, self._anybody)
        if self._are_hashed:
            loop = asyncio.get_running_loop()
            fits = await loop.run_in_executor(
                self._thread, fits_password, password, stored
            )
        else:
            fits = fits_password(password, stored)
        if not fits or name not in self._users:
            return False
        if len(self._known) < REMEMBERED:
            self._known.add(mark)
        return True


def _check(users: Mapping[str, str], lookers: Collection[str]) -> None:
    if not users:
        raise InvalidUsers("it names nobody")
    for name, password in users.items():
        if not name or ":" in name or not name.isprintable():
            raise InvalidUsers(f"{name!r} cannot be typed as a name: no colon")
        if not password:
            raise InvalidUsers(f"{name!r} has no password")
    if unknown := set(lookers) - set(users):
        raise InvalidUsers(f"{sorted(unknown)} may only look, and have no password")


def _read(header: str) -> tuple[str, str] | None:
    kind, _, text = header.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        name, colon, password = (
            base64.b64decode(text.strip(), validate=True).decode().partition(":")
        )
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, password) if colon else None
