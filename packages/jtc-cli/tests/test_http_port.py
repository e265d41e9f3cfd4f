from __future__ import annotations

import http.client
import json
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from http import HTTPStatus
from typing import Any

import pytest
from typer.testing import Result

from jtc.cli import http_port, serving
from jtc.cli.census import Census
from jtc.cli.endpoints import Address, Endpoints
from jtc.cli.errors import MetricsMissing, PortRefused
from jtc.cli.http_port import Answer, HttpPort
from jtc.cli.snapshot_sum import NOTHING

ANY = Address("127.0.0.1", 0)
Reply = tuple[int, dict[str, str], bytes]


def ask(url: str, path: str, method: str = "GET", **headers: str) -> Reply:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, dict(response.getheaders()), body


def connect(port: HttpPort) -> socket.socket:
    address: Any = port._server.server_address
    return socket.create_connection(address)


@pytest.fixture
def port() -> Iterator[HttpPort]:
    pages = {"/page": lambda accept: Answer(HTTPStatus.OK, "text/x", accept.encode())}
    with HttpPort(ANY, pages) as opened:
        yield opened


def test_a_page_is_answered(port: HttpPort) -> None:
    status, headers, body = ask(port.url, "/page?x=1", Accept="this")

    assert (status, headers["Content-Type"], body) == (200, "text/x", b"this")
    assert headers["Cache-Control"] == "no-store"


def test_who_asks_for_the_head_gets_no_body(port: HttpPort) -> None:
    status, headers, body = ask(port.url, "/page", "HEAD", Accept="this")

    assert (status, headers["Content-Length"], body) == (200, "4", b"")


def test_another_path_names_those_that_there_are(port: HttpPort) -> None:
    assert ask(port.url, "/")[::2] == (404, b"/page\n")


def test_a_fault_is_said_to_who_asks_and_to_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(accept: str) -> Answer:
        raise ValueError("no such metric")

    with HttpPort(ANY, {"/page": broken}) as port:
        status, _, body = ask(port.url, "/page")

    assert (status, body) == (500, b"This could not be answered; the log tells more.\n")
    assert [record.__dict__["action"] for record in caplog.records] == ["port_fault"]
    assert "no such metric" in caplog.text


def test_nothing_but_reading_is_possible(port: HttpPort) -> None:
    assert ask(port.url, "/page", "POST")[0] == HTTPStatus.NOT_IMPLEMENTED


def test_who_says_nothing_does_not_keep_others_waiting(
    port: HttpPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_port._Handler, "timeout", 0.1)
    silent = [connect(port) for _ in range(3)]

    assert ask(port.url, "/page")[0] == 200
    # And it is let go of
    assert [one.recv(1) for one in silent] == [b""] * 3
    for one in silent:
        one.close()


