from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

SESSION = "jtc_dashboard"
"""The cookie that a browser gets; it says nothing of who it is."""
TOKEN = "token"  # noqa: S105 - the name of a field
"""The field of a form that says that it is ours."""


@dataclass(frozen=True, slots=True)
class Signing:
    """Signs what a browser keeps for us and gives back.

    Attributes:
        secret: What it signs with.
    """

    secret: bytes

    def token(self, session: str, user: str) -> str:
        """Return what a form has to carry that this browser is shown."""
        return self._mark("form", f"{session}\0{user}")

    def is_token(self, token: str, session: str, user: str) -> bool:
        """Tell whether a form was shown to this browser and this user."""
        if not session:
            return False
        return hmac.compare_digest(token.encode(), self.token(session, user).encode())

    def seal(self, value: Any) -> str:
        """Return a value as a text that only we can have written."""
        text = base64.urlsafe_b64encode(_write(value)).decode()
        return f"{text}.{self._mark('sealed', text)}"

    def unseal(self, text: str) -> Any:
        """Return a value that `seal` has written; None for all else."""
        body, _, mark = text.partition(".")
        if not hmac.compare_digest(mark.encode(), self._mark("sealed", body).encode()):
            return None
        try:
            return json.loads(base64.urlsafe_b64decode(body))
        except (ValueError, binascii.Error):
            return None

    def _mark(self, purpose: str, text: str) -> str:
        message = f"{purpose}\0{text}".encode()
        return hmac.new(self.secret, message, hashlib.sha256).hexdigest()


def _write(value: Any) -> bytes:
    # Short: it has to fit into a cookie.
    return json.dumps(value, ensure_ascii=False).encode(errors="replace")


def session_of(request: Request) -> tuple[str, bool]:
    """Return the browser's session, and whether it is new."""
    found = request.cookies.get(SESSION, "")
    return (found, False) if found else (secrets.token_urlsafe(32), True)
