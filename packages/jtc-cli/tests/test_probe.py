from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from typer.main import get_command

import jtc.cli
from jtc.cli.main import main
from jtc.cli.place import Place
from jtc.cli.probe import Probe, read_probe

Run = Callable[..., subprocess.CompletedProcess[str]]

NOWHERE = "redis://127.0.0.1:1"
SAID = {
    (): Probe(Place(), None, here=False, as_json=False),
    ("--here", "--json"): Probe(Place(), None, here=True, as_json=True),
    ("-q", "a,b", "--redis=redis://x"): Probe(
        Place("a,b", "redis://x"), None, here=False, as_json=False
    ),
    ("-qa", "--queue", "b", "--worker", "w1"): Probe(
        Place("b"), "w1", here=False, as_json=False
    ),
}


@pytest.mark.parametrize("words", SAID)
def test_a_probe_is_read_as_the_command_is(words: tuple[str, ...]) -> None:
    assert read_probe(["queue", "health", *words]) == SAID[words]


def test_it_knows_each_option_that_the_command_has() -> None:
    command = get_command(jtc.cli.app)
    for word in ("queue", "health"):
        command = command.commands[word]  # type: ignore[attr-defined]  # of a group

    for option in command.params:
        for name in option.opts:
            words = [name] if option.is_flag else [name, "x"]  # type: ignore[attr-defined]  # of an option
            assert read_probe(["queue", "health", *words]) is not None, name


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["queue"],
        ["queue", "work"],
        ["queue", "health", "--help"],
        ["queue", "health", "--queue"],
        ["queue", "health", "--her"],
        ["queue", "health", "--here=yes"],
        ["queue", "health", "default"],
        ["queue", "health", "--worker", "w1", "--here"],
    ],
)
def test_whatever_else_is_said_is_left_to_the_command(words: list[str]) -> None:
    assert read_probe(words) is None


def test_the_program_answers_in_one_line_and_by_its_status(run: Run) -> None:
    answer = run("queue", "health", "--redis", NOWHERE)

    assert answer.returncode == 1
    assert answer.stdout.startswith(f"Unhealthy: no server at {NOWHERE}: ")
    assert answer.stdout.count("\n") == 1


def test_the_program_refuses_what_the_command_does(run: Run) -> None:
    answer = run("queue", "health", "--worker", "w1", "--here")

    assert answer.returncode == 2
    assert "give either --worker or --here." in answer.stderr


def test_who_does_not_wait_for_the_answer_gets_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(self: Probe) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "argv", ["jtc", "queue", "health"])
    monkeypatch.setattr(Probe, "is_healthy", interrupt)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 130


def test_an_unfit_setting_is_one_message(run: Run) -> None:
    answer = run("queue", "health", "--redis", "nonsense://x")

    assert answer.returncode == 1
    assert answer.stderr.startswith("Error: ")
    assert "Traceback" not in answer.stderr
