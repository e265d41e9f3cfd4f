from __future__ import annotations

import logging
from enum import StrEnum

from jtc.cli.output import make_log_handler

# What they say below a warning is of no use to who runs a worker.
QUIET = ("asyncio", "redis", "saq")


class LogLevel(StrEnum):
    """How much a command says of what it does."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def set_up_logging(level: LogLevel) -> None:
    """Send the records of jtc and of the user's modules to standard error.

    Args:
        level: The lowest that is shown; libraries that talk a lot stay at WARNING.
    """
    logging.basicConfig(handlers=[make_log_handler()], format="%(message)s")
    logging.root.setLevel(level.name)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.root.level))


def shows_tracebacks() -> bool:
    """Tell whether the user asked to see where errors come from."""
    return logging.root.getEffectiveLevel() <= logging.DEBUG
