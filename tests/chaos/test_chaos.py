from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

Start = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.slow
def test_nothing_is_lost_and_nothing_happens_twice_while_everything_breaks(
    start: Start,
) -> None:
    # When workers and their server are killed and frozen for most of a minute
    options = ["--seconds", "45", "--jobs", "20000", "--patience", "80"]
    run = start("driver.py", *options)
    # Then; a failure shows the seed, and leaves its evidence in the folder it names
    assert run.returncode == 0, run.stdout + run.stderr
    assert "verdict: all is well" in run.stdout
