from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Start = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def start() -> Start:
    """Run a program of this folder to its end."""
    # To measure thousands of lines in processes that are killed would only cost time.
    kept = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")}

    def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(Path(__file__).parent / program), *arguments]
        return subprocess.run(
            command, env=kept, capture_output=True, text=True, timeout=600, check=False
        )

    return run
