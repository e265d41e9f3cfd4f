from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from saq.job import Status

from jtc.queue import NotRunnableHere, RedisQueue, ThreadStillRuns, endings, open_client
from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.codec import decode
from jtc.queue.redis_queue import FAILED_TTL

Make = Callable[..., ClaimedJob]


@pytest.fixture
def make() -> Make:
    queue = RedisQueue(open_client("redis://localhost:1"))

    def job(**fields: Any) -> ClaimedJob:
        made = ClaimedJob(**{"function": "f", "key": "k"} | fields, queue=queue)
        made.claim = "w1 1"
        endings.begin(made, worker="w1")
        return made

    return job


def test_the_first_attempt_is_number_one(make: Make) -> None:
    job = make()
    assert (job.status, job.attempts, job.worker_id) == (Status.ACTIVE, 1, "w1")
    assert job.started == job.touched > 0


def test_an_ending_names_the_job_and_the_claim_it_is_for(make: Make) -> None:
    ending = endings.completed(make(ttl=7), {"n": 1})
    assert (ending.job_id, ending.claim) == ("saq:job:default:k", "w1 1")
    assert (ending.kind, ending.number, ending.status) == ("done", 7, "complete")
    document = decode(ending.document)
    assert (document["result"], document["progress"]) == ({"n": 1}, 1.0)


def test_an_error_is_retried_while_tries_are_left(make: Make) -> None:
    assert endings.raised(make(retries=2), ValueError("x")).kind == "retry"
    assert endings.raised(make(retries=2, attempts=1), ValueError("x")).kind == "failed"
    assert endings.raised(make(), ValueError("x")).kind == "failed"


def test_a_thread_that_still_runs_is_never_retried(make: Make) -> None:
    assert endings.raised(make(retries=9), ThreadStillRuns(1)).kind == "failed"


def test_a_retry_waits_its_delay_in_milliseconds(make: Make) -> None:
    ending = endings.retried(make(retry_delay=1.5), "boom")
    assert (ending.number, ending.status) == (1500, "queued")
    document = decode(ending.document)
    assert document["error"] == "boom"
    assert "started" not in document


def test_a_backoff_grows_and_never_passes_its_limit(make: Make) -> None:
    waits = [
        endings.retried(make(retry_delay=1, retry_backoff=4, attempts=n), "boom").number
        for n in range(30)
    ]
    assert max(waits) <= 4000


@pytest.mark.parametrize(
    ("ttl", "kept"), [(600, FAILED_TTL), (0, 0), (-1, FAILED_TTL), (10**6, 10**6)]
)
def test_a_failure_stays_at_least_a_week(make: Make, ttl: int, kept: int) -> None:
    ending = endings.failed(make(ttl=ttl, result=1), "boom")
    assert (ending.kind, ending.number) == ("failed", kept)
    assert "result" not in decode(ending.document)


def test_a_release_gives_the_try_back(make: Make) -> None:
    ending = endings.released(make(attempts=1))
    assert ending.kind == "release"
    assert decode(ending.document)["attempts"] == 1


def test_a_release_of_what_never_began_leaves_the_tries_as_they_are(
    make: Make,
) -> None:
    job = make(attempts=2)
    job.status, job.attempts = Status.QUEUED, 2
    assert decode(endings.released(job).document)["attempts"] == 2


def test_a_job_that_cannot_run_here_waits_ten_seconds(make: Make) -> None:
    ending = endings.raised(make(), NotRunnableHere("not mine"))
    assert (ending.kind, ending.number) == ("release", 10_000)
    assert "attempts" not in decode(ending.document)


def test_a_lost_job_is_given_back_twice_and_then_parked(make: Make) -> None:
    job = make()
    kinds = []
    for _ in range(3):
        endings.begin(job, worker="w1")
        kinds.append(endings.lost(job).kind)
    assert kinds == ["release", "release", "failed"]
    assert (job.error or "").startswith("poison: 3 workers died")
    assert job.meta["kills"] == 3


def test_a_meta_that_uses_the_word_kills_otherwise_does_no_harm(make: Make) -> None:
    assert endings.lost(make(meta={"kills": "many"})).kind == "release"


def test_what_json_cannot_carry_is_told_once_and_kept_as_text(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    job = make(kwargs={"a": {1 + 2j}}, meta={"m": object})
    document = decode(endings.completed(job, object).document)
    assert document["result"] == document["meta"]["m"] == "<class 'object'>"
    assert document["kwargs"] == {"a": ["(1+2j)"]}
    assert [record.__dict__["action"] for record in caplog.records] == ["not_json"]
