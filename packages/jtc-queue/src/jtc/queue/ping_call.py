from __future__ import annotations

from functools import cache
from urllib.error import HTTPError
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    Request,
    UnknownHandler,
)

TIMEOUT = 5.0
"""Seconds that a host gets to connect, and to answer."""
# No proxies, whatever the environment says, and nothing but HTTP after a redirect.
_HANDLERS = (
    HTTPHandler,
    HTTPSHandler,
    HTTPRedirectHandler,
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    UnknownHandler,
)


def call_url(url: str, body: bytes | None = None) -> None:
    """Call a URL: GET it, or POST a text to it; blocks for seconds if need be.

    Raises:
        HTTPError: The answer is none of success.
        OSError: The host is not there, or does not answer in time.
        HTTPException: It does not speak HTTP.
    """
    headers = {"Content-Type": "text/plain; charset=utf-8"} if body else {}
    request = Request(url, data=body, headers=headers)  # noqa: S310 - see ping.py
    try:
        _opener().open(request, timeout=TIMEOUT).close()
    except HTTPError as error:
        # It is an open answer too.
        error.close()
        raise


@cache
def _opener() -> OpenerDirector:
    opener = OpenerDirector()
    opener.addheaders = [("User-Agent", "jtc")]
    for handler in _HANDLERS:
        opener.add_handler(handler())
    return opener
