from __future__ import annotations

from jtc.cli.main import app

__all__ = ["app"]
