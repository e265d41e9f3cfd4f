from __future__ import annotations

from jtc.cli.commands.schedule.app import app

__all__ = ["app"]
