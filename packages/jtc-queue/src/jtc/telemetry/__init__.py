from __future__ import annotations

import jtc.telemetry.extra  # noqa: F401 - first: it says which extra is missing
from jtc.telemetry.instrumentation import instrument, uninstrument

__all__ = ["instrument", "uninstrument"]
