from __future__ import annotations

try:
    import prometheus_client  # noqa: F401 - whether it is there
except ImportError as error:
    raise ImportError(
        "jtc.metrics needs prometheus-client: pip install 'jtc-queue[metrics]'."
    ) from error
