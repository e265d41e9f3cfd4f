from __future__ import annotations

import io
from contextlib import redirect_stderr

import pytest

from jtc.cli import progress_bar as module
from jtc.cli.progress_bar import progress_bar


class Terminal(io.StringIO):
    """A stream that somebody looks at."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def test_a_slow_command_shows_how_far_it_is(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SHOWN_AFTER", 0.0)
    with redirect_stderr(terminal), progress_bar("Retrying") as show:
        show(50, 200)
    assert "Retrying" in terminal.getvalue()
    assert " 25%" in terminal.getvalue()


def test_a_quick_command_shows_nothing(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SHOWN_AFTER", 3600.0)
    with redirect_stderr(terminal), progress_bar("Retrying") as show:
        show(1, 2)
        show(2, 2)
    assert terminal.getvalue() == ""


def test_in_a_pipe_nothing_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "SHOWN_AFTER", 0.0)
    with progress_bar("Retrying") as show:
        show(1, 2)
    assert capsys.readouterr() == ("", "")
