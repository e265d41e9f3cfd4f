from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

SHOP = Path(__file__).parents[1] / "examples" / "shop"
SCRIPTS = Path(sysconfig.get_path("scripts"))
PATIENCE = 90.0
ORDER = {
    "tenant": "acme",
    "customer": "ada@example.org",
    "article": "tea",
    "cents": 350,
    "card": "4111",
}


class Shop:
    """The web service and a worker of the example, as its page has them started."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._database = folder / "shop.db"
        self._environment = {
            **environment,
            "DATABASE_URL": f"sqlite+aiosqlite:///{self._database}",
            "PATH": f"{SCRIPTS}{os.pathsep}{environment['PATH']}",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def open(self) -> None:
        self._run("python", "-m", "shop.database")
        self._start("worker", "jtc", "queue", "work")
        self._start("web", "uvicorn", "shop.web:app", "--port", "0")
        address = re.compile(r"running on (http://\S+)")
        self._url = self.wait_for(lambda: address.search(self.log("web")))[1]
        self.wait_for(lambda: "nightly_report" in self.log("worker"))

    def log(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text("utf-8")

    def ask(self, method: str, path: str, said: Any = None) -> tuple[int, Any]:
        """Send a request; return the status and what the answer says."""
        request = urllib.request.Request(
            f"{self._url}{path}",
            method=method,
            data=None if said is None else json.dumps(said).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def rows(self, table: str) -> int:
        with closing(sqlite3.connect(self._database)) as connection:
            [count] = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(count)

    def wait_for(self, condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE
        while not (found := condition()):
            for name, process in self._processes.items():
                assert process.poll() is None, self.log(name)
            assert time.monotonic() < deadline, (self.log("web"), self.log("worker"))
            time.sleep(0.05)
        return found

    def close(self, name: str) -> int:
        """Ask a process to stop, as a supervisor does, and return its status."""
        self._processes[name].send_signal(signal.SIGTERM)
        return self._processes[name].wait(PATIENCE)

    def kill(self) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()

    def _run(self, *command: str) -> None:
        program = [sys.executable, *command[1:]]
        subprocess.run(
            program, cwd=SHOP, env=self._environment, check=True, timeout=PATIENCE
        )

    def _start(self, name: str, *command: str) -> None:
        # A command of the page, but for the port.
        assert f"$ {' '.join(command[:3]).removesuffix(' --port')}\n" in page()
        with (self._folder / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                [SCRIPTS / command[0], *command[1:]],
                cwd=SHOP,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


@pytest.fixture
def shop(tmp_path: Path, user_environment: dict[str, str]) -> Iterator[Shop]:
    shop = Shop(tmp_path, user_environment)
    try:
        shop.open()
        yield shop
    finally:
        shop.kill()


# One test, for starting two processes takes longer than all that follows.
@pytest.mark.process
@pytest.mark.slow
def test_the_shop_does_what_its_page_says(shop: Shop) -> None:
    takes_an_order_and_sends_its_invoice(shop)
    leaves_nothing_of_an_order_that_is_not_paid(shop)
    makes_the_nightly_report_when_asked(shop)
    makes_reports_when_a_tenant_wants_them(shop)
    stops_when_told_to(shop)


def takes_an_order_and_sends_its_invoice(shop: Shop) -> None:
    assert shop.ask("POST", "/orders", ORDER) == (201, {"id": 1})
    assert shop.ask("GET", "/orders/1") == (
        200,
        {"id": 1, "customer": "ada@example.org", "article": "tea"},
    )
    invoice = {"status": "complete", "text": "tea, 3.50"}
    shop.wait_for(lambda: shop.ask("GET", "/orders/1/invoice") == (200, invoice))
    mail = "Mail to ada@example.org: Invoice 1: tea, 3.50\n"
    shop.wait_for(lambda: mail in shop.log("worker"))
    # The outbox is empty again
    shop.wait_for(lambda: shop.rows("jtc_outbox") == 0)


def leaves_nothing_of_an_order_that_is_not_paid(shop: Shop) -> None:
    status, said = shop.ask("POST", "/orders", {**ORDER, "card": "0666"})

    assert (status, said["detail"]) == (402, "The card 0666 was not charged 350 cents.")
    assert shop.ask("GET", "/orders/2")[0] == 404
    # An order that comes later has its invoice; the other one has none
    assert shop.ask("POST", "/orders", {**ORDER, "article": "cake"})[0] == 201
    shop.wait_for(lambda: "cake" in shop.log("worker"))
    assert [shop.rows(table) for table in ("orders", "invoices")] == [2, 2]


def makes_the_nightly_report_when_asked(shop: Shop) -> None:
    assert shop.ask("GET", "/reports") == (200, [])

    assert shop.ask("POST", "/reports")[0] == 202

    report = {"orders": 2, "cents": 700}
    shop.wait_for(lambda: shop.ask("GET", "/reports") == (200, [report]))


def makes_reports_when_a_tenant_wants_them(shop: Shop) -> None:
    tenant = {"name": "acme", "every": 1}
    assert shop.ask("POST", "/tenants", tenant) == (201, {"schedule": "report.acme"})
    assert shop.ask("POST", "/tenants", tenant)[0] == 409
    weekly = {"cron": "0 7 * * MON", "timezone": "Europe/Paris"}
    assert shop.ask("POST", "/tenants", {"name": "idle", **weekly})[0] == 201
    status, said = shop.ask("POST", "/tenants", {"name": "odd", "cron": "61 * * * *"})
    assert (status, "minute '61' is not allowed" in said["detail"]) == (422, True)
    assert shop.ask("POST", "/tenants", {"name": "odd"})[0] == 422

    shop.wait_for(lambda: len(shop.ask("GET", "/reports?tenant=acme")[1]) >= 2)
    reports = shop.ask("GET", "/reports?tenant=acme")[1]
    assert reports[0] == {"orders": 2, "cents": 700}
    assert shop.ask("GET", "/reports?tenant=idle") == (200, [])

    assert shop.ask("DELETE", "/tenants/acme") == (204, None)
    assert shop.ask("DELETE", "/tenants/acme")[0] == 404


def stops_when_told_to(shop: Shop) -> None:
    # uvicorn has cleaned up when it passes the signal on
    assert shop.close("web") in (0, -signal.SIGTERM)
    assert shop.close("worker") == 0
    assert "Application shutdown complete." in shop.log("web")
    assert shop.log("worker").endswith("Stopped.\n")
    for name in ("web", "worker"):
        assert "Traceback" not in shop.log(name), shop.log(name)


def test_the_page_names_every_file() -> None:
    files = {f"shop/{path.name}" for path in (SHOP / "shop").glob("[!_]*.py")}

    assert set(re.findall(r"`(shop/\w+\.py)`", page())) == files


def test_the_page_shows_requests_that_there_are() -> None:
    source = (SHOP / "shop" / "web.py").read_text("utf-8")
    routes = set(re.findall(r'@app\.\w+\("/(\w+)', source))

    assert set(re.findall(r"localhost:8000/(\w+)", page())) == {*routes, "docs"}


def page() -> str:
    return (SHOP / "README.md").read_text("utf-8")
