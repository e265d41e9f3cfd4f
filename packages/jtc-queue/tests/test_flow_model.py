from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import saq
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from jtc.queue import Discard, FailedJobs, endings
from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.flow import Flow
from jtc.queue.flows import Flows
from jtc.queue.redis_queue import FAILED_TTL
from jtc.queue.settlement import Settlement

Name = tuple[int, str]
"""Which flow, and which of its members or of what follows it."""

WORKERS = st.integers(0, 2)
AFTER = ("then", "catch", "finally")
HOW = {
    "done": "done",
    "failed": "failed",
    "unreadable": "failed",
    "aborted": "canceled",
    "discarded": "canceled",
}
ENDINGS = st.sampled_from([*HOW, "retry", "later", "release"])


@dataclass
class FlowModel:
    """What a flow is, in plain words."""

    index: int
    is_chain: bool
    stops: bool
    ends: dict[int, str]
    # What has not been in the queue yet.
    unborn: set[int] = field(default_factory=set)
    to_come: set[str] = field(default_factory=lambda: set(AFTER))

    def count(self, how: str) -> int:
        return list(self.ends.values()).count(how)

    @property
    def has_ended(self) -> bool:
        return self.count("pending") == 0


@dataclass
class Model:
    """What a queue with flows is, in plain words."""

    flows: list[FlowModel] = field(default_factory=list)
    waiting: set[Name] = field(default_factory=set)
    delayed: set[Name] = field(default_factory=set)
    held: dict[Name, ClaimedJob] = field(default_factory=dict)
    failed: set[Name] = field(default_factory=set)
    kills: dict[Name, int] = field(default_factory=dict)

    @property
    def incomplete(self) -> set[Name]:
        return self.waiting | self.delayed | self.held.keys()

    def start(self, flow: FlowModel) -> None:
        self.flows.append(flow)
        if flow.is_chain:
            flow.unborn = set(flow.ends)
            self.give_turn(flow, 0)
        else:
            self.waiting |= {(flow.index, str(number)) for number in flow.ends}
        self.conclude(flow)

    def give_turn(self, flow: FlowModel, number: int) -> None:
        if flow.ends.get(number) == "pending":
            flow.unborn.discard(number)
            self.waiting.add((flow.index, str(number)))

    def leave_queue(self, name: Name) -> None:
        self.held.pop(name, None)
        self.waiting.discard(name)
        self.delayed.discard(name)

    def end(self, ended: Mapping[Name, str]) -> None:
        """Let jobs end, all in one step."""
        members = [(self.flows[i], int(n), how) for (i, n), how in _members(ended)]
        for name in ended:
            self.leave_queue(name)
        for flow, number, how in members:
            flow.ends[number] = how
        for flow, number, how in members:
            self.follow(flow, number, how)
        for flow, _, _ in members:
            self.conclude(flow)

    def follow(self, flow: FlowModel, number: int, how: str) -> None:
        if flow.is_chain and how == "done":
            self.give_turn(flow, number + 1)
        elif flow.is_chain:
            self.stop(flow)
        elif how == "failed":
            self.call(flow, "catch")
            if flow.stops:
                self.stop(flow)

    def stop(self, flow: FlowModel) -> None:
        for number, end in flow.ends.items():
            name = flow.index, str(number)
            if end == "pending" and name not in self.held:
                flow.ends[number] = "canceled"
                self.leave_queue(name)

    def conclude(self, flow: FlowModel) -> None:
        if not flow.has_ended:
            return
        if flow.count("done") == len(flow.ends):
            self.call(flow, "then")
        elif flow.is_chain:
            self.call(flow, "catch")
        self.call(flow, "finally")

    def call(self, flow: FlowModel, which: str) -> None:
        if which in flow.to_come:
            flow.to_come.remove(which)
            self.waiting.add((flow.index, which))

    def put_back(self, name: Name) -> None:
        self.failed.discard(name)
        self.waiting.add(name)
        self.kills[name] = 0
        for (index, word), _ in _members({name: ""}):
            flow, number = self.flows[index], int(word)
            flow.ends[number] = "pending"
            for later in flow.unborn:
                if later > number:
                    flow.ends[later] = "pending"


def _members(ended: Mapping[Name, str]) -> list[tuple[Name, str]]:
    return [(name, how) for name, how in ended.items() if name[1] not in AFTER]


