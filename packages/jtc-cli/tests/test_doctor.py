from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator

import pytest
from redis import Redis
from typer.testing import Result

from jtc.cli.commands import diagnosis
from jtc.cli.installed_versions import judge_versions

Call = Callable[..., Result]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def evicting(server_url: str) -> Iterator[None]:
    """Let the server throw jobs away when it is full."""
    with Redis.from_url(server_url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        yield
        client.config_set("maxmemory-policy", "noeviction")


def test_a_doctor_without_complaints_says_what_it_saw(invoke: Call) -> None:
    answer = invoke("doctor")
    assert answer.exit_code == 0
    lines = answer.stdout.splitlines()
    assert lines[0].startswith("jtc doctor, server at redis://127.0.0.1:")
    names = [line.split()[0] for line in lines[1:] if line.startswith("  ")]
    for name in ("python", "jtc-queue", "saq", "redis", "server", "clock", "latency"):
        assert name in names
    assert ": 0 error(s), " in lines[-1]


@pytest.mark.usefixtures("evicting")
def test_a_doctor_says_what_is_wrong_and_how_to_mend_it(invoke: Call) -> None:
    answer = invoke("doctor")
    assert answer.exit_code == 1
    assert "maxmemory-policy  allkeys-lru  (error)" in answer.stdout
    assert "Set it to noeviction." in " ".join(answer.stdout.split())
    assert max(map(len, answer.stdout.splitlines())) <= 80
    checks = json.loads(invoke("doctor", "--json").stdout)
    wrong = [check["name"] for check in checks if check["level"] == "error"]
    assert wrong == ["maxmemory-policy"]


def test_a_doctor_without_a_server_tells_the_rest(invoke: Call) -> None:
    answer = invoke("doctor", "--redis", "redis://me:secret@127.0.0.1:1")
    assert answer.exit_code == 1
    assert "server        none at redis://me:***@127.0.0.1:1  (error)" in answer.stdout
    assert "jtc-queue" in answer.stdout
    assert "secret" not in answer.stdout


def test_a_server_that_does_not_answer_in_time_is_said(
    invoke: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis, "PATIENCE", 0.0)
    answer = invoke("doctor")
    assert answer.exit_code == 1
    assert "it does not answer" in answer.stdout


def test_versions_that_do_not_fit_are_found() -> None:
    found = {
        "jtc-schedule": "0.1.0",
        "jtc-queue": "0.1.4",
        "jtc-cli": "0.1.0",
        "saq": None,
        "uvloop": None,
    }
    levels = {check.name: check.level for check in judge_versions("3.12.1", found)}
    assert levels == {**dict.fromkeys(("python", *found), "ok"), "saq": "error"}
    mixed = judge_versions("3.12.1", {**found, "jtc-cli": "0.2.0"})
    assert [c.name for c in mixed if c.level == "warning"] == list(found)[:3]


@pytest.mark.usefixtures("evicting", "tasks")
def test_a_strict_worker_does_not_start_where_the_server_has_errors(
    run: Run, server_url: str, queue_name: str
) -> None:
    words = ("queue", "work", "--burst", "-q", queue_name)
    strict = run(*words, "--strict", REDIS_URL=server_url)
    assert strict.returncode == 1
    assert strict.stderr.startswith("Error: The server is not as it should be:\n")
    assert "maxmemory-policy: " in strict.stderr
    assert run(*words, REDIS_URL=server_url).returncode == 0


@pytest.mark.usefixtures("tasks")
def test_a_strict_worker_starts_where_all_is_well(
    run: Run, server_url: str, queue_name: str
) -> None:
    words = ("queue", "work", "--burst", "--strict", "-q", queue_name)
    assert run(*words, REDIS_URL=server_url).returncode == 0
