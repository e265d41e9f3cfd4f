from __future__ import annotations

import fcntl
import io
import json
import logging
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout

import pytest

from jtc.cli.logs import LogLevel, set_up_logging, shows_tracebacks
from jtc.cli.output import (
    fail,
    make_log_handler,
    prepare_streams,
    print_json,
    print_text,
    say,
    warn,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def ascii_stream(raw: io.BytesIO) -> io.TextIOWrapper:
    return io.TextIOWrapper(raw, encoding="ascii", write_through=False)


def test_data_goes_to_stdout_and_talk_to_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_text("data")
    say("talk")
    warn("careful")
    fail("broken\nmore")
    said = capsys.readouterr()
    assert said.out == "data\n"
    assert said.err == "talk\nWarning: careful\nError: broken\nmore\n"


def test_a_terminal_shows_the_first_line_of_an_error_in_red() -> None:
    with redirect_stderr(Terminal()) as terminal:
        fail("broken\nmore")
        say("talk")
    assert terminal.getvalue() == "\x1b[31mError: broken\x1b[0m\nmore\ntalk\n"


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with redirect_stderr(Terminal()) as terminal:
        fail("broken")
    assert terminal.getvalue() == "Error: broken\n"


def test_json_keeps_letters_where_they_can_be_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_json({"name": "täsk"})
    assert "täsk" in capsys.readouterr().out


def test_json_is_valid_in_any_encoding() -> None:
    raw = io.BytesIO()
    with redirect_stdout(ascii_stream(raw)):
        prepare_streams()
        print_json({"name": "täsk"})
        assert json.loads(raw.getvalue()) == {"name": "täsk"}


def test_each_line_is_written_at_once_and_never_fails() -> None:
    raw = io.BytesIO()
    with redirect_stdout(ascii_stream(raw)):
        prepare_streams()
        print("täsk")
        assert raw.getvalue() == b"t\\xe4sk\n"


def test_a_stream_that_is_no_file_is_left_alone() -> None:
    with redirect_stderr(Terminal()) as terminal:
        prepare_streams()
        say("talk")
    assert terminal.getvalue() == "talk\n"


# Log records


@pytest.fixture
def _restored_logging() -> Iterator[None]:
    names = ("", "asyncio", "redis", "saq")
    levels = {name: logging.getLogger(name).level for name in names}
    yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def record(level: int) -> logging.LogRecord:
    return logging.LogRecord("jtc.x", level, "f", 1, "it is %s", ("so",), None)


def test_a_log_file_has_time_level_and_logger(
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_log_handler().handle(record(logging.INFO))
    line = capsys.readouterr().err
    assert line.endswith(" INFO jtc.x: it is so\n")
    assert line[4] == "-"


@pytest.mark.parametrize(
    ("level", "ending"),
    [
        (logging.INFO, " it is so\n"),
        (logging.WARNING, " it is so\x1b[0m\n"),
        (logging.ERROR, " it is so\x1b[0m\n"),
    ],
)
def test_a_terminal_has_time_and_message(level: int, ending: str) -> None:
    with redirect_stderr(Terminal()) as terminal:
        make_log_handler().handle(record(level))
    assert terminal.getvalue().endswith(ending)


@pytest.mark.usefixtures("_restored_logging")
def test_libraries_that_talk_a_lot_stay_quiet() -> None:
    set_up_logging(LogLevel.DEBUG)
    assert shows_tracebacks()
    assert logging.getLogger("jtc.queue").isEnabledFor(logging.DEBUG)
    assert not logging.getLogger("saq").isEnabledFor(logging.INFO)
    set_up_logging(LogLevel.ERROR)
    assert not shows_tracebacks()
    assert not logging.getLogger("saq").isEnabledFor(logging.WARNING)


def test_lines_are_broken_between_words_on_a_terminal() -> None:
    # Given a terminal of 30 columns
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 30, 0, 0))
    # When
    code = (
        "from jtc.cli.output import fail, print_json, print_text\n"
        "print_text('  one two three four five six seven')\n"
        "print_json(['one two three four five six seven'])\n"
        "fail('one two three four five six\\n' + 'x' * 40)\n"
    )
    environ = {**os.environ, "NO_COLOR": "1"}
    words = [sys.executable, "-c", code]
    process = subprocess.Popen(words, stdout=theirs, stderr=theirs, env=environ)
    assert process.wait(60) == 0
    os.close(theirs)
    # Then all but JSON and what is too long for a line
    with os.fdopen(ours, "rb") as read:
        lines = read.read1(10_000).decode().splitlines()
    assert lines == [
        "  one two three four five six",
        "      seven",
        "[",
        '  "one two three four five six seven"',
        "]",
        "Error: one two three four five",
        "    six",
        "x" * 40,
    ]
