from __future__ import annotations

from starlette.requests import Request

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_foreign(request: Request) -> bool:
    """Tell whether a page of somebody else's has the browser send this."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site != "same-origin"
    origin = request.headers.get("origin")
    if origin is None:
        return False
    # Not the scheme: behind a proxy that ends TLS this side knows another one.
    return origin.partition("://")[2] != request.headers.get("host", "")


def names_no_origin(request: Request) -> bool:
    """Tell whether it cannot be told where a request comes from."""
    return not {"sec-fetch-site", "origin"} & set(request.headers)
