from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping

import typer

from jtc.cli.errors import DashboardMissing, NoPassword, PortRefused, UnguardedAddress
from jtc.cli.output import say
from jtc.cli.stopping import stop_at_sigterm

try:
    import uvicorn

    from jtc.dashboard import create_app
    from jtc.dashboard.security.local import is_loopback
except ImportError as error:
    raise DashboardMissing(error) from error

PASSWORD = "JTC_DASHBOARD_PASSWORD"  # noqa: S105 - the name of a variable


def serve_dashboard(
    *,
    host: str,
    port: int,
    user: str | None,
    read_only: bool,
    root_path: str,
    redis: str | None,
) -> None:
    """Serve the dashboard until it is stopped.

    Raises:
        UnguardedAddress: Others could reach it, and nobody would have to log in.
        NoPassword: Somebody has to log in, and there is no password.
        PortRefused: The port is in use, or not ours to take.
        DashboardError: The name or the password could never be given.
        QueueError: A setting is unfit.
    """
    if user is None and not is_loopback(host):
        raise UnguardedAddress(host)
    app = create_app(redis, users=_users(user), read_only=read_only)
    config = uvicorn.Config(
        app,
        root_path=_rooted(root_path),
        # The program's own logging; who only looks at something leaves no line.
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
    )
    with _listen(host, port) as listening, stop_at_sigterm():
        # It ends in good order, and then passes the signal on.
        _Server(config, _url(host, listening)).run(sockets=[listening])


class _Server(uvicorn.Server):
    """Says where it is once it handles signals: somebody may send one at once."""

    def __init__(self, config: uvicorn.Config, url: str) -> None:
        super().__init__(config)
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        say(f"The dashboard is at {self._url} until Ctrl+C.")


def _rooted(path: str) -> str:
    inside = path.strip("/")
    return f"/{inside}" if inside else ""


def _users(name: str | None) -> Mapping[str, str] | None:
    if name is None:
        return None
    password = os.environ.get(PASSWORD, "")
    if not password and sys.stdin.isatty():
        password = typer.prompt(f"Password of {name}", hide_input=True, err=True)
    if not password:
        raise NoPassword(name)
    return {name: password}


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise PortRefused(host, port, error, option="--port") from error


def _url(host: str, listening: socket.socket) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listening.getsockname()[1]}/"
