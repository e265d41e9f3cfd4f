from __future__ import annotations

import json
import subprocess
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from typer.testing import Result

from jtc.cli.errors import NoServer, NotAFailedJob
from jtc.cli.progress_bar import _Bar
from jtc.queue import FailedJobs, RedisQueue, Worker

Call = Callable[..., Result]
Ask = Callable[[Callable[[RedisQueue], Awaitable[Any]]], Any]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def fail(ask: Ask) -> Callable[..., None]:
    """Let jobs fail, one after the other: key and error of each."""

    async def f(ctx: dict[str, Any], *, name: str) -> None:
        raise errors[name]

    errors: dict[str, Exception] = {}

    def let_fail(**given: Exception) -> None:
        errors.update(given)

        async def run(queue: RedisQueue) -> None:
            worker = Worker(queue, [("f", f)], burst=True)
            for key in given:
                await queue.enqueue("f", key=key, name=key)
                await worker.start()

        ask(run)

    return let_fail


async def fail_a_class(queue: RedisQueue) -> None:
    async def runner(ctx: dict[str, Any], *, job_class: str, payload: Any) -> None:
        raise ConnectionError("the bank\ndoes not answer")

    call = {"job_class": "shop.cards.ChargeCard", "payload": {"order_id": 7}}
    await queue.enqueue("runner", key="charge", retries=2, **call)
    await Worker(queue, [("runner", runner)], burst=True, id="w1").start()


@pytest.fixture
def call(invoke: Call) -> Call:
    """Run `jtc queue ...` in this process, on the queue of this test."""
    return lambda *words: invoke("queue", *words)


def test_a_queue_without_failures_says_so(call: Call, queue_name: str) -> None:
    assert call("failed").stdout == f"No failed jobs in queue '{queue_name}'.\n"
    assert json.loads(call("failed", "--json").stdout) == []


def test_a_failure_is_shown_with_its_id_its_class_and_its_error(
    call: Call, ask: Ask, queue_name: str
) -> None:
    ask(fail_a_class)
    first, second, blank, total = call("failed").stdout.splitlines()
    assert first.startswith("charge  20")
    assert first.endswith("  shop.cards.ChargeCard")
    error = "ConnectionError: the bank does not answer (try 2 of 2)"
    assert (second, blank) == (f"    {error}", "")
    assert total == f"Total: 1 failed job(s) in queue '{queue_name}'"


def test_json_has_all_that_is_known(call: Call, ask: Ask) -> None:
    ask(fail_a_class)
    (job,) = json.loads(call("failed", "--json").stdout)
    assert job["id"] == "charge"
    assert job["job_class"] == "shop.cards.ChargeCard"
    assert job["payload"] == {"order_id": 7}
    assert (job["exception"], job["worker"]) == ("ConnectionError", "w1")
    assert (job["attempts"], job["tries"], job["raw"]) == (2, 2, None)
    assert job["traceback"].startswith("Traceback")
    assert job["failed_at"].endswith("Z")
    assert job["queued_at"] <= job["started_at"]


def test_the_latest_are_shown_first_and_not_all_at_once(
    call: Call, fail: Callable[..., None]
) -> None:
    fail(**{f"job{n}": ValueError(f"error {n}") for n in range(4)})
    lines = call("failed", "--limit", "3").stdout.splitlines()
    assert [line.split()[0] for line in lines[:6:2]] == ["job3", "job2", "job1"]
    assert lines[-1].startswith("Total: 3 of 4 failed job(s)")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--exception", "KeyError"], ["one"]),
        (["--exception", "ValueError", "--since", "1h"], ["two"]),
        (["--class", "ChargeCard"], ["charge"]),
        (["--class", "shop.cards.ChargeCard", "--exception", "OSError"], []),
        (["--since", "2099-01-01"], []),
    ],
)
def test_failures_are_chosen_by_class_error_and_time(
    call: Call, fail: Callable[..., None], ask: Ask, words: list[str], found: list[str]
) -> None:
    fail(one=KeyError("x"), two=ValueError("y"))
    ask(fail_a_class)
    jobs = json.loads(call("failed", *words, "--json").stdout)
    assert [job["id"] for job in jobs] == found
    if not found:
        text = call("failed", *words).stdout
        assert text.startswith("None of the 3 failed job(s) in queue")
    answer = call("retry", "--all", *words)
    assert answer.stderr == f"Put {len(found)} job(s) back into the queue.\n"


def test_what_is_no_job_is_shown_with_its_text(call: Call, ask: Ask) -> None:
    async def park(queue: RedisQueue) -> None:
        await queue.enqueue("f", key="bad")
        await queue.redis.set(queue.job_id("bad"), b"{oops" + b"s" * 1000)
        await Worker(queue, [], burst=True).start()

    ask(park)
    first, second, *_ = call("failed").stdout.splitlines()
    assert first.split()[0] == "bad"
    assert first.endswith("  no job")
    assert second.startswith("    {oopsss")
    assert len(second) < 160
    with pytest.raises(NotAFailedJob, match="bad: not in the list"):
        call("retry", "bad")
    assert call("forget", "bad").stderr == "Deleted 1 failed job(s).\n"


