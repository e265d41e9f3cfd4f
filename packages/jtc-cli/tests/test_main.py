from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest
from typer.testing import CliRunner

import jtc.cli
from jtc.cli.branch import branch_of
from jtc.cli.errors import CliError
from jtc.cli.main import main

Run = Callable[..., subprocess.CompletedProcess[str]]
Write = Callable[[str, str], Path]


def test_the_package_offers_the_application() -> None:
    assert jtc.cli.__all__ == ["app"]
    assert not hasattr(jtc.cli, "ap")
    result = CliRunner().invoke(jtc.cli.app, ["queue", "list", "--help"])
    assert "--json" in result.output


@pytest.mark.parametrize("program", ["jtc", "ftf"])
def test_both_names_run_the_program(run: Run, program: str) -> None:
    answer = run("--version", program=program)
    assert answer.stdout == f"jtc {metadata.version('jtc-cli')}\n"
    assert answer.returncode == 0


def test_help_names_every_command_and_option(run: Run) -> None:
    assert "queue" in run("--help").stdout
    commands = {"work", "list", "failed", "retry", "forget", "flush"}
    assert commands <= set(run("queue", "-h").stdout.split())
    lines = run("schedule", "--help").stdout.splitlines()
    assert [line.split()[0] for line in lines[lines.index("Commands:") + 1 :]] == [
        *("list", "next", "explain", "history", "run", "trigger"),
        *("pause", "resume", "backfill", "simulate", "check"),
    ]
    assert not [line for line in lines[1:] if line.endswith("...")]
    text = run("queue", "work", "--help").stdout
    for option in (
        *("-q, --queue", "--redis", "-c, --concurrency", "-A, --app"),
        *("--embedded", "--burst", "--log-level", "--grace", "-p, --processes"),
        *("--max-jobs", "--max-time", "--max-memory"),
    ):
        assert option in text


def test_help_imports_nothing_heavy() -> None:
    loaded = _modules_of("--help")

    heavy = {"saq", "redis", "rich", "asyncio", "msgspec", "cronsim"}
    assert loaded & heavy == set()


def test_a_probe_does_not_wait_for_what_it_has_no_use_for() -> None:
    loaded = _modules_of("queue", "health", "--redis", "redis://127.0.0.1:1")

    heavy = {"typer", "rich", "saq", "lagom", "jtc.queue.api", "jtc.queue.worker"}
    assert loaded & heavy == set()
    assert "jtc.queue.health" in loaded


@pytest.mark.parametrize(
    "words",
    [["queue", "health"], ["schedule", "list"], ["make", "job"], ["doctor"], ["make"]],
)
def test_a_command_is_the_same_among_all_and_alone(words: list[str]) -> None:
    alone = branch_of(jtc.cli.app, words)

    assert alone is not jtc.cli.app
    among_all = CliRunner().invoke(jtc.cli.app, [*words, "--help"])
    answer = CliRunner().invoke(alone, [*words, "--help"])
    assert (answer.exit_code, answer.output) == (0, among_all.output)


@pytest.mark.parametrize("words", [[], ["--version"], ["quue", "health"]])
def test_words_that_lead_nowhere_leave_every_command(words: list[str]) -> None:
    assert branch_of(jtc.cli.app, words) is jtc.cli.app


def test_a_slip_in_a_command_names_its_neighbours(run: Run) -> None:
    answer = run("queue", "helth")

    assert answer.returncode == 2
    assert "Did you mean 'health'?" in answer.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["queue", "wrok"],
        ["queue", "work", "--no-such-option"],
        ["queue", "work", "--concurrency", "0"],
        ["queue", "work", "--concurrency", "many"],
        ["queue", "work", "--processes", "0"],
        ["queue", "work", "--grace", "-1"],
        ["queue", "work", "--max-jobs", "0"],
        ["queue", "work", "--max-time", "soon"],
        ["queue", "work", "--max-time", "0"],
        ["queue", "work", "--max-time", "0h"],
        ["queue", "work", "--max-memory", "much"],
        ["queue", "work", "--log-level", "loud"],
        ["queue", "work", "--embedded", "--redis", "redis://localhost"],
        ["schedule", "lst"],
        ["schedule", "next"],
        ["schedule", "pause"],
    ],
)
def test_a_wrong_command_line_is_a_usage_error(run: Run, words: list[str]) -> None:
    answer = run(*words)
    assert answer.returncode == 2
    assert "Usage:" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_no_time_to_work_is_refused_with_the_name_of_the_option(run: Run) -> None:
    said = " ".join(run("queue", "work", "--max-time", "0").stderr.split())
    assert "Invalid value for '--max-time'" in said
    assert "'0' is no time: give more than 0." in said


def test_completion_knows_the_commands(run: Run) -> None:
    # Not --show-completion, which looks at the processes above it for a shell.
    assert "complete" in run(_JTC_COMPLETE="source_bash").stdout
    answer = run(
        _JTC_COMPLETE="complete_bash", COMP_WORDS="jtc queue workers", COMP_CWORD="2"
    )
    assert answer.stdout.split() == ["workers"]


def test_an_error_of_ours_is_one_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise CliError("this is why")

    monkeypatch.setattr(sys, "argv", ["jtc"])
    monkeypatch.setattr("jtc.cli.branch.branch_of", lambda *_: refuse)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 1
    assert capsys.readouterr().err == "Error: this is why\n"


def test_an_error_that_nobody_foresaw_keeps_its_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["jtc"])
    monkeypatch.setattr("jtc.cli.branch.branch_of", lambda *_: lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main()


def test_a_warning_of_ours_is_a_line_of_the_command(run: Run, write: Write) -> None:
    write(
        "tasks.py",
        "import warnings\n"
        "from jtc.schedule import Schedule\n\n"
        "@Schedule.every(10, timeout=50)\n"
        "async def poll(ctx): ...\n\n"
        "warnings.warn('mine', UserWarning)\n",
    )
    answer = run("queue", "list", PYTHONWARNINGS="default")
    assert answer.returncode == 0
    ours, *theirs = answer.stderr.splitlines()
    assert ours.startswith("Warning: tasks.py:4: A run may take 50 s and the next is")
    assert theirs[0].endswith("tasks.py:7: UserWarning: mine")


def _modules_of(*words: str) -> set[str]:
    """Return what a command has imported at its end."""
    script = (
        "import sys\n"
        "from jtc.cli.main import main\n"
        f"sys.argv = ['jtc', *{words!r}]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*sys.modules)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(answer.stdout.splitlines()[-1].split())
