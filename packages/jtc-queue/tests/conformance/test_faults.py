"""Which faults there are, and that none of them is forgotten."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[3]

FAULTS = {
    "H1": "a delayed job that is tried again runs twice at once",
    "H2": "a worker that stood still enqueues a tick that has already run",
    "H3": "workers with different clocks run a tick several times",
    "H4": "a schedule is known by its function's name alone",
    "H5": "a job is swept between its claim and its start",
    "H6": "a missed tick runs hours late or is lost",
    "H7": "the outcome of a worker that was replaced overwrites the second attempt's",
    "H8": "the job of a killed worker waits for its timeout, or for ever",
    "H9": "each deploy cancels what runs and starts it again, whatever its tries",
    "H10": "an idle worker takes its whole grace to stop, and takes new jobs meanwhile",
    "H11": "a worker without a server spins and does not say so",
    "H12": "whoever waits for a job floods the log while the server is away",
    "H13": "a job that is canceled by itself or at a bad moment stays active",
    "H14": "synchronous jobs wait for threads while their timeout runs",
    "H15": "a result that JSON cannot carry runs the job again, or leaves it active",
    "H16": "one payload that is no job stops claiming and recovery",
    "H17": "orphans are recovered one by one, and twice",
    "H18": "child processes get no signals and are not replaced",
    "H19": "a wait for a job misses its end",
    "H20": "canceling leaves traces that keep jobs out, and can hang",
    "H21": "a worker that does not know a function fails its jobs",
    "H22": "a fixed time runs twice when the clocks go back",
    "H23": "each task costs a call per second",
    "H24": "each slot takes a connection, and steps look through the whole queue",
    "H25": "a queue does not fit a slot of a cluster",
    "H26": "queues with similar names see each other's jobs",
    "H27": "pages of jobs are empty, workers vanish, failed jobs are forgotten",
    "H28": "clients with other settings break the queue or fill the log",
    "H29": "a queue is bound to the loop in which it was made",
    "H30": "arguments with certain names never reach the function",
    "H31": "an update undoes a cancellation or brings an ended job back",
    "H32": "a batch cancels jobs of others and forgets its own",
    "H33": "a back-off without a delay tries again at once",
    "H34": "a job that somebody waits for has no timeout",
    "H35": "some times mean never, and some timers stop everything",
    "H36": "functions that are objects do not run",
    "H37": "a worker whose loop stands still counts as gone",
    "H38": "a connection that is dead without being closed is waited on for ever",
}

CANNOT_TOUCH_US: dict[str, str] = {}
"""Faults without a test, with the reason why there can be none."""


def test_every_fault_is_found_by_a_test_or_cannot_touch_us() -> None:
    tested = {number for number, _ in marked_tests()}
    assert tested | CANNOT_TOUCH_US.keys() == FAULTS.keys()
    assert not tested & CANNOT_TOUCH_US.keys()


def test_the_marks_are_found_wherever_a_test_is() -> None:
    places = {path.name for _, path in marked_tests()}
    assert {"test_duplicates.py", "test_recovery.py", "test_ticks.py"} <= places


def marked_tests() -> Iterator[tuple[str, Path]]:
    """Yield number and file of each test that is marked with a fault."""
    for path in TESTS.glob("jtc-*/tests/**/test_*.py"):
        text = path.read_text(encoding="utf-8")
        if "pytest.mark.fault(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for number in marks_of(node):
                    yield number, path


def marks_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for call in function.decorator_list:
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.fault":
            yield from (str(ast.literal_eval(argument)) for argument in call.args)
