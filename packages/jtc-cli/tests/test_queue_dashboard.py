from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import typer
from typer.testing import Result

from jtc.cli.errors import DashboardMissing, NoPassword, PortRefused, UnguardedAddress

Call = Callable[..., Result]
Start = Callable[..., subprocess.Popen[str]]


def address_of(process: subprocess.Popen[str]) -> str:
    """Where a dashboard that was started can be seen."""
    assert process.stderr
    line = process.stderr.readline()
    found = re.search(r"http://\S+", line)
    assert found, line + process.stderr.read()
    return found[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_is_served_until_it_is_stopped(
    start: Start, server_url: str, number: int
) -> None:
    process = start("queue", "dashboard", "--port", "0", "--redis", server_url)
    page = httpx.get(address_of(process))

    process.send_signal(number)
    out, err = process.communicate(timeout=60)

    assert page.status_code == 200
    assert "Overview" in page.text
    assert "server" not in page.headers
    assert (process.returncode, out, err) == (0, "", "")


def test_who_has_to_log_in_is_named_with_a_password_in_the_environment(
    start: Start, server_url: str
) -> None:
    words = ["--host", "0.0.0.0", "--port", "0", "--user", "grace", "--read-only"]
    process = start(
        "queue", "dashboard", *words, REDIS_URL=server_url, JTC_DASHBOARD_PASSWORD="x y"
    )
    url = address_of(process).replace("0.0.0.0", "127.0.0.1")

    assert httpx.get(url).status_code == 401
    assert httpx.get(url, auth=("grace", "x")).status_code == 401
    page = httpx.get(url, auth=("grace", "x y"))
    assert page.status_code == 200
    assert "read only" in page.text


@pytest.mark.parametrize("path", ["/ops/", "ops"])
def test_a_proxy_may_show_it_below_a_path(
    start: Start, server_url: str, path: str
) -> None:
    words = ["--port", "0", "--root-path", path, "--redis", server_url]
    url = address_of(start("queue", "dashboard", *words))

    assert 'href="/ops/failed"' in httpx.get(url).text


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "ops.example"])
def test_it_is_not_shown_to_others_without_a_password(invoke: Call, host: str) -> None:
    with pytest.raises(UnguardedAddress, match="--user NAME"):
        invoke("queue", "dashboard", "--host", host)


def test_who_has_to_log_in_needs_a_password(invoke: Call) -> None:
    with pytest.raises(NoPassword, match="JTC_DASHBOARD_PASSWORD"):
        invoke("queue", "dashboard", "--user", "grace")


def test_a_port_that_is_taken_is_refused(invoke: Call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(PortRefused, match="Name another one with --port"):
            invoke("queue", "dashboard", "--port", port)


def test_without_the_extra_it_says_how_to_get_it(
    invoke: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "jtc.cli.dashboard_server", raising=False)

    with pytest.raises(DashboardMissing, match=r"pip install 'jtc-queue\[dashboard\]'"):
        invoke("queue", "dashboard")


def test_a_url_that_is_none_is_refused_at_once(invoke: Call) -> None:
    with pytest.raises(ValueError, match="redis"):
        invoke("queue", "dashboard", "--redis", "http://localhost", "--port", "0")


def test_the_password_is_asked_for_at_a_terminal(monkeypatch: Any) -> None:
    from jtc.cli import dashboard_server  # noqa: PLC0415 - only this test looks inside

    monkeypatch.delenv("JTC_DASHBOARD_PASSWORD", raising=False)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: "typed")

    assert dashboard_server._users("grace") == {"grace": "typed"}
