"""The fixtures as a project sees them that has installed jtc-queue and pytest."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

RunTests = Callable[..., "subprocess.CompletedProcess[str]"]

SHOP = """
from jtc.jobs import Job
from jtc.schedule import Schedule


class SendInvoice(Job):
    order_id: int

    async def handle(self):
        return f"invoice {self.order_id}"


@Schedule.cron("0 9 * * *", timezone="Europe/Paris")
async def report(ctx):
    await SendInvoice.dispatch(order_id=0)
"""


@pytest.fixture
def run_tests(tmp_path: Path) -> RunTests:
    """Write a test file beside shop.py and run it."""

    def run(source: str, *options: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "shop.py").write_text(SHOP, encoding="utf-8")
        test = tmp_path / "test_shop.py"
        test.write_text(textwrap.dedent(source), encoding="utf-8")
        ours = ("QUEUE_", "JTC_", "PYTEST_", "REDIS_")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        rules = ["-q", "-W", "error", "-p", "no:cacheprovider", "--rootdir", "."]
        if "no:asyncio" not in options:
            rules += ["-o", "asyncio_default_fixture_loop_scope=function"]
        return subprocess.run(
            [sys.executable, "-m", "pytest", *rules, *options, test.name],
            cwd=tmp_path,
            env={**environment, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


A_DAY = """
from datetime import UTC, datetime

import pytest

from jtc.testing import assert_scheduled
from shop import SendInvoice


MARK
async def test_a_day(jtc_queue, jtc_clock):
    jtc_clock.set(datetime(2026, 3, 1, tzinfo=UTC))
    handle = await SendInvoice.dispatch(order_id=7)
    jtc_queue.assert_dispatched(SendInvoice, order_id=7)
    jtc_clock.travel(hours=24)

    ran = await jtc_queue.drain()

    assert [one.result for one in ran] == [None, "invoice 0", "invoice 7"]
    assert await handle.status() == "complete"
    jtc_clock.travel(hours=1)
    assert await handle.status() == "unknown"


MARK
async def test_the_next_test_knows_nothing_of_it(jtc_queue):
    jtc_queue.assert_nothing_dispatched()
    assert await jtc_queue.run_pending() == []


def test_a_synchronous_test(jtc_queue):
    SendInvoice.dispatch_blocking(order_id=7)
    jtc_queue.assert_dispatched(SendInvoice, times=1)


def test_a_schedule():
    assert_scheduled("report", at="2026-03-02 09:00", timezone="Europe/Paris")
"""


ANYIO = """
@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])"""


@pytest.mark.parametrize(
    ("marks", "options"),
    [
        ("@pytest.mark.asyncio", ["--asyncio-mode=strict", "-n", "2"]),
        (ANYIO, ["-p", "no:asyncio"]),
    ],
    ids=["strict and xdist", "anyio"],
)
def test_a_project_tests_its_jobs(
    run_tests: RunTests, marks: str, options: list[str]
) -> None:
    done = run_tests(A_DAY.replace("MARK", marks), *options)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def test_a_failed_assertion_shows_its_message_and_the_line_of_the_test(
    run_tests: RunTests,
) -> None:
    done = run_tests(
        """
        from shop import SendInvoice


        async def test_order(jtc_queue):
            await SendInvoice.dispatch(order_id=8)
            jtc_queue.assert_dispatched(SendInvoice, order_id=7)


        def test_two_servers(jtc_queue, jtc_server): ...
        """,
        "--asyncio-mode=auto",
    )

    assert done.returncode == 1
    refusal = "AssertionError: SendInvoice(order_id=7) was not dispatched. Dispatched:"
    lines = done.stdout.partition("test_order")[2].splitlines()
    shown = [line for line in lines if line.startswith(("E ", ">"))]
    assert shown[-3:] == [
        ">       jtc_queue.assert_dispatched(SendInvoice, order_id=7)",
        f"E       {refusal}",
        "E         SendInvoice(order_id=8) in queue 'default'",
    ]
    assert "dispatch_assertions.py" not in done.stdout
    assert "TwoServers: jtc_server and jtc_queue both say where jobs go" in done.stdout


def test_who_does_not_use_them_imports_nothing_for_them(run_tests: RunTests) -> None:
    done = run_tests(
        """
        import sys


        def test_nothing_of_ours_is_loaded(request):
            assert request.config.pluginmanager.has_plugin("jtc")
            heavy = ("jtc.jobs", "jtc.testing", "redis", "saq", "fakeredis", "lagom")
            assert [name for name in heavy if name in sys.modules] == []
        """
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_what_a_test_declares_stays_in_it(run_tests: RunTests) -> None:
    done = run_tests(
        """
        from jtc.jobs import Job, known_jobs
        from jtc.schedule import Schedule, ScheduleRegistry

        import shop


        def test_declaring(jtc_registry):
            assert ScheduleRegistry.get_all() == []

            @Schedule.every(60)
            async def only_here(ctx): ...

            class OnlyHere(Job, name="only_here"):
                async def handle(self): ...

            assert [task.name for task in jtc_registry.get_all()] == ["only_here"]
            assert known_jobs.get("only_here") is OnlyHere


        def test_after_it():
            assert [task.name for task in ScheduleRegistry.get_all()] == ["report"]
            assert known_jobs.get("only_here") is None
            assert known_jobs.get("shop.SendInvoice") is shop.SendInvoice
        """
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_real_server_is_started_once_and_empty_for_each_test(
    run_tests: RunTests,
) -> None:
    done = run_tests(
        """
        import pytest
        import redis

        from jtc.jobs import JobManager, default_container, runner, set_container
        from jtc.queue import Worker
        from shop import SendInvoice

        urls = set()


        @pytest.mark.parametrize("order_id", [1, 2])
        async def test_the_whole_way(jtc_server, jtc_server_process, order_id):
            assert jtc_server == jtc_server_process.url
            urls.add(jtc_server)
            assert len(urls) == 1
            with redis.Redis.from_url(jtc_server) as client:
                assert client.dbsize() == 0
            await SendInvoice.dispatch(order_id=order_id)
            set_container(default_container())
            worker = Worker(JobManager.get_queue(), [("runner", runner)], burst=True)
            await worker.start()
            assert worker.queue.complete == 1
        """,
        "--asyncio-mode=auto",
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
