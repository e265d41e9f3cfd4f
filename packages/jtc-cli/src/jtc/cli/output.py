"""What the commands write: data to standard output, talk to standard error.

Tables are in `jtc.cli.table`: --help must not pay for rich, a tenth of a second.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from collections.abc import Callable
from typing import Any, TextIO

_label = ""
_speaks_in_records = False
_hide: Callable[[str], str] = str

logger = logging.getLogger(__name__)

RED = "31"
YELLOW = "33"

_TITLES = {
    logging.INFO: ("", ""),
    logging.WARNING: ("Warning: ", YELLOW),
    logging.ERROR: ("Error: ", RED),
}


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
    sys.stdout.write(f"{_wrap(text, sys.stdout)}\n")


def print_json(value: Any) -> None:
    """Write data for another program."""
    _write_json(value, indent=2)


def print_json_line(value: Any) -> None:
    """Write data for a program that reads line after line."""
    _write_json(value, indent=None)


def print_bytes(data: bytes) -> None:
    """Write a piece of a file whose format says how its letters are encoded."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)


def say(text: str, *, action: str = "said") -> None:
    """Tell the user something; `action` names it where all that is said are records."""
    _talk(text, logging.INFO, action)


def warn(text: str) -> None:
    """Tell the user what may be wrong."""
    _talk(text, logging.WARNING, "warned")


def fail(text: str) -> None:
    """Tell the user why a command ends."""
    _talk(text, logging.ERROR, "command_failed")


def speak_in_records() -> None:
    """Send what is said from now on to the log: nothing else is to be among it."""
    global _speaks_in_records  # noqa: PLW0603 - as the label, one for the process
    _speaks_in_records = True


def hide_in_logs(hide: Callable[[str], str]) -> None:
    """Pass the text of each log record through `hide` from now on."""
    global _hide  # noqa: PLW0603 - as the label, one for the process
    _hide = hide


def make_log_handler() -> logging.Handler:
    """Return a handler for log records: brief on a terminal, complete in a file."""
    handler = logging.StreamHandler()
    if sys.stderr.isatty():
        handler.setFormatter(_TerminalFormatter())
    else:
        handler.setFormatter(
            _TextFormatter(
                f"%(asctime)s {_label}%(levelname)s %(name)s: %(message)s",
                datefmt="%Y-%m-%dT%H:%M:%S%z",
            )
        )
    return handler


class _TextFormatter(logging.Formatter):
    """What the records of a job say, without the job's secrets."""

    def format(self, record: logging.LogRecord) -> str:
        return _hide(super().format(record))


class _TerminalFormatter(_TextFormatter):
    """Time and message; what is worse than usual is said in color.

    Not rich's handler: it fills each line with blanks up to the last column, so that
    the ^C of who stops a worker breaks it in two.
    """

    def __init__(self) -> None:
        super().__init__(f"%(asctime)s {_label}%(message)s", datefmt="%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - its name
        line = _wrap(_hide(super().formatMessage(record)), sys.stderr)
        if record.levelno < logging.WARNING:
            return line
        color = RED if record.levelno >= logging.ERROR else YELLOW
        return _paint(line, color)


def wrap_lines(text: str, width: int) -> str:
    r"""Return a text whose lines are no wider than that, as far as words allow it.

    Example:
        >>> print(wrap_lines("- one two three\n- four", 10))
        - one two
            three
        - four
    """
    # It is wanted rarely.
    import textwrap  # noqa: PLC0415

    lines = (
        textwrap.fill(
            line,
            width,
            subsequent_indent=" " * (len(line) - len(line.lstrip()) + 4),
            break_long_words=False,
            break_on_hyphens=False,
        )
        if len(line) > width
        else line
        for line in text.split("\n")
    )
    return "\n".join(lines)


def _talk(text: str, level: int, action: str) -> None:
    if _speaks_in_records:
        logger.log(level, "%s", text, extra={"action": action})
        return
    title, color = _TITLES[level]
    first, line_break, rest = f"{_label}{title}{text}".partition("\n")
    first, rest = _wrap(first, sys.stderr), _wrap(rest, sys.stderr)
    sys.stderr.write(f"{_paint(first, color)}{line_break}{rest}\n")


def _write_json(value: Any, *, indent: int | None) -> None:
    is_ascii = not _is_unicode(sys.stdout)
    text = json.dumps(value, indent=indent, ensure_ascii=is_ascii)
    sys.stdout.write(f"{text}\n")


def _wrap(text: str, stream: TextIO) -> str:
    """Break lines between words where a terminal would break them inside one."""
    if not stream.isatty():
        return text
    try:
        width = os.get_terminal_size(stream.fileno()).columns
    except OSError:
        return text
    # One of no width does not say how wide it is.
    return wrap_lines(text, width) if width else text


def _paint(text: str, color: str) -> str:
    if not color or not sys.stderr.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{color}m{text}\x1b[0m"


def _is_unicode(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().startswith("utf")
