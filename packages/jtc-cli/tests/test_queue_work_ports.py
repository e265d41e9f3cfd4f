"""`jtc queue work --metrics-port --health-port`, as Prometheus and probes see it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families

Start = Callable[..., subprocess.Popen[str]]
Write = Callable[[str, str], Path]

DEADLINE = 60.0
PORTS = ("--metrics-port", "0", "--health-port", "0")
TASKS = """
import os, time
from jtc.jobs import Job, JobManager
from jtc.schedule import Schedule


@Schedule.every(1)
async def beat(ctx):
    await JobManager.get_redis().rpush("beats", os.getpid())


class Block(Job):
    async def handle(self):
        time.sleep(3600)
"""


class Site:
    """What a worker answers."""

    def __init__(self, worker: subprocess.Popen[str]) -> None:
        assert worker.stderr is not None
        lines = iter(worker.stderr)
        found = next(m for m in map(PLACE.search, lines) if m)
        self.port = int(found[1])

    def get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        return response.status, body

    def health(self, path: str) -> tuple[int, dict[str, Any]]:
        status, body = self.get(path)
        return status, json.loads(body)["processes"]

    def value(self, metric: str, /, **labels: str) -> float:
        """The sum of a metric's samples."""
        _, text = self.get("/metrics")
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == metric and labels.items() <= sample.labels.items()
        )

    def waits_for(self, condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + DEADLINE
        while not (found := condition()):
            assert time.monotonic() < deadline, self.get("/metrics")
            time.sleep(0.05)
        return found


PLACE = re.compile(r"Answering at http://0\.0\.0\.0:(\d+)")


@pytest.fixture
def client(server_url: str, write: Write) -> Iterator[redis.Redis]:
    """The suite's server, emptied, and a project with a task."""
    write("tasks.py", TASKS)
    with redis.Redis.from_url(server_url, decode_responses=True) as client:
        client.flushall()
        yield client


def done(site: Site) -> float:
    return site.value("jtc_jobs_total", name="task:beat", outcome="complete")


def test_a_worker_tells_its_metrics_and_how_it_is(
    start: Start, server_url: str, client: redis.Redis
) -> None:
    worker = start("queue", "work", "--redis", server_url, *PORTS)
    site = Site(worker)

    site.waits_for(lambda: site.health("/readyz")[0] == 200)
    site.waits_for(lambda: done(site) >= 1)
    site.waits_for(lambda: site.value("jtc_workers", queue="default") == 1)

    assert site.health("/livez") == (200, {"1": {"loop": "ok"}})
    assert site.health("/readyz")[1]["1"]["scheduler"] == "ok"
    assert site.value("jtc_worker_processes") == 1
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(DEADLINE) == 0


@pytest.mark.slow
def test_the_numbers_of_processes_are_added_and_outlive_them(
    start: Start, server_url: str, client: redis.Redis
) -> None:
    worker = start("queue", "work", "-p", "2", "--redis", server_url, *PORTS)
    site = Site(worker)
    # Given two processes that have told what they did
    site.waits_for(lambda: site.health("/readyz")[0] == 200)
    site.waits_for(lambda: site.value("jtc_worker_processes") == 2)
    site.waits_for(lambda: site.value("jtc_workers") == 2)
    before = site.waits_for(lambda: done(site))
    # When one that has worked is killed
    beats: Any = client.lrange("beats", 0, 0)
    os.kill(int(beats[0]), signal.SIGKILL)
    # Then nothing that was told goes down, and the other goes on
    site.waits_for(lambda: site.value("jtc_worker_processes") == 1)
    assert done(site) >= before
    site.waits_for(lambda: site.value("jtc_worker_processes") == 2)
    site.waits_for(lambda: done(site) > before)
    # And one of them looks at the queues
    beat = site.value("jtc_task_last_success_timestamp_seconds", task="beat")
    site.waits_for(
        lambda: (
            site.value("jtc_task_last_success_timestamp_seconds", task="beat") > beat
        )
    )
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(DEADLINE) == 0


@pytest.mark.parametrize("processes", [(), ("-p", "2")])
def test_a_port_in_use_is_told_before_anything_begins(
    start: Start, server_url: str, client: redis.Redis, processes: tuple[str, ...]
) -> None:
    site = Site(start("queue", "work", "--redis", server_url, "--health-port", "0"))
    words = ("--health-port", str(site.port), "--redis", server_url, *processes)

    out, err = start("queue", "work", *words).communicate(timeout=DEADLINE)

    assert out == ""
    assert err.startswith(f"Error: Cannot listen on port {site.port} of 0.0.0.0: ")
    assert err.count("\n") <= 2


@pytest.mark.slow
def test_a_worker_whose_server_is_away_is_alive_and_not_ready(
    start: Start, client: redis.Redis
) -> None:
    worker = start("queue", "work", "--embedded", "--health-port", "0")
    site = Site(worker)
    site.waits_for(lambda: site.health("/readyz")[0] == 200)
    assert worker.stderr is not None
    line = next(line for line in worker.stderr if "Embedded server started" in line)
    found = re.search(r"pid (\d+)", line)
    assert found is not None

    # It takes until a call counts as lost.
    os.kill(int(found[1]), signal.SIGSTOP)

    site.waits_for(lambda: site.health("/readyz")[0] == 503)
    assert site.health("/livez")[0] == 200
    os.kill(int(found[1]), signal.SIGCONT)
    site.waits_for(lambda: site.health("/readyz")[0] == 200)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(DEADLINE) == 0


@pytest.mark.slow
@pytest.mark.parametrize("processes", [(), ("-p", "1")])
def test_a_worker_whose_event_loop_is_blocked_is_not_alive(
    start: Start, server_url: str, client: redis.Redis, processes: tuple[str, ...]
) -> None:
    # It takes the fifteen seconds after which a loop counts as blocked.
    worker = start("queue", "work", *processes, "--redis", server_url, *PORTS)
    site = Site(worker)
    site.waits_for(lambda: site.health("/readyz")[0] == 200)
    assert site.health("/livez")[0] == 200

    dispatch(client)

    site.waits_for(lambda: site.health("/livez")[0] == 503)
    assert "has not turned" in site.health("/livez")[1]["1"]["loop"]
    worker.kill()


def dispatch(client: redis.Redis) -> None:
    """Put a job into the queue whose handler blocks the event loop."""
    job = {
        "function": "runner",
        "kwargs": {"job_class": "tasks.Block", "payload": {}},
        "queue": "default",
        "key": "block",
        "status": "queued",
        "timeout": 7200,
    }
    with client.pipeline() as pipe:
        pipe.set("saq:job:default:block", json.dumps(job))
        pipe.zadd("saq:default:incomplete", {"saq:job:default:block": 0})
        pipe.rpush("saq:default:queued", "saq:job:default:block")
        pipe.execute()