class FlowMachine(RuleBasedStateMachine):
    """Any order of steps leaves flows, and what follows them, as the model has them."""

    def __init__(self, bench: Any) -> None:
        super().__init__()
        self.bench, self.queue, self.run = bench, bench.queue, bench.run
        self.redis: Any = self.queue.redis
        self.workers = [bench.new_worker() for _ in range(3)]
        self.model = Model()
        self.ids: list[str] = []
        self.former: list[ClaimedJob] = []

    def key(self, name: Name) -> str:
        return f"{self.ids[name[0]]}.{name[1]}"

    def name(self, key: str) -> Name:
        flow_id, _, word = key.partition(".")
        return self.ids.index(flow_id), word

    @precondition(lambda self: len(self.model.incomplete) < 4)
    @rule(size=st.integers(0, 6), is_chain=st.booleans(), stops=st.booleans())
    def start(self, size: int, *, is_chain: bool, stops: bool) -> None:
        kind: Any = "chain" if is_chain else "batch"
        size = max(size, 1) if is_chain else size
        jobs = [saq.Job("f", kwargs={"n": n}) for n in range(size)]
        then, catch, finally_ = (saq.Job("f", kwargs={"after": w}) for w in AFTER)
        flow = Flow(kind, jobs, then, catch, finally_, stops=stops)
        self.run(Flows(self.queue).start(flow))
        self.ids.append(flow.id)
        ends = dict.fromkeys(range(size), "pending")
        self.model.start(FlowModel(len(self.ids) - 1, is_chain, stops, ends))

    @initialize(size=st.integers(2, 6), is_chain=st.booleans(), stops=st.booleans())
    def begin(self, size: int, *, is_chain: bool, stops: bool) -> None:
        self.start(size, is_chain=is_chain, stops=stops)

    @precondition(lambda self: self.model.waiting)
    @rule(worker=WORKERS, limit=st.integers(1, 4))
    def claim(self, worker: int, limit: int) -> None:
        name, holder = self.workers[worker]
        for job in self.run(holder.take(limit)).jobs:
            self.model.waiting.remove(self.name(job.key))
            endings.begin(job, worker=name)
            self.model.held[self.name(job.key)] = job

    @precondition(lambda self: self.model.waiting)
    @rule(worker=WORKERS, rounds=st.integers(1, 4))
    def work(self, worker: int, rounds: int) -> None:
        """Get on: without this, hardly a chain would come to its end."""
        for _ in range(rounds):
            self.claim(worker, 4)
            name = self.workers[worker][0]
            mine = [n for n, job in self.model.held.items() if job.worker_id == name]
            self.settle(dict.fromkeys(mine, "done"))

    @precondition(lambda self: self.model.delayed)
    @rule()
    def promote(self) -> None:
        due = {self.queue.job_id(self.key(name)): 1 for name in self.model.delayed}
        self.run(self.redis.zadd(self.queue.keys.incomplete, due))
        self.run(self.queue.promote())
        self.model.waiting |= self.model.delayed
        self.model.delayed.clear()

    @precondition(lambda self: self.model.held)
    @rule(data=st.data(), kinds=st.lists(ENDINGS, min_size=1, max_size=3))
    def settle_together(self, data: st.DataObject, kinds: list[str]) -> None:
        chosen = data.draw(st.permutations(sorted(self.model.held)))
        self.settle(dict(zip(chosen, kinds, strict=False)))

    def settle(self, kinds: Mapping[Name, str]) -> None:
        jobs = [self.model.held[name] for name in kinds]
        ends = [_ending(*pair) for pair in zip(jobs, kinds.values(), strict=True)]
        assert all(self.bench.settle(*ends))
        self.former += jobs
        for name, kind in kinds.items():
            if kind not in HOW:
                self.model.leave_queue(name)
                rest = "delayed" if kind == "later" else "waiting"
                getattr(self.model, rest).add(name)
            if HOW.get(kind) == "failed":
                self.model.failed.add(name)
        self.model.end({n: HOW[kind] for n, kind in kinds.items() if kind in HOW})

    @precondition(lambda self: self.former and self.model.held)
    @rule(data=st.data(), kind=ENDINGS)
    def settle_late(self, data: st.DataObject, kind: str) -> None:
        job = data.draw(st.sampled_from(self.former))
        assert self.bench.settle(_ending(job, kind)) == [False]

    @precondition(lambda self: self.model.held)
    @rule(data=st.data(), by=WORKERS)
    def crash_and_recover(self, data: st.DataObject, by: int) -> None:
        victim = self.model.held[data.draw(st.sampled_from(sorted(self.model.held)))]
        dead = victim.worker_id
        new = self.bench.new_worker()
        self.workers = [w if w[0] != dead else new for w in self.workers]
        self.run(self.redis.zadd(self.queue.keys.workers, {dead: 1}))
        for job in self.run(self.workers[by][1].recover()).taken.jobs:
            name = self.name(job.key)
            self.former.append(self.model.held[name])
            assert self.bench.settle(endings.lost(job)) == [True]
            self.model.kills[name] = self.model.kills.get(name, 0) + 1
            if self.model.kills[name] >= endings.MAX_KILLS:
                self.model.failed.add(name)
                self.model.end({name: "failed"})
            else:
                self.model.leave_queue(name)
                self.model.waiting.add(name)

    # Not whenever it could be: nothing else would come to its end any more.
    @precondition(lambda self: self.model.held and len(self.model.waiting) > 1)
    @rule(data=st.data())
    def cancel_one(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.model.incomplete)))
        assert self.run(self.queue.cancel(self.key(name)))
        if name not in self.model.held:
            self.model.end({name: "canceled"})

    @precondition(lambda self: len(self.model.held) > 1)
    @rule(data=st.data())
    def cancel_all(self, data: st.DataObject) -> None:
        flow = data.draw(st.sampled_from(self.model.flows))
        canceled = self.run(Flows(self.queue).cancel(self.ids[flow.index]))
        assert canceled != flow.has_ended
        if canceled:
            self.model.stop(flow)
            flow.unborn.clear()
            self.model.conclude(flow)

    @precondition(lambda self: self.model.failed)
    @rule(data=st.data())
    def put_back(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.model.failed)))
        back = self.run(FailedJobs(self.queue).retry(self.key(name)))
        assert list(back) == [self.key(name)]
        self.model.put_back(name)

    @invariant()
    def the_server_has_what_the_model_has(self) -> None:
        ids, flows = self.run(self.look())
        keys = [self.queue.job_key_from_id(one.decode()) for one in ids]
        assert {self.name(key) for key in keys} == self.model.incomplete
        for flow, (counts, *lives) in zip(self.model.flows, flows, strict=True):
            expected = [len(flow.ends), *map(flow.count, HOW_TO_END)]
            assert [int(count) for count in counts] == expected
            # It stays known for as long as it takes.
            assert {left == -1 for left in lives} == {not flow.has_ended}

    async def look(self) -> tuple[list[bytes], list[list[Any]]]:
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.zrange(self.queue.keys.incomplete, 0, -1)
            for flow_id in self.ids:
                key = f"{self.queue.keys.flow}{flow_id}"
                pipe.hmget(key, ["total", *HOW_TO_END])
                pipe.ttl(key)
                pipe.ttl(f"{key}:ends")
            incomplete, *rest = await pipe.execute()
        return incomplete, [rest[at : at + 3] for at in range(0, len(rest), 3)]

    def teardown(self) -> None:
        try:
            self.end_all()
        finally:
            self.bench.close()

    def end_all(self) -> None:
        """Whatever has happened, it comes to an end and leaves nothing for ever."""
        while self.model.incomplete:
            if self.model.delayed:
                self.promote()
            self.claim(0, 100)
            assert self.model.held, f"not in the queue: {self.model.waiting}"
            self.settle(dict.fromkeys(self.model.held, "done"))
        self.the_server_has_what_the_model_has()
        assert all(flow.has_ended for flow in self.model.flows)
        keys = self.queue.keys
        # What failed jobs are searched by is cleaned when they are pruned.
        of_failures = {keys.failed, keys.failures}
        lasting = self.run(self.lasting())
        assert lasting <= {keys.workers, keys.queued, *of_failures}

    async def lasting(self) -> set[str]:
        """What stays for good."""
        names = await self.redis.keys("*")
        async with self.redis.pipeline(transaction=True) as pipe:
            for name in names:
                pipe.ttl(name)
            lives = await pipe.execute()
        pairs = zip(names, lives, strict=True)
        return {name.decode() for name, left in pairs if left == -1}


HOW_TO_END = ("done", "failed", "canceled")


def _ending(job: ClaimedJob, kind: str) -> Settlement:
    if kind == "unreadable":
        return Settlement(job.id, job.claim, "failed", job.document, FAILED_TTL)
    return {
        "done": lambda: endings.completed(job, 1),
        "failed": lambda: endings.failed(job, "boom"),
        "aborted": lambda: endings.aborted(job, "no more"),
        "discarded": lambda: endings.raised(job, Discard("no use")),
        "retry": lambda: endings.retried(job, "boom", wait=0),
        "later": lambda: endings.retried(job, "boom", wait=3600),
        "release": lambda: endings.released(job),
    }[kind]()


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
def test_any_order_of_steps_counts_each_member_and_calls_back_once(
    run_machine: Callable[..., None],
) -> None:
    run_machine(FlowMachine)
