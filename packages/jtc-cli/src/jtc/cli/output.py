"""What the commands write: data to standard output, talk to standard error.

Tables are in `jtc.cli.table`: --help must not pay for rich, a tenth of a second.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from typing import Any, TextIO

_label = ""

RED = "31"
YELLOW = "33"


def prepare_streams() -> None:
    """Make both streams show each line at once, in any encoding.

    A task that prints is seen as it runs, also through a pipe, and a letter that the
    encoding lacks is written as its code instead of ending the program.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")


def label_lines(label: str) -> None:
    """Begin what is said and logged from now on with a label: one of many processes."""
    global _label  # noqa: PLW0603 - as the streams, it is one for the whole process
    _label = f"[{label}] "


def print_text(text: str) -> None:
    """Write a line of data."""
    sys.stdout.write(f"{text}\n")


def print_json(value: Any) -> None:
    """Write data for another program."""
    print_text(json.dumps(value, indent=2, ensure_ascii=not _is_unicode(sys.stdout)))


def print_json_line(value: Any) -> None:
    """Write data for a program that reads line after line."""
    print_text(json.dumps(value, ensure_ascii=not _is_unicode(sys.stdout)))


def print_bytes(data: bytes) -> None:
    """Write a piece of a file whose format says how its letters are encoded."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)


def say(text: str) -> None:
    """Tell the user something."""
    _talk(text, color="")


def warn(text: str) -> None:
    """Tell the user what may be wrong."""
    _talk(f"Warning: {text}", color=YELLOW)


def fail(text: str) -> None:
    """Tell the user why a command ends."""
    _talk(f"Error: {text}", color=RED)


def make_log_handler() -> logging.Handler:
    """Return a handler for log records: brief on a terminal, complete in a file."""
    handler = logging.StreamHandler()
    if sys.stderr.isatty():
        handler.setFormatter(_TerminalFormatter())
    else:
        handler.setFormatter(
            logging.Formatter(
                f"%(asctime)s {_label}%(levelname)s %(name)s: %(message)s",
                datefmt="%Y-%m-%dT%H:%M:%S%z",
            )
        )
    return handler


class _TerminalFormatter(logging.Formatter):
    """Time and message; what is worse than usual is said in color.

    Not rich's handler: it fills each line with blanks up to the last column, so that
    the ^C of who stops a worker breaks it in two.
    """

    def __init__(self) -> None:
        super().__init__(f"%(asctime)s {_label}%(message)s", datefmt="%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - its name
        line = super().formatMessage(record)
        if record.levelno < logging.WARNING:
            return line
        color = RED if record.levelno >= logging.ERROR else YELLOW
        return _paint(line, color)


def _talk(text: str, *, color: str) -> None:
    first, line_break, rest = text.partition("\n")
    sys.stderr.write(f"{_paint(_label + first, color)}{line_break}{rest}\n")


def _paint(text: str, color: str) -> str:
    if not color or not sys.stderr.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{color}m{text}\x1b[0m"


def _is_unicode(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().startswith("utf")
