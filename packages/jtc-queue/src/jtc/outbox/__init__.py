from __future__ import annotations

import jtc.outbox.extra  # noqa: F401 - first: it says which extra is missing
from jtc.outbox.outbox import Outbox

__all__ = ["Outbox"]