def test_retried_jobs_are_back_in_the_queue(
    call: Call, fail: Callable[..., None], ask: Ask, queue_name: str
) -> None:
    fail(one=ValueError(), two=ValueError(), three=ValueError())
    answer = call("retry", "one", f"saq:job:{queue_name}:two")
    assert (answer.exit_code, answer.stdout) == (0, "")
    assert answer.stderr == "Put 2 job(s) back into the queue.\n"
    assert ask(lambda queue: queue.count("queued")) == 2
    assert ask(lambda queue: FailedJobs(queue).count()) == 1


def test_a_job_that_was_not_put_back_is_named_and_the_others_are_back(
    run: Run, fail: Callable[..., None], ask: Ask, server_url: str, queue_name: str
) -> None:
    fail(one=ValueError())
    words = ("queue", "retry", "one", "none", "--redis", server_url, "-q", queue_name)
    answer = run(*words)
    assert answer.returncode == 1
    said = answer.stderr.splitlines()
    assert said[0] == "Put 1 job(s) back into the queue."
    assert said[1].startswith("Error: Nothing was done with none: not in the list")
    assert len(said) == 2
    assert ask(lambda queue: queue.count("queued")) == 1


def test_forgotten_jobs_are_deleted(
    call: Call, fail: Callable[..., None], ask: Ask
) -> None:
    fail(one=ValueError(), two=ValueError())
    assert call("forget", "one").stderr == "Deleted 1 failed job(s).\n"
    assert ask(lambda queue: FailedJobs(queue).count()) == 1
    with pytest.raises(NotAFailedJob):
        call("forget", "one")


def test_flushing_deletes_all_or_what_is_old(
    call: Call, fail: Callable[..., None], ask: Ask
) -> None:
    fail(one=ValueError(), two=ValueError())

    async def age(queue: RedisQueue) -> None:
        keys = queue.keys
        await queue.redis.zincrby(keys.failed, -7200, queue.job_id("one"))

    ask(age)
    assert call("flush", "--older-than", "1h").stderr == "Deleted 1 failed job(s).\n"
    assert call("flush").stderr == "Deleted 1 failed job(s).\n"
    assert call("flush").stderr == "Deleted 0 failed job(s).\n"


def test_what_was_done_is_told_to_programs(
    call: Call, fail: Callable[..., None]
) -> None:
    fail(one=ValueError(), two=ValueError(), three=ValueError(), four=ValueError())

    def told(*words: str) -> Any:
        return json.loads(call(*words, "--json").stdout)

    assert told("retry", "one") == {"retried": ["one"]}
    assert told("forget", "two") == {"forgotten": ["two"]}
    assert told("retry", "--all", "--exception", "KeyError") == {"retried": []}
    assert told("flush") == {"deleted": 2}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["retry"], "give either the ids of failed jobs or --all"),
        (["retry", "one", "--all"], "give either the ids of failed jobs or --all"),
        (["retry", "one", "--class", "A"], "go with --all"),
        (["forget"], "Missing argument"),
        (["flush", "--older-than", "2 hours"], "is no duration"),
        (["failed", "--since", "yesterday"], "is no time"),
        (["failed", "--since", "999999d"], "out of range"),
        (["failed", "--limit", "0"], "--limit"),
    ],
)
def test_a_wrong_command_line_touches_nothing(
    call: Call, words: list[str], said: str
) -> None:
    answer = call(*words)
    assert answer.exit_code == 2
    assert said in " ".join(answer.stderr.split())


@pytest.mark.parametrize(
    "words", [["failed"], ["retry", "--all"], ["forget", "x"], ["flush"]]
)
def test_no_server_is_said_without_the_password(call: Call, words: list[str]) -> None:
    with pytest.raises(NoServer) as caught:
        call(*words, "--redis", "redis://me:secret@127.0.0.1:1")
    assert "redis://me:***@127.0.0.1:1" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_one_of_several_queues_has_to_be_named(run: Run, server_url: str) -> None:
    answer = run("queue", "failed", "--redis", server_url, QUEUE_NAME="high,low")
    assert answer.returncode == 1
    assert "Several queues are named: high, low." in answer.stderr
    assert run(
        *("queue", "failed", "--redis", server_url, "--queue", "low"),
        QUEUE_NAME="high,low",
    ).stdout.startswith("No failed jobs in queue 'low'")


def test_a_bar_is_told_how_far_a_command_is(
    call: Call,
    fail: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    queue_name: str,
) -> None:
    # Given
    told: list[tuple[str, int, int]] = []

    def note(bar: _Bar, done: int, total: int) -> None:
        told.append((bar._what, done, total))

    monkeypatch.setattr(_Bar, "show", note)
    fail(a=ValueError(), b=ValueError(), c=ValueError(), d=ValueError())
    # When
    call("forget", "a")
    call("retry", "b")
    call("retry", "--all", "--exception", "ValueError")
    call("clear", queue_name, "--yes")
    # Then
    assert told[:3] == [("Deleting", 1, 1), ("Retrying", 1, 1), ("Retrying", 2, 2)]
    assert told[3:] == [("Canceling", 3, 3)]


def test_a_bar_is_told_how_much_is_deleted(
    call: Call, fail: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(_Bar, "show", lambda bar, *counts: told.append(counts))
    fail(a=ValueError(), b=ValueError())
    assert json.loads(call("flush", "--json").stdout) == {"deleted": 2}
    assert told == [(2, 2)]
