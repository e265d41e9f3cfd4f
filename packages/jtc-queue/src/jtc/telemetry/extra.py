from __future__ import annotations

try:
    import opentelemetry.trace  # noqa: F401 - whether it is there
except ImportError as error:
    raise ImportError(
        "jtc.telemetry needs OpenTelemetry: pip install 'jtc-queue[otel]'."
    ) from error
