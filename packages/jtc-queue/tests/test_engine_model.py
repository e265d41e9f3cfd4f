from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import saq
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)

from jtc.queue import endings
from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.settlement import Settlement

KEYS = st.sampled_from("abc")
UNTIL = st.sampled_from(["start", "finish"])
WORKERS = st.integers(0, 2)
ENDINGS = st.sampled_from(["done", "failed", "retry", "later", "release"])


@dataclass
class Model:
    """What a queue is, in plain words."""

    waiting: set[str] = field(default_factory=set)
    delayed: set[str] = field(default_factory=set)
    held: dict[str, ClaimedJob] = field(default_factory=dict)
    kills: dict[str, int] = field(default_factory=dict)
    unique: str = ""

    def in_place_of(self, key: str, until: str) -> str | None:
        """The job that is there instead of the unique one, if one is."""
        if key in self.incomplete:
            return key
        counts = self.incomplete - (self.held.keys() if until == "start" else set())
        return self.unique if self.unique in counts else None

    @property
    def incomplete(self) -> set[str]:
        return self.waiting | self.delayed | self.held.keys()

    def end(self, key: str) -> None:
        self.held.pop(key, None)
        self.waiting.discard(key)
        self.delayed.discard(key)


class QueueMachine(RuleBasedStateMachine):
    """Any order of steps by three workers leaves the queue as the model has it."""

    def __init__(self, bench: Any) -> None:
        super().__init__()
        self.bench, self.queue, self.run = bench, bench.queue, bench.run
        self.workers = [bench.new_worker() for _ in range(3)]
        self.model = Model()
        self.former: list[ClaimedJob] = []

    def teardown(self) -> None:
        self.bench.close()

    @rule(key=KEYS)
    def enqueue(self, key: str) -> None:
        added = self.run(self.queue.enqueue("f", key=key))
        assert (added is None) == (key in self.model.incomplete)
        if added:
            self.model.waiting.add(key)
            self.model.kills[key] = 0

    @rule(key=KEYS, until=UNTIL)
    def put_unique(self, key: str, until: str) -> None:
        unique = {"key": "the one", "until": until, "ttl": 3600}
        job = saq.Job("f", key=key, meta={"unique": unique})
        other = self.model.in_place_of(key, until)
        assert self.run(self.queue.put(job)) == (other or key)
        if other is None:
            self.model.waiting.add(key)
            self.model.kills[key] = 0
            self.model.unique = key

    @rule(key=KEYS)
    def enqueue_for_later(self, key: str) -> None:
        added = self.run(self.queue.enqueue("f", key=key, scheduled=4_000_000_000))
        assert (added is None) == (key in self.model.incomplete)
        if added:
            self.model.delayed.add(key)
            self.model.kills[key] = 0

    @precondition(lambda self: self.model.delayed)
    @rule()
    def promote(self) -> None:
        due = sorted(self.model.delayed)
        ids = {self.queue.job_id(key): 1 for key in due}
        self.run(self.queue.redis.zadd(self.queue.keys.incomplete, ids))
        self.run(self.queue.promote())
        self.model.delayed.clear()
        self.model.waiting |= set(due)

    @rule(worker=WORKERS, limit=st.integers(1, 4))
    def claim(self, worker: int, limit: int) -> None:
        batch = self.run(self.workers[worker][1].take(limit))
        keys = [job.key for job in batch.jobs]
        assert len(keys) == len(set(keys)) <= batch.met <= limit
        # It stopped because it had enough, or because no more waited.
        assert batch.met == limit or set(keys) == self.model.waiting
        assert set(keys) <= self.model.waiting
        self.model.waiting -= set(keys)
        for job in batch.jobs:
            endings.begin(job, worker=self.workers[worker][0])
            self.model.held[job.key] = job

    @precondition(lambda self: self.model.held)
    @rule(data=st.data(), kind=ENDINGS)
    def settle(self, data: st.DataObject, kind: str) -> None:
        key = data.draw(st.sampled_from(sorted(self.model.held)))
        job = self.model.held[key]
        assert self.bench.settle(_ending(job, kind)) == [True]
        self.model.end(key)
        if kind in ("retry", "release"):
            self.model.waiting.add(key)
        if kind == "later":
            self.model.delayed.add(key)
        self.former.append(job)

    @precondition(lambda self: self.former)
    @rule(data=st.data(), kind=ENDINGS)
    def settle_late(self, data: st.DataObject, kind: str) -> None:
        job = data.draw(st.sampled_from(self.former))
        assert self.bench.settle(_ending(job, kind)) == [False]

    @precondition(lambda self: self.former)
    @rule(data=st.data())
    def update_late(self, data: st.DataObject) -> None:
        job = data.draw(st.sampled_from(self.former))
        assert self.bench.settle(endings.running(job)) == [False]

    @rule(key=KEYS)
    def cancel(self, key: str) -> None:
        canceled = self.run(self.queue.cancel(key))
        assert canceled == (key in self.model.incomplete)
        if key not in self.model.held:
            self.model.end(key)

    @precondition(lambda self: self.model.waiting)
    @rule(data=st.data())
    def cancel_and_enqueue_again(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.model.waiting)))
        self.cancel(key)
        self.enqueue(key)

    @rule(worker=WORKERS, by=WORKERS)
    def crash_and_recover(self, worker: int, by: int) -> None:
        dead, _ = self.workers[worker]
        self.workers[worker] = self.bench.new_worker()
        self.run(self.queue.redis.zadd(self.queue.keys.workers, {dead: 1}))
        lost = {k for k, job in self.model.held.items() if job.worker_id == dead}
        taken = self.run(self.workers[by][1].recover()).taken.jobs
        assert {job.key for job in taken} == lost
        for job in taken:
            self.former.append(self.model.held[job.key])
            assert self.bench.settle(endings.lost(job)) == [True]
            self.model.end(job.key)
            self.model.kills[job.key] += 1
            if self.model.kills[job.key] < endings.MAX_KILLS:
                self.model.waiting.add(job.key)

    @invariant()
    def the_server_has_what_the_model_has(self) -> None:
        line, active, incomplete, claims = self.run(self.look())
        # What was canceled may be left over in the line.
        assert set(line) >= self.model.waiting
        assert sorted(active) == sorted(self.model.held)
        assert set(incomplete) == self.model.incomplete
        assert claims == {key: job.claim for key, job in self.model.held.items()}

    async def look(self) -> tuple[list[str], list[str], list[str], dict[str, str]]:
        keys = self.queue.keys
        async with self.queue.redis.pipeline(transaction=True) as pipe:
            pipe.lrange(keys.queued, 0, -1)
            pipe.lrange(keys.active, 0, -1)
            pipe.zrange(keys.incomplete, 0, -1)
            pipe.hgetall(keys.claims)
            line, active, incomplete, claims = await pipe.execute()

        def names(ids: list[bytes]) -> list[str]:
            return [self.queue.job_key_from_id(i.decode()) for i in ids]

        held = zip(names(list(claims)), claims.values(), strict=True)
        owners = {key: claim.decode() for key, claim in held}
        return names(line), names(active), names(incomplete), owners


def _ending(job: ClaimedJob, kind: str) -> Settlement:
    job.retry_delay = 3600 if kind == "later" else 0
    return {
        "done": lambda: endings.completed(job, 1),
        "failed": lambda: endings.failed(job, "boom"),
        "retry": lambda: endings.retried(job, "boom"),
        "later": lambda: endings.retried(job, "boom"),
        "release": lambda: endings.released(job),
    }[kind]()


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
def test_any_order_of_steps_loses_nothing_and_doubles_nothing(
    run_machine: Callable[..., None],
) -> None:
    run_machine(QueueMachine)
