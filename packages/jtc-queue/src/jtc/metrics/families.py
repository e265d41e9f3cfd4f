from __future__ import annotations

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)


class Families:
    """All metrics, without a number yet: what they are called and what they tell."""

    def __init__(self) -> None:
        self.jobs = CounterMetricFamily(
            "jtc_jobs",
            "Attempts at jobs that have ended, by what came of them.",
            labels=("queue", "name", "outcome"),
        )
        self.run_seconds = HistogramMetricFamily(
            "jtc_job_run_seconds",
            "How long attempts took.",
            labels=("queue", "name"),
        )
        self.latency = HistogramMetricFamily(
            "jtc_queue_latency_seconds",
            "How long jobs could have been taken before their first attempt.",
            labels=("queue",),
        )
        self.oldest = GaugeMetricFamily(
            "jtc_queue_oldest_job_age_seconds",
            "For how long the next job has waited; 0 when none waits.",
            labels=("queue",),
        )
        self.queued = GaugeMetricFamily(
            "jtc_queue_jobs",
            "Jobs in the queue: waiting, delayed, running or failed for good.",
            labels=("queue", "state"),
        )
        self.paused = GaugeMetricFamily(
            "jtc_queue_paused",
            "1 while nothing is taken from the queue because somebody paused it.",
            labels=("queue",),
        )
        self.workers = GaugeMetricFamily(
            "jtc_workers", "Workers of the queue that live.", labels=("queue",)
        )
        self.recovered = CounterMetricFamily(
            "jtc_jobs_recovered",
            "Jobs taken back from workers that died.",
            labels=("queue",),
        )
        self.lateness = HistogramMetricFamily(
            "jtc_schedule_lateness_seconds",
            "How long after its time a tick's first attempt began.",
            labels=("queue",),
        )
        self.missed = CounterMetricFamily(
            "jtc_ticks_missed",
            "Ticks that should have run and did not.",
            labels=("queue", "reason"),
        )
        self.skipped = CounterMetricFamily(
            "jtc_ticks_skipped",
            "Ticks that were not to run.",
            labels=("queue", "reason"),
        )
        self.success = GaugeMetricFamily(
            "jtc_task_last_success_timestamp_seconds",
            "When a scheduled task last ran without an error.",
            labels=("queue", "task"),
        )
        self.heartbeat = GaugeMetricFamily(
            "jtc_scheduler_heartbeat_timestamp_seconds",
            "When this worker last asked what is due.",
        )
        self.redis = GaugeMetricFamily(
            "jtc_redis_up", "Whether this worker reaches the server."
        )
        self.disruptions = CounterMetricFamily(
            "jtc_redis_disruptions",
            "How many times a process of this worker lost the server.",
        )
        self.processes = GaugeMetricFamily(
            "jtc_worker_processes", "Processes of this worker that work."
        )
        self.build = InfoMetricFamily("jtc_build", "What this worker is made of.")

    def all(self) -> list[Metric]:
        """Return them in the order in which they are shown."""
        return list(vars(self).values())
