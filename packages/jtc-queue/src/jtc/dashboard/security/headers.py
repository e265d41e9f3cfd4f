from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # With "no-referrer" a browser would call the origin of our own forms "null".
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
}


def policy(**changes: str) -> str:
    """Return the Content-Security-Policy, with some of its parts changed.

    Example:
        >>> policy(script_src="'self' 'sha256-abc'").split("; ")[1]
        "script-src 'self' 'sha256-abc'"
    """
    parts = POLICY | {name.replace("_", "-"): text for name, text in changes.items()}
    return "; ".join(f"{name} {text}" for name, text in parts.items())


def all_headers() -> dict[str, str]:
    """Return what every response carries."""
    return SECURITY_HEADERS | {"Content-Security-Policy": policy()}


class SecureHeaders:
    """Adds to each response what keeps a browser from being used against its user."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in all_headers().items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_safely)
