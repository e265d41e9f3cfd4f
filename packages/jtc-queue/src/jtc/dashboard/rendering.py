from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from jtc.dashboard.links import links_of, path_of
from jtc.dashboard.security.gate import user_of
from jtc.dashboard.security.signing import SESSION, TOKEN, Signing, session_of
from jtc.dashboard.wording import moment, number, pretty, short_name, span

FOLDER = Path(__file__).parent
FRAGMENT = "jtc-fragment"
"""The header by which the script asks for what changes on a page, and no more."""
SAID = "jtc_said"
"""The cookie that keeps what an action came to until the next page shows it."""
SAID_LASTS = 60
SAID_LENGTH = 480
"""Characters; a browser keeps a cookie of 4096 bytes, and drops a longer one."""


class Rendering:
    """Writes the pages.

    Args:
        server: The server's URL, without its password, for the foot of each page.
    """

    def __init__(self, server: str) -> None:
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        filters: tuple[Callable[..., str], ...]
        filters = (moment, number, pretty, short_name, span)
        self._templates.filters.update({one.__name__: one for one in filters})
        self._templates.globals.update(server=server, assets=_digest_of_assets())

    def page(
        self, request: Request, template: str, *, signing: Signing, **data: Any
    ) -> Response:
        """Return a page, or the part of it that changes when the script asks for that.

        Args:
            request: What was asked for.
            template: The template's name.
            signing: What signs the forms.
            data: What the template shows.
        """
        is_part = FRAGMENT in request.headers
        user = user_of(request)
        session, is_new = session_of(request)
        said = None if is_part else signing.unseal(request.cookies.get(SAID, ""))
        text = self._templates.get_template(template).render(
            **data,
            layout="fragment.html" if is_part else "page.html",
            link=links_of(request),
            here=path_of(request),
            back=_back(request),
            user=user,
            said=said,
            token_field=TOKEN,
            token=signing.token(session, user.name),
        )
        # A payload may hold half of a pair of surrogates.
        body = text.encode(errors="backslashreplace")
        response = _fresh(request, body) if is_part else HTMLResponse(body)
        if is_new:
            keep(response, request, SESSION, session)
        if said is not None:
            keep(response, request, SAID, "", lasts=0)
        return response

    def problem(
        self, request: Request, *, status: int, title: str, text: str, retry: bool
    ) -> Response:
        """Return a page that says what is wrong; it needs no server.

        Args:
            request: What was asked for.
            status: The response's status.
            title: What is wrong.
            text: More about it.
            retry: Whether the browser tries again by itself.
        """
        page = self._templates.get_template("problem.html").render(
            link=links_of(request), title=title, text=text, retry=retry
        )
        headers = {"Retry-After": "5"} if retry else None
        return HTMLResponse(page, status, headers)


def keep(
    response: Response,
    request: Request,
    name: str,
    value: str,
    *,
    lasts: int | None = None,
) -> None:
    """Have the browser keep a value for us, where no script and no other site gets it.

    Args:
        response: What carries it.
        request: What was asked for.
        name: The cookie.
        value: Its value.
        lasts: Seconds; until the browser is closed unless given.
    """
    response.set_cookie(
        name,
        value,
        max_age=lasts,
        path=f"{links_of(request).root}/",
        secure=request.url.scheme == "https",
        httponly=True,
        # Lax, not strict: who follows a link to the dashboard keeps the session.
        samesite="lax",
    )


def tell(
    response: Response, request: Request, signing: Signing, text: str, *, is_bad: bool
) -> None:
    """Have the next page say what an action came to."""
    sealed = signing.seal({"text": text[:SAID_LENGTH], "is_bad": is_bad})
    keep(response, request, SAID, sealed, lasts=SAID_LASTS)


def _back(request: Request) -> str:
    """Return where an action on this page leads back to."""
    query = request.url.query
    path = f"{links_of(request).root}{path_of(request)}"
    return f"{path}?{query}" if query else path


def _fresh(request: Request, body: bytes) -> Response:
    """Return a part of a page, or that it is as the browser has it."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Vary": FRAGMENT}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return HTMLResponse(body, headers=headers)


def _digest_of_assets() -> str:
    digest = hashlib.sha256()
    for path in sorted((FOLDER / "static").iterdir()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
