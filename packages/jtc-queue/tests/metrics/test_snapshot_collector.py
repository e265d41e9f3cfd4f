from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from jtc.metrics import WorkerCollector
from jtc.metrics.exposition import Exposition
from jtc.metrics.snapshot_collector import STALE_AFTER
from jtc.queue import RedisQueue, Worker, open_client

NAME = "shop.jobs.SendReceipt"


@pytest.fixture
def worker() -> Worker:
    """One that reaches no server and is not started."""
    return Worker(RedisQueue(open_client("redis://localhost:1")), [])


@pytest.fixture
def value(worker: Worker, scrape: Callable[[Worker], Any]) -> Callable[..., Any]:
    """A sample's value; None where there is no such one."""

    def read(metric: str, **labels: str) -> float | None:
        series: dict[Any, float] = scrape(worker).samples.get(metric, {})
        return series.get(frozenset(labels.items()))

    return read


def stand(worker: Worker, **standing: Any) -> None:
    """Let a worker have looked at its queue."""
    found = {
        "at": time.monotonic(),
        "jobs": {"waiting": 3, "delayed": 2, "running": 1, "failed": 4},
        "oldest": 12.5,
        "workers": 2,
        "paused": True,
        "successes": {"report": 1_772_355_600.25},
    }
    worker.vitals._standings["default"] = {**found, **standing}


def test_attempts_are_counted_by_what_came_of_them(worker: Worker, value: Any) -> None:
    for _ in range(3):
        worker.queue.measures.ran(NAME, "complete", 0.1)
    worker.queue.measures.ran(NAME, "released", 0.1)

    def of(outcome: str) -> float | None:
        count: float | None = value(
            "jtc_jobs_total", queue="default", name=NAME, outcome=outcome
        )
        return count

    assert (of("complete"), of("released")) == (3, 1)
    assert (of("failed"), of("retried")) == (0, 0), "there before they are counted"
    assert of("canceled") is None


def test_buckets_hold_all_that_took_no_longer(worker: Worker, value: Any) -> None:
    for outcome, seconds in (("complete", 0.001), ("failed", 0.2), ("failed", 4000.0)):
        worker.queue.measures.ran(NAME, outcome, seconds)  # type: ignore[arg-type]

    labels = {"queue": "default", "name": NAME}
    ends = ("0.001", "0.1", "0.25", "3600.0", "+Inf")
    counts = [value("jtc_job_run_seconds_bucket", le=end, **labels) for end in ends]

    assert counts == [1, 1, 2, 2, 3]
    assert value("jtc_job_run_seconds_count", **labels) == 3
    assert value("jtc_job_run_seconds_sum", **labels) == pytest.approx(4000.201)


def test_ticks_are_counted_by_why_they_did_not_run(worker: Worker, value: Any) -> None:
    worker.queue.measures.ticks["missed", "down"] += 5
    worker.queue.measures.ticks["skipped", "paused"] += 2

    assert value("jtc_ticks_missed_total", queue="default", reason="down") == 5
    assert value("jtc_ticks_missed_total", queue="default", reason="no_worker") == 0
    assert value("jtc_ticks_skipped_total", queue="default", reason="paused") == 2


def test_a_queue_is_shown_as_it_stood_a_moment_ago(worker: Worker, value: Any) -> None:
    stand(worker)

    states = ("waiting", "delayed", "running", "failed")
    jobs = [value("jtc_queue_jobs", queue="default", state=one) for one in states]
    success = value(
        "jtc_task_last_success_timestamp_seconds", queue="default", task="report"
    )

    assert jobs == [3, 2, 1, 4]
    assert value("jtc_queue_oldest_job_age_seconds", queue="default") == 12.5
    assert value("jtc_workers", queue="default") == 2
    assert value("jtc_queue_paused", queue="default") == 1
    assert success == 1_772_355_600.25


def test_nothing_is_said_of_how_a_queue_stood_long_ago(
    worker: Worker, value: Any
) -> None:
    stand(worker, at=time.monotonic() - STALE_AFTER)

    assert value("jtc_queue_oldest_job_age_seconds", queue="default") is None
    assert value("jtc_jobs_recovered_total", queue="default") == 0


def test_the_heartbeat_of_no_scheduler_is_not_shown(value: Any) -> None:
    assert value("jtc_scheduler_heartbeat_timestamp_seconds") is None


def test_labels_are_escaped(worker: Worker, value: Any) -> None:
    name = 'a"b\\c\nd'
    worker.queue.measures.ran(name, "complete", 0.1)

    found = value("jtc_jobs_total", queue="default", name=name, outcome="complete")

    assert found == 1


def test_open_metrics_are_written_when_asked_for(worker: Worker) -> None:
    stand(worker)
    worker.queue.measures.ran(NAME, "complete", 0.1)
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"

    content_type, text = Exposition(worker.vitals.snapshot).write(accept)

    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    # The parser holds names, types and buckets against the specification.
    read: Any = text_string_to_metric_families
    families = {family.name for family in read(text.decode())}
    assert {"jtc_jobs", "jtc_job_run_seconds", "jtc_build"} <= families


def test_plain_text_is_written_otherwise(worker: Worker) -> None:
    content_type, text = Exposition(worker.vitals.snapshot).write("*/*")

    assert content_type.startswith("text/plain; version=0.0.4")
    assert b"# TYPE jtc_jobs_total counter" in text


def test_a_worker_is_shown_in_a_registry_of_ones_own(worker: Worker) -> None:
    registry = CollectorRegistry()
    registry.register(WorkerCollector(worker))

    assert b"jtc_redis_up 1.0" in generate_latest(registry)
    # A second one would count everything twice.
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        registry.register(WorkerCollector(worker))


def test_showing_metrics_imports_nothing_of_the_queue() -> None:
    program = (
        "import sys, jtc.metrics.exposition\n"
        "assert not [m for m in sys.modules if m.startswith(('jtc.queue', 'saq'))]"
    )

    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_without_prometheus_client_the_extra_is_named() -> None:
    program = (
        "import sys\n"
        "sys.modules['prometheus_client'] = None\n"
        "try:\n    import jtc.metrics\n"
        "except ImportError as error:\n    print(error)"
    )

    run = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert "pip install 'jtc-queue[metrics]'" in run.stdout
