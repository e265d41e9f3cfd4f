from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jtc.schedule.errors import InvalidTaskOption

if TYPE_CHECKING:
    from urllib.parse import SplitResult


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Ping:
    """URLs that are called when a tick of a task starts, and when it has ended.

    Who has such a URL can call it too: nothing but its host is ever shown.

    Attributes:
        start: Called when the first attempt begins; None for not at all.
        success: Called when the tick has run; None for not at all.
        failure: Called when the last attempt has failed, with what went wrong as the
            body; None for not at all.

    Raises:
        InvalidTaskOption: One of them is no URL that can be called, or all are None.

    Example:
        >>> Ping(success="https://status.example/beat/5af")
        Ping(success='https://status.example/...')
    """

    start: str | None = None
    success: str | None = None
    failure: str | None = None

    def __post_init__(self) -> None:
        given = [url for url in self._urls().values() if url is not None]
        if not given:
            problem = "give a URL for at least one of start=, success= and failure="
            raise InvalidTaskOption("ping", self, problem)
        for url in given:
            _split(url)

    def __repr__(self) -> str:
        urls = self._urls().items()
        said = (f"{name}={_masked(url)!r}" for name, url in urls if url is not None)
        return f"Ping({', '.join(said)})"

    def _urls(self) -> dict[str, str | None]:
        return {"start": self.start, "success": self.success, "failure": self.failure}


def ping_of(option: str, value: object) -> Ping:
    """Return a `Ping`: the one given, or that of a check as healthchecks.io has them.

    Raises:
        InvalidTaskOption: It is neither, or a URL that cannot be called.

    Example:
        >>> ping_of("ping", "https://hc-ping.com/5af/").failure
        'https://hc-ping.com/5af/fail'
    """
    if isinstance(value, Ping):
        return value
    if not isinstance(value, str):
        raise InvalidTaskOption(option, value, "give a URL, or a Ping of several")
    parts = _split(value)
    path = parts.path.rstrip("/")
    start, failure = (
        parts._replace(path=f"{path}/{end}").geturl() for end in ("start", "fail")
    )
    return Ping(start=start, success=value, failure=failure)


def _split(url: object) -> SplitResult:
    if not isinstance(url, str):
        raise InvalidTaskOption("ping", url, "give the URL as text")
    if not url.isascii() or not url.isprintable() or " " in url:
        problem = "only visible ASCII letters can be sent; write others as %XX"
        raise InvalidTaskOption("ping", _masked(url), problem)
    parts = _parts(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        problem = "give a URL such as 'https://hc-ping.com/UUID'"
        raise InvalidTaskOption("ping", _masked(url), problem)
    if "@" in parts.netloc:
        problem = "it names a user, and that is not sent; leave it out"
        raise InvalidTaskOption("ping", _masked(url), problem)
    return parts


def _masked(url: object) -> str:
    parts = _parts(url) if isinstance(url, str) else None
    if parts is None or not (parts.scheme and parts.hostname):
        return "..."
    return f"{parts.scheme}://{parts.hostname}/..."


def _parts(url: str) -> SplitResult | None:
    # Most tasks have none, and the import would cost each of them.
    from urllib.parse import urlsplit  # noqa: PLC0415

    try:
        parts = urlsplit(url)
        # Read once, because it is only then that a bad one is refused.
        _ = parts.port
    except ValueError:
        return None
    return parts
