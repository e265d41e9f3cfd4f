from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from jtc.metrics.snapshot_collector import Snapshot, SnapshotCollector


class Exposition:
    """The text that Prometheus reads.

    Args:
        read: Returns what there is now.
    """

    def __init__(self, read: Callable[[], Snapshot]) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(SnapshotCollector(read))

    def write(self, accept: str) -> tuple[str, bytes]:
        """Return the content's type and the content.

        Args:
            accept: The request's header; OpenMetrics is written when it asks for it.
        """
        encode, content_type = choose_encoder(accept)
        return content_type, encode(self._registry)
