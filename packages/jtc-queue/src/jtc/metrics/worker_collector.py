from __future__ import annotations

from typing import TYPE_CHECKING

from jtc.metrics.snapshot_collector import SnapshotCollector

# This package does not import the queue: the process that shows the metrics of several
# worker processes does not need it.
if TYPE_CHECKING:
    from jtc.queue import Worker


class WorkerCollector(SnapshotCollector):
    """Shows the metrics of a worker in your program to Prometheus's client.

    Args:
        worker: It is asked whenever the metrics are; it may start later. While it
            works, it asks the server every five seconds how its queues stand.

    Example:
        >>> from prometheus_client import CollectorRegistry, generate_latest
        >>> from jtc.queue import RedisQueue, Worker, open_client
        >>> worker = Worker(RedisQueue(open_client("redis://localhost:6379")), [])
        >>> registry = CollectorRegistry()
        >>> registry.register(WorkerCollector(worker))
        >>> b"jtc_redis_up 1.0" in generate_latest(registry)
        True
    """

    def __init__(self, worker: Worker) -> None:
        worker.vitals.look()
        super().__init__(worker.vitals.snapshot)
