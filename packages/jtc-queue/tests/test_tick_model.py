from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from jtc.queue import Scheduler, endings
from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.claims import Claims

ENDINGS = st.sampled_from(["done", "failed", "retry", "release", "lost", "cancel"])


class TickMachine(RuleBasedStateMachine):
    """Any order of steps leaves each tick in one place: waiting, held or recorded."""

    def __init__(self, bench: Any, ticking: Any) -> None:
        super().__init__()
        self.bench, self.queue, self.run = bench, bench.queue, bench.run
        self.queue.history_length = 1000
        self.redis: Any = self.queue.redis
        self.ticking = ticking(self.queue)
        self.minute = 0
        self.held: dict[str, ClaimedJob] = {}
        self.is_paused = False

    def teardown(self) -> None:
        self.bench.close()

    @initialize(
        overlap=st.sampled_from(["skip", "allow", "buffer_one"]),
        catchup=st.sampled_from(["latest", "all", "none"]),
    )
    def declare(self, overlap: str, catchup: str) -> None:
        self.task = self.ticking.task(overlap=overlap, catchup=catchup)
        self.run(self.ticking.fire(self.task, 0))

    @rule(ticks=st.integers(1, 4))
    def fire(self, ticks: int) -> None:
        due, self.minute = self.minute + 1, self.minute + ticks
        self.run(self.ticking.fire(self.task, self.minute + 0.1, due=due))

    @rule()
    def fire_again_what_was_fired(self) -> None:
        assert not self.run(self.ticking.fire(self.task, self.minute + 0.1, due=0))

    @rule()
    def claim(self) -> None:
        batch = self.run(Claims(self.queue, "w1").take(1))
        for job in batch.jobs:
            endings.begin(job, worker="w1")
            self.held[job.key] = job

    @precondition(lambda self: self.held)
    @rule(data=st.data(), kind=ENDINGS)
    def settle(self, data: st.DataObject, kind: str) -> None:
        job = self.held.pop(data.draw(st.sampled_from(sorted(self.held))))
        ending = {
            "done": lambda: endings.completed(job, 1),
            "failed": lambda: endings.failed(job, "boom"),
            "retry": lambda: endings.retried(job, "boom", wait=0),
            "release": lambda: endings.released(job),
            "lost": lambda: endings.lost(job),
            "cancel": lambda: endings.aborted(job, "no"),
        }[kind]()
        assert self.bench.settle(ending) == [True]
        assert self.bench.settle(ending) == [False]

    @rule()
    def cancel_what_waits(self) -> None:
        for job in self.run(self.ticking.waiting())[:1]:
            self.run(self.queue.cancel(job.key))

    @rule()
    def pause(self) -> None:
        self.is_paused = True
        note = json.dumps({"at": 1, "note": ""})
        self.run(self.redis.hset(self.queue.keys.paused, "report", note))

    @rule()
    def resume(self) -> None:
        self.is_paused = False
        self.run(self.redis.hdel(self.queue.keys.paused, "report"))
        self.run(Scheduler(self.queue, [self.task]).sync())

    @invariant()
    def each_tick_is_in_one_place(self) -> None:
        queued, buffered, recorded = self.run(self.look())
        places = Counter([*queued, *buffered, *recorded])
        assert places == dict.fromkeys(range(self.minute + 1), 1)
        is_free = self.task.options.overlap == "allow"
        assert is_free or len(queued) <= 1
        assert not buffered or queued or self.is_paused

    async def look(self) -> tuple[list[int], list[int], list[int]]:
        """The ticks that are queued or run, that wait for another, and that ended."""
        ids = await self.redis.zrange(self.queue.keys.incomplete, 0, -1)
        keys = [self.queue.job_key_from_id(i.decode()) for i in ids]
        jobs = [job for job in await self.queue.jobs(keys) if job] if keys else []
        buffer = f"{self.queue.keys.buffer}report"
        waiting = await self.redis.lrange(buffer, 0, -1)
        documents = [json.loads(text) for text in waiting[1::2]]
        recorded = [
            self.minute_of(record.tick.timestamp()) + n
            for record in await self.ticking.records()
            for n in range(record.count)
        ]
        return (
            [self.minute_of(job.meta["tick"]["nominal"]) for job in jobs],
            [self.minute_of(d["meta"]["tick"]["nominal"]) for d in documents],
            recorded,
        )

    def minute_of(self, seconds: float) -> int:
        minutes: float = (seconds - self.ticking.start) / 60
        return round(minutes)


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
def test_each_tick_has_one_outcome_whatever_happens(
    run_machine: Callable[..., None], ticking: Any
) -> None:
    run_machine(lambda bench: TickMachine(bench, type(ticking)), examples=20, steps=25)
