from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import saq
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Dialog,
    Error,
    Page,
    expect,
    sync_playwright,
)

from jtc.queue import QueueMonitor, RedisQueue, open_client
from jtc.queue.embedded import EmbeddedServer

HERE = Path(__file__).parent
PATIENCE = 60.0
expect.set_options(timeout=PATIENCE * 1000 / 2)
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    # It refuses to run as root in a sandbox, as in a container.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # It would ask its maker's servers for one thing and another.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# What attacks do when they succeed.
ATTACKED = "window.attacked !== undefined"


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Where the system's Chromium is."""
    if named := os.environ.get("JTC_BROWSER"):
        return named
    found = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if found is None:
        why = "No Chromium: install one, or name a program in JTC_BROWSER."
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    return found


# Not for the session: where it lives no test can run an event loop of its own.
@pytest.fixture(scope="module")
def chromium(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=FLAGS)
        yield browser
        browser.close()


class Aside:
    """An event loop beside the tests, whose own thread is Playwright's."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, step: Coroutine[Any, Any, Any]) -> Any:
        """Take a step and return what it returned."""
        return asyncio.run_coroutine_threadsafe(step, self._loop).result(PATIENCE)

    def close(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Programs:
    """Programs beside this file, which end with the tests."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[str]] = []

    def start(self, name: str, *arguments: str) -> subprocess.Popen[str]:
        """Start one."""
        command = [sys.executable, "-W", "error", str(HERE / name), *arguments]
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("REDIS_URL", "QUEUE_NAME")
        }
        program = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, text=True
        )
        self._running.append(program)
        return program

    def end(self) -> None:
        """End all of them: workers do not wait for their jobs."""
        for program in self._running:
            program.kill()
            program.communicate()


class Shop:
    """The queues of a little shop, with real workers, and its dashboard."""

    def __init__(self, server: EmbeddedServer, aside: Aside, programs: Programs):
        self.server = server
        self.run = aside.run
        self._url = server.url
        self._programs = programs
        self._queues: dict[str, RedisQueue] = {}

    def queue(self, name: str = "default") -> RedisQueue:
        """Return a queue."""
        if name not in self._queues:
            self._queues[name] = RedisQueue(open_client(self._url), name)
        return self._queues[name]

    def put(
        self,
        job: str,
        *,
        key: str,
        queue: str = "default",
        meta: dict[str, Any] | None = None,
        options: dict[str, Any] | None = None,
        **payload: Any,
    ) -> None:
        """Enqueue a job as if it were dispatched: of a class, with a payload."""
        document = saq.Job(
            "runner",
            key=key,
            kwargs={"job_class": job, "payload": payload},
            meta=meta or {},
            timeout=3600,
            **(options or {}),
        )
        assert self.run(self.queue(queue).enqueue(document))

    def state(self, key: str, queue: str = "default") -> str | None:
        """Return a job's state; None when nothing is known of it."""
        record = self.run(QueueMonitor(self.queue(queue)).job(key))
        return None if record is None else record.state

    def wait_for(self, key: str, state: str | None, queue: str = "default") -> None:
        """Wait until a job is in a state."""
        self.until(lambda: self.state(key, queue) == state)

    def until(self, condition: Callable[[], Any]) -> Any:
        """Wait until a condition holds, and return what it returned."""
        deadline = time.monotonic() + PATIENCE
        while not (found := condition()):
            assert time.monotonic() < deadline, "it has not come to be"
            time.sleep(0.02)
        return found

    def start_worker(
        self, worker: str, *queues: str, metadata: dict[str, Any] | None = None
    ) -> subprocess.Popen[str]:
        """Start a worker and wait until it has said how it is."""
        words = (worker, ",".join(queues or ("default",)), json.dumps(metadata))
        program = self._programs.start("shop_worker.py", self._url, *words)
        queue = self.queue(queues[0] if queues else "default")
        self.until(lambda: self._is_at_work(program, queue, worker))
        return program

    def serve(self, *, port: int = 0, **options: Any) -> str:
        """Start a dashboard and return where it is."""
        words = (self._url, str(port), json.dumps(options))
        program = self._programs.start("dashboard_program.py", *words)
        assert program.stdout
        taken = program.stdout.readline().strip()
        assert taken, "the dashboard did not start"
        return f"http://127.0.0.1:{taken}"

    def close(self) -> None:
        """Leave."""
        for queue in self._queues.values():
            self.run(queue.disconnect())

    def _is_at_work(
        self, program: subprocess.Popen[str], queue: RedisQueue, worker: str
    ) -> bool:
        assert program.poll() is None, f"{worker} has ended"
        workers = self.run(QueueMonitor(queue).workers())
        return any(one.id == worker and one.state == "working" for one in workers)