def test_one_that_goes_without_its_answer_is_no_error(
    port: HttpPort, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(5):
        with connect(port) as caller:
            caller.sendall(b"GET /page HTTP/1.1\r\n\r\n")
    assert ask(port.url, "/page")[0] == 200
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_port_that_is_in_use_is_refused(port: HttpPort, host: str) -> None:
    number = port._server.server_address[1]

    with pytest.raises(PortRefused, match=f"port {number} of {host}: Address already"):
        HttpPort(Address(host, number), {})


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1"])
def test_an_address_that_is_not_ours_is_refused(host: str) -> None:
    with pytest.raises(PortRefused, match="Name another one with --metrics-port"):
        HttpPort(Address(host, 0), {})


@pytest.mark.skipif(not socket.has_ipv6, reason="there is no IPv6")
def test_an_address_may_be_of_ipv6() -> None:
    try:
        opened = HttpPort(
            Address("::1", 0), {"/": lambda _: Answer(HTTPStatus.OK, "t", b"")}
        )
    except PortRefused:
        pytest.skip("this machine has no IPv6")
    with opened:
        assert opened.url.startswith("http://[::1]:")
        assert ask(opened.url, "/")[0] == 200


# -- what is there ---------------------------------------------------------------------

Open = Callable[..., dict[str, str]]


@pytest.fixture
def opened(capsys: pytest.CaptureFixture[str]) -> Iterator[Open]:
    """Open the endpoints of a census; return the URL of each path."""
    with ExitStack() as stack:

        def open_them(endpoints: Endpoints, census: Census) -> dict[str, str]:
            served: AbstractContextManager[None] = serving.serving(endpoints, census)
            stack.enter_context(served)
            urls: dict[str, str] = {}
            for line in capsys.readouterr().err.splitlines():
                _, _, url, *paths = line.rstrip(".").split(" ")
                urls |= {path.rstrip(","): url.rstrip(":") for path in paths}
            return urls

        yield open_them


def working(**more: Any) -> dict[str, Any]:
    return {**NOTHING, "processes": 1, "state": "working", "redis": True, **more}


def test_metrics_and_probes_share_a_port_if_they_are_told_to(opened: Open) -> None:
    census = Census(processes=1, looks=True)
    census.hear(census.join(1, list), working(disruptions=5))

    urls = opened(Endpoints(metrics=ANY, health=ANY), census)

    assert len(set(urls.values())) == 1
    assert b"jtc_redis_disruptions_total 5.0" in ask(urls["/metrics"], "/metrics")[2]
    assert ask(urls["/livez"], "/livez")[0] == 200
    assert ask(urls["/readyz"], "/readyz")[0] == 200


def test_each_can_have_a_port_of_its_own(opened: Open) -> None:
    census = Census(processes=1, looks=True)
    other = Address("localhost", 0)

    urls = opened(Endpoints(metrics=ANY, health=other), census)

    assert urls["/metrics"] != urls["/livez"] == urls["/readyz"]
    assert ask(urls["/livez"], "/metrics")[0] == 404
    assert ask(urls["/metrics"], "/livez")[0] == 404


def test_open_metrics_are_given_to_who_asks_for_them(opened: Open) -> None:
    urls = opened(Endpoints(metrics=ANY), Census(processes=1, looks=True))
    accept = "application/openmetrics-text; version=1.0.0"

    _, headers, body = ask(urls["/metrics"], "/metrics", Accept=accept)

    assert headers["Content-Type"].startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


def test_all_processes_have_to_be_ready(opened: Open) -> None:
    # Given one that works, one that starts and one that is dead
    census = Census(processes=3, looks=False)
    census.hear(census.join(1, list), working())
    census.join(2, list)
    urls = opened(Endpoints(health=ANY), census)
    # When
    status, headers, body = ask(urls["/readyz"], "/readyz")
    # Then
    assert (status, headers["Content-Type"]) == (503, "application/json")
    assert json.loads(body) == {
        "status": "failing",
        "processes": {
            "1": {"worker": "ok", "loop": "ok", "redis": "ok"},
            "2": {"worker": "starting"},
            "3": {"worker": "is not there"},
        },
    }
    # But none of this is a reason to kill it
    assert ask(urls["/livez"], "/livez")[0] == 200


def test_one_process_that_hangs_is_a_reason_to_start_all_again(opened: Open) -> None:
    census = Census(processes=2, looks=False)
    census.hear(census.join(1, list), working(turned=-1e9))
    census.hear(census.join(2, list), working())
    urls = opened(Endpoints(health=ANY), census)

    status, _, body = ask(urls["/livez"], "/livez")

    assert status == 503
    assert "has not turned" in json.loads(body)["processes"]["1"]["loop"]


def test_without_the_extra_health_is_told_and_metrics_are_refused(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jtc.metrics.exposition", None)
    census = Census(processes=1, looks=False)

    urls = opened(Endpoints(health=ANY), census)

    assert ask(urls["/livez"], "/livez")[0] == 200
    with pytest.raises(MetricsMissing, match=r"jtc-queue\[metrics\]"):
        opened(Endpoints(metrics=ANY), census)


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_number_that_is_no_port_is_refused(
    invoke: Callable[..., Result], port: str
) -> None:
    answer = invoke("queue", "work", "--metrics-port", port)

    assert answer.exit_code == 2
    assert "--metrics-port" in answer.stderr
