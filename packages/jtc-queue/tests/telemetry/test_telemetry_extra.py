from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points, version
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from jtc.queue.tracing import get_tracing
from jtc.telemetry import instrument

# As if nothing of OpenTelemetry were installed.
WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
"""


def run(source: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", source]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_nothing_else_needs_opentelemetry() -> None:
    parts = "jtc.jobs, jtc.outbox, jtc.providers, jtc.queue, jtc.testing"

    ended = run(f"{WITHOUT}import {parts}")

    assert ended.returncode == 0, ended.stderr


def test_where_it_is_missing_the_error_names_the_extra() -> None:
    ended = run(f"{WITHOUT}import jtc.telemetry")

    wanted = "jtc.telemetry needs OpenTelemetry: pip install 'jtc-queue[otel]'."
    assert ended.stderr.splitlines()[-1] == f"ImportError: {wanted}"


def test_only_the_interface_is_needed() -> None:
    missing = WITHOUT.replace(
        'name.split(".")[0] == "opentelemetry"',
        'name.startswith(("opentelemetry.sdk", "opentelemetry.semconv"))',
    )

    ended = run(f"{missing}import jtc.telemetry; jtc.telemetry.instrument()")

    assert ended.returncode == 0, ended.stderr


def test_opentelemetry_instrument_finds_it() -> None:
    # As a distribution of OpenTelemetry does
    [found] = entry_points(group="opentelemetry_instrumentor", name="jtc")
    instrumentor: Any = found.load()()
    instrumentor.instrument(skip_dep_check=True)

    assert get_tracing() is not None

    instrumentor.uninstrument()
    assert get_tracing() is None


def test_the_tracer_says_who_makes_the_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    class Provider(TracerProvider):
        def get_tracer(self, *args: Any, **kwargs: Any) -> trace.Tracer:
            asked.append(args[:2])
            return super().get_tracer(*args, **kwargs)

    instrument(Provider())

    assert asked == [("jtc", version("jtc-queue"))]
