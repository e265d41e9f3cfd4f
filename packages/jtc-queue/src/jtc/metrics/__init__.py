from __future__ import annotations

import jtc.metrics.extra  # noqa: F401 - first: it says which extra is missing
from jtc.metrics.worker_collector import WorkerCollector

__all__ = ["WorkerCollector"]
