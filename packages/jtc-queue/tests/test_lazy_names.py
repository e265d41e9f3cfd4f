from __future__ import annotations

import subprocess
import sys

import pytest

import jtc.queue
from jtc.queue import api


def test_a_part_is_imported_without_the_others() -> None:
    program = "import sys, jtc.queue.health; print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()

    assert "jtc.queue.presence" in loaded
    assert {"saq", "jtc.queue.api", "jtc.queue.worker"} & {*loaded} == set()


def test_a_name_is_there_at_its_first_use_and_stays() -> None:
    program = """
import jtc.queue
assert "RedisQueue" not in vars(jtc.queue)
from jtc.queue import RedisQueue
assert vars(jtc.queue)["RedisQueue"] is RedisQueue
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_all_names_are_offered() -> None:
    names: dict[str, object] = {}

    exec("from jtc.queue import *", names)

    assert names.keys() - {"__builtins__"} == {*api.__all__}
    assert {*api.__all__} <= {*dir(jtc.queue)}


def test_a_slip_in_a_name_is_an_error_as_in_any_module() -> None:
    with pytest.raises(AttributeError, match=r"'jtc\.queue' has no attribute 'Wroker'"):
        jtc.queue.Wroker  # type: ignore[attr-defined]  # noqa: B018 - what is tried
    with pytest.raises(ImportError, match="Wroker"):
        from jtc.queue import Wroker  # type: ignore[attr-defined]  # noqa: F401, PLC0415
