from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request

ROOT = "jtc.dashboard.root"


@dataclass(frozen=True, slots=True)
class Links:
    """Writes links within the dashboard, wherever it is mounted.

    Names stand behind the question mark: a queue may be called "..", and a job's key
    may hold anything.

    Attributes:
        root: The path below which it is mounted.

    Example:
        >>> Links("/ops")("/job", queue="default", id="a/b", state=None)
        '/ops/job?queue=default&id=a%2Fb'
    """

    root: str

    def __call__(self, path: str, **query: object) -> str:
        """Return a link; what is None or "" is left out of the query."""
        said = {name: str(v) for name, v in query.items() if v not in (None, "")}
        # A name may hold half of a pair of surrogates, which no link can.
        query_text = urlencode(said, errors="replace")
        return f"{self.root}{path}?{query_text}" if said else f"{self.root}{path}"


def links_of(request: Request) -> Links:
    """Return the links for whoever asks."""
    root = request.scope.get(ROOT, request.scope.get("root_path", ""))
    return Links(str(root).rstrip("/"))


def path_of(request: Request) -> str:
    """Return the path that was asked for, as `Links` takes it."""
    path = str(request.scope["path"])
    # A proxy may take the root off the path, or leave it there.
    inside = path.removeprefix(links_of(request).root)
    return inside if inside.startswith("/") else path


def is_own_path(path: str, links: Links) -> bool:
    """Tell whether somebody can be sent to a path without leaving the dashboard.

    Example:
        >>> [is_own_path(path, Links("")) for path in ("/jobs?a=1", "//evil", "jobs")]
        [True, False, False]
    """
    inside = path.startswith(f"{links.root}/")
    # Browsers take a back slash for a slash, and leave out line breaks.
    return (
        inside and not path.startswith("//") and path.isprintable() and "\\" not in path
    )