@pytest.fixture(scope="module")
def aside() -> Iterator[Aside]:
    aside = Aside()
    yield aside
    aside.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, aside: Aside) -> Iterator[Shop]:
    """A shop with a server of its own, without workers yet."""
    programs = Programs()
    with EmbeddedServer(tmp_path_factory.mktemp("shop")) as server:
        shop = Shop(server, aside, programs)
        yield shop
        # Before the server: they would complain that it is away.
        programs.end()
        shop.close()


@pytest.fixture(scope="module")
def site(shop: Shop) -> str:
    """Where the shop's dashboard is."""
    return shop.serve()


class Visit:
    """Somebody's look at a dashboard, and all that went wrong on its pages.

    Attributes:
        page: The page.
        faults: What went wrong.
    """

    def __init__(self, page: Page, site: str) -> None:
        self.page = page
        self.faults: list[str] = []
        self._site = site
        self._forgiven: list[str] = []
        page.on("console", self._hear)
        page.on("dialog", self._dismiss)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("request", lambda request: self._check_address(request.url))

    def open(self, path: str, **query: str) -> Page:
        """Go to a page of the dashboard."""
        words = "&".join(f"{name}={quote(text)}" for name, text in query.items())
        self.page.goto(f"{path}?{words}" if words else path)
        return self.page

    def forgive(self, pattern: str) -> None:
        """Let a test provoke what is a fault elsewhere."""
        self._forgiven.append(pattern)

    def hears(self, text: str) -> None:
        """Wait until the page says what an action came to."""
        expect(self.page.locator("#said")).to_contain_text(text)

    def end(self) -> list[str]:
        """Leave, and return what went wrong."""
        if not self.page.is_closed():
            if self._is_attacked():
                self.faults.append("attacked")
            self.page.context.close()
        return [
            fault
            for fault in self.faults
            if not any(re.search(pattern, fault) for pattern in self._forgiven)
        ]

    def _is_attacked(self) -> bool:
        try:
            return bool(self.page.evaluate(ATTACKED))
        except Error:
            # It was on its way to another page.
            self.page.wait_for_load_state()
            return bool(self.page.evaluate(ATTACKED))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"{message.type}: {message.text}")

    def _dismiss(self, dialog: Dialog) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _check_address(self, url: str) -> None:
        if not url.startswith((f"{self._site}/", "data:")):
            self.faults.append(f"asked elsewhere: {url}")


StartVisit = Callable[..., Visit]


@pytest.fixture
def visit(chromium: Browser, site: str) -> Iterator[StartVisit]:
    """Look at a dashboard; whatever goes wrong on its pages fails the test.

    The options are those of a context of Playwright's.
    """
    visits: list[Visit] = []

    def start(where: str = site, **options: Any) -> Visit:
        size = {"width": 1280, "height": 800}
        context = chromium.new_context(base_url=where, **{"viewport": size, **options})
        context.set_default_timeout(PATIENCE * 1000 / 2)
        visits.append(Visit(context.new_page(), where))
        return visits[-1]

    yield start
    faults = [fault for one in visits for fault in one.end()]
    assert not faults, faults
