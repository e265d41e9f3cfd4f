from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from jtc.queue import (
    RedisQueue,
    TaskFunction,
    Worker,
    background,
    ping_call,
    pings,
    task_function_name,
)
from jtc.queue.background import close_backgrounds
from jtc.queue.claims import Claims
from jtc.queue.pings import Pings
from jtc.schedule import Ping, Secret

Eventually = Callable[..., Awaitable[Any]]
Context = dict[str, Any]


class Checks(ThreadingHTTPServer):
    """What answers pings, on a port of this machine.

    Attributes:
        called: Method, path and body of each call.
        answers: What the next calls are answered with; 200 after these.
        was_called: Set by the first call.
        may_answer: Until it is set nobody is answered.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        self.called: list[tuple[str, str, str]] = []
        self.answers: list[int] = []
        self.location = ""
        self.was_called = threading.Event()
        self.may_answer = threading.Event()
        self.may_answer.set()
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/5af"

    @property
    def paths(self) -> list[str]:
        return [path for _, path, _ in self.called]


class Handler(BaseHTTPRequestHandler):
    server: Checks

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length).decode()
        self.server.called.append((self.command, self.path, body))
        self.server.was_called.set()
        self.server.may_answer.wait(60)
        answer = self.server.answers.pop(0) if self.server.answers else 200
        try:
            self.send_response(answer)
            if answer == 302:
                self.send_header("Location", self.server.location)
            self.end_headers()
        except OSError:
            # Nobody waits any more.
            self.close_connection = True

    do_POST = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Checks]:
    monkeypatch.setattr(pings, "WAITS", (0.01, 0.01))
    monkeypatch.setattr(pings, "_troubled", set())
    # However loaded the machine is.
    monkeypatch.setattr(background, "PATIENCE", 60)
    server = Checks()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.may_answer.set()
    server.shutdown()
    server.server_close()
    thread.join()


async def run(ticking: Any, task: Any, minute: float = 0) -> None:
    """Fire a task and run its job, as often as there are tries; wait for the pings."""
    await ticking.fire(task, minute)
    worker = ticking.worker(task)
    while await worker.process():
        pass
    await close_backgrounds()


async def test_a_tick_pings_when_it_starts_and_when_it_has_run(
    ticking: Any, checks: Checks
) -> None:
    await run(ticking, ticking.task(ping=checks.url))
    assert checks.called == [("GET", "/5af/start", ""), ("GET", "/5af", "")]


async def test_a_failure_says_what_went_wrong_after_the_last_attempt(
    ticking: Any, checks: Checks
) -> None:
    async def boom(ctx: Context) -> None:
        raise ValueError("no figüres")

    await run(ticking, ticking.task(boom, ping=checks.url, tries=3))
    assert checks.called == [
        ("GET", "/5af/start", ""),
        ("POST", "/5af/fail", "ValueError: no figüres"),
    ]


async def test_a_tick_whose_time_is_up_has_failed(ticking: Any, checks: Checks) -> None:
    async def hang(ctx: Context) -> None:
        await asyncio.Event().wait()

    await run(ticking, ticking.task(hang, ping=checks.url, timeout=1))
    assert checks.paths == ["/5af/start", "/5af/fail"]
    assert "1 s" in checks.called[1][2]


async def test_only_the_urls_that_there_are_are_called(
    ticking: Any, checks: Checks
) -> None:
    async def boom(ctx: Context) -> None:
        raise ValueError

    await run(ticking, ticking.task(ping=Ping(failure=checks.url)))
    await run(ticking, ticking.task(boom, ping=Ping(success=checks.url)), 1)
    assert checks.called == []
    await run(ticking, ticking.task(boom, ping=Ping(failure=checks.url)), 2)
    assert checks.paths == ["/5af"]


async def test_a_skipped_tick_does_not_ping(ticking: Any, checks: Checks) -> None:
    await run(ticking, ticking.task(ping=checks.url, when=lambda: False))
    assert checks.called == []


async def test_a_secret_of_the_payload_is_not_sent(
    ticking: Any, checks: Checks
) -> None:
    async def boom(ctx: Context, token: Secret[str]) -> None:
        raise ValueError(f"refused {token}")

    task = ticking.task(boom, ping=checks.url, payload={"token": "s3cret-token"})
    await run(ticking, task)
    assert checks.called[1][2] == "ValueError: refused ***"


async def test_a_schedule_of_another_name_does_not_ping_for_the_task(
    ticking: Any, queue: RedisQueue, checks: Checks
) -> None:
    task = ticking.task(ping=checks.url)
    function = TaskFunction(task)
    await ticking.fire(ticking.task(name="other"))
    (job,) = (await Claims(queue, "worker").take(1)).jobs
    tick = type("Tick", (), {"name": "other", "manual": True})()
    await function({"job": job, "tick": tick})
    # Nor does a call without a worker
    await function({})
    await close_backgrounds()
    assert checks.called == []


async def test_a_task_may_be_run_without_its_pings(
    ticking: Any, queue: RedisQueue, checks: Checks
) -> None:
    task = ticking.task(ping=checks.url)
    await ticking.fire(task)
    function = TaskFunction(task, pings=False)
    await Worker(queue, [(task_function_name(task), function)]).process()
    await close_backgrounds()
    assert await ticking.outcomes() == [("ran", 1)]
    assert checks.called == []


# -- what does not answer --------------------------------------------------------------


async def test_a_host_that_hangs_does_not_delay_the_task(
    ticking: Any, checks: Checks, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a host that takes calls and does not answer
    checks.may_answer.clear()
    order: list[str] = []

    async def work(ctx: Context) -> None:
        order.append("run")

    task = ticking.task(work, ping=checks.url, on_success=lambda _: order.append("end"))
    await ticking.fire(task)
    worker = ticking.worker(task)
    # When the tick runs
    assert await worker.process()
    # Then it has run, and is recorded, before the host has answered anything
    assert order == ["run", "end"]
    assert await ticking.outcomes() == [("ran", 1)]
    assert "/5af" not in checks.paths
    # And once it answers, it is told all of it
    checks.may_answer.set()
    await close_backgrounds()
    assert checks.paths == ["/5af/start", "/5af"]


async def test_a_host_that_hangs_does_not_keep_a_worker_from_ending(
    *,
    ticking: Any,
    checks: Checks,
    working: Any,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(background, "PATIENCE", 0.05)
    checks.may_answer.clear()
    task = ticking.task(ping=checks.url)
    async with working(ticking.worker(task)):
        await ticking.fire(task)
        await eventually(lambda: checks.paths == ["/5af/start"])
    assert await ticking.outcomes() == [("ran", 1)]


async def test_a_worker_that_ends_gives_the_last_pings_a_moment(
    ticking: Any, checks: Checks, working: Any, eventually: Eventually
) -> None:
    async def slowly(ctx: Context) -> None:
        began.set()
        await asyncio.sleep(0.05)

    began = asyncio.Event()
    task = ticking.task(slowly, ping=checks.url)
    async with working(ticking.worker(task)):
        await ticking.fire(task)
        await began.wait()
    assert checks.paths == ["/5af/start", "/5af"]


async def test_a_call_that_fails_is_tried_two_times_more(
    checks: Checks, caplog: pytest.LogCaptureFixture
) -> None:
    checks.answers = [500, 429]
    one = a_task_of(checks)
    one.succeeded()
    await close_backgrounds()
    assert checks.paths == ["/5af"] * 3
    assert caplog.records == []


async def test_an_outage_of_a_host_is_said_once_and_its_url_never(
    checks: Checks, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a host that fails for a while, and two tasks that ping it
    checks.answers = [503] * 3
    first, second = a_task_of(checks), a_task_of(checks, "other")
    with caplog.at_level(logging.DEBUG, "jtc"):
        first.started()
        await close_backgrounds()
        # When it is known to be away, each is sent once only
        checks.answers = [503] * 2
        second.started()
        first.succeeded()
        await close_backgrounds()
    assert len(checks.called) == 5
    (line,) = caplog.records
    assert line.__dict__["action"] == "ping_failed"
    assert line.getMessage() == (
        "Could not ping 127.0.0.1 for task report: it answered 503. This is not said "
        "again until it answers."
    )
    # And after it has answered, the next outage is said again
    first.succeeded()
    await close_backgrounds()
    checks.answers = [503] * 3
    second.succeeded()
    await close_backgrounds()
    assert len(caplog.records) == 2
    assert "5af" not in caplog.text


async def test_a_url_that_is_refused_is_not_tried_again_and_no_outage(
    checks: Checks, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a check that somebody removed
    one, other = a_task_of(checks), a_task_of(checks, "other")
    for _ in range(3):
        checks.answers = [404]
        one.succeeded()
        await close_backgrounds()
        # While another one is there
        other.succeeded()
        await close_backgrounds()
    assert len(checks.called) == 6
    (line,) = caplog.records
    assert "for task report: it answered 404" in line.getMessage()


@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "ftp://127.0.0.1/5af", "http://127.0.0.1:1/secret"],
)
async def test_a_redirect_leads_to_nothing_but_http(
    checks: Checks, caplog: pytest.LogCaptureFixture, location: str
) -> None:
    checks.answers = [302] * 3
    checks.location = location
    a_task_of(checks).succeeded()
    await close_backgrounds()
    (line,) = caplog.records
    assert "Could not ping 127.0.0.1 for task report" in line.getMessage()
    assert "passwd" not in caplog.text
    assert "secret" not in caplog.text


async def test_a_redirect_is_followed(checks: Checks) -> None:
    checks.answers = [302]
    checks.location = f"{checks.url}/moved"
    a_task_of(checks).failed("boom")
    await close_backgrounds()
    assert checks.called == [("POST", "/5af/fail", "boom"), ("GET", "/5af/moved", "")]


async def test_a_host_that_is_not_there_is_warned_of(
    checks: Checks, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    Pings("report", Ping(success=f"http://127.0.0.1:{port}/5af")).succeeded()
    await close_backgrounds()
    (line,) = caplog.records
    assert "refused" in line.getMessage()
    assert "5af" not in caplog.text


async def test_a_name_that_is_not_known_is_warned_of(
    checks: Checks, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*args: Any, **keywords: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    Pings("report", Ping(success="http://beat.example/5af")).succeeded()
    await close_backgrounds()
    (line,) = caplog.records
    assert "Could not ping beat.example" in line.getMessage()
    assert "Name or service not known" in line.getMessage()


async def test_a_host_that_does_not_answer_in_time_is_given_up(
    checks: Checks, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ping_call, "TIMEOUT", 0.05)
    checks.may_answer.clear()
    a_task_of(checks).started()
    await close_backgrounds()
    (line,) = caplog.records
    assert "TimeoutError" in line.getMessage() or "timed out" in line.getMessage()
    assert checks.paths == ["/5af/start"] * 3


async def test_a_host_that_speaks_something_else_is_warned_of(
    checks: Checks, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def garble(self: Handler) -> None:
        self.server.called.append((self.command, self.path, ""))
        self.wfile.write(b"SSH-2.0 5af\r\n\r\n")
        self.close_connection = True

    monkeypatch.setattr(Handler, "do_GET", garble)
    a_task_of(checks).succeeded()
    await close_backgrounds()
    (line,) = caplog.records
    assert "BadStatusLine" in line.getMessage()
    assert "5af" not in caplog.text


async def test_proxies_of_the_environment_are_not_used(
    checks: Checks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    a_task_of(checks).succeeded()
    await close_backgrounds()
    assert checks.paths == ["/5af"]


async def test_of_a_host_that_hangs_the_newest_pings_are_kept(
    checks: Checks, eventually: Eventually
) -> None:
    # Given a host that hangs while a task ticks on
    checks.may_answer.clear()
    one = a_task_of(checks)
    one.started()
    await eventually(lambda: checks.called)
    for n in range(50):
        one.failed(str(n))
    # When it answers again
    checks.may_answer.set()
    await close_backgrounds()
    # Then it is told how it stands, not all that was
    assert [body for _, _, body in checks.called[1:]] == [str(n) for n in range(40, 50)]


def test_pings_go_on_in_another_loop(checks: Checks) -> None:
    # Given a loop that stands still while it sends a ping
    one = a_task_of(checks)
    checks.may_answer.clear()

    async def start() -> None:
        one.started()
        await asyncio.to_thread(wait_for_call, checks)

    async def succeed() -> None:
        one.succeeded()
        checks.may_answer.set()
        await close_backgrounds()

    first = asyncio.new_event_loop()
    first.run_until_complete(start())
    # When the task runs in another one
    asyncio.run(succeed())
    # Then it pings there
    assert checks.paths[-1] == "/5af"
    first.run_until_complete(close_backgrounds())
    first.run_until_complete(first.shutdown_default_executor())
    first.close()


def wait_for_call(checks: Checks) -> None:
    assert checks.was_called.wait(60)


def a_task_of(checks: Checks, name: str = "report") -> Pings:
    return Pings(
        name,
        Ping(
            start=f"{checks.url}/start",
            success=checks.url,
            failure=f"{checks.url}/fail",
        ),
    )
