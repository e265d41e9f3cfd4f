from __future__ import annotations

import logging
import sys
from enum import StrEnum
from types import TracebackType

from jtc.cli.output import make_log_handler, speak_in_records

logger = logging.getLogger(__name__)

# What they say below a warning is of no use to who runs a worker.
QUIET = ("asyncio", "redis", "saq", "watchfiles")


class LogLevel(StrEnum):
    """How much a command says of what it does."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How a command writes what it says."""

    TEXT = "text"
    JSON = "json"


def set_up_logging(
    level: LogLevel, form: LogFormat = LogFormat.TEXT, *, process: int | None = None
) -> None:
    """Send the records of jtc and of the user's modules to standard error.

    As JSON, nothing else goes there: what is said and an error that ends the program
    are records too.

    Args:
        level: The lowest that is shown; libraries that talk a lot stay at WARNING.
        form: How they are written.
        process: Which one of many processes it is.
    """
    is_json = form is LogFormat.JSON
    handler = _make_json_handler(process) if is_json else make_log_handler()
    logging.basicConfig(handlers=[handler], format="%(message)s")
    logging.root.setLevel(level.name)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.root.level))


def _make_json_handler(process: int | None) -> logging.Handler:
    # Only who wants it pays for the import.
    from jtc.queue.json_formatter import JsonFormatter  # noqa: PLC0415

    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(**({"process": process} if process else {})))
    speak_in_records()
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_crash
    return handler


def _log_crash(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    logger.critical(
        "The program ends with an error that nobody expected.",
        exc_info=(kind, error, trace),
        extra={"action": "crashed"},
    )


def shows_tracebacks() -> bool:
    """Tell whether the user asked to see where errors come from."""
    return logging.root.getEffectiveLevel() <= logging.DEBUG
