from __future__ import annotations

import asyncio
import subprocess
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import saq
from redis.asyncio import Redis
from saq.job import Status

from jtc.queue import (
    FailedJobs,
    NotRunnableHere,
    RedisQueue,
    Unserializable,
    Worker,
    endings,
)
from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.claims import Claims
from jtc.queue.errors import FlowNotStarted
from jtc.queue.flow import Flow, Membership, member_key, membership_of
from jtc.queue.flow_progress import FlowProgress
from jtc.queue.flows import STAGED_SECONDS, Flows

Eventually = Callable[..., Awaitable[Any]]
StartWorker = Callable[..., subprocess.Popen[str]]


async def work(ctx: dict[str, Any], *, seconds: float) -> str:
    return f"attempt {ctx['job'].attempts}"


async def fail(ctx: dict[str, Any], *, seconds: float) -> None:
    raise ConnectionError(seconds)


def jobs(count: int, function: str = "work", **arguments: Any) -> list[saq.Job]:
    kwargs = {"seconds": 0, **arguments}
    return [saq.Job(function, kwargs=kwargs, timeout=300) for _ in range(count)]


def after(seconds: float = 0) -> dict[str, Any]:
    names = ("then", "catch", "finally_")
    return dict(zip(names, jobs(3, seconds=seconds), strict=True))


async def claimed(queue: RedisQueue, limit: int = 100) -> dict[str, ClaimedJob]:
    """Claim what waits and begin it; by the last part of the key."""
    holder = Claims(queue, "w1")
    await holder.renew()
    taken = (await holder.take(limit)).jobs
    for job in taken:
        endings.begin(job, worker="w1")
    return {job.key.partition(".")[2]: job for job in taken}


async def waiting(queue: RedisQueue) -> list[str]:
    """The last parts of the keys of what is in the queue, in its order."""
    ids = await queue.redis.lrange(queue.keys.queued, 0, -1)  # type: ignore[misc]
    return [job_id.decode().partition(".")[2] for job_id in ids]


# -- the key says who is a member ------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        "",
        "batch-",
        "batch-1.2",
        f"batch-{'0' * 32}",
        f"batch-{'0' * 32}.then",
        f"batch-{'0' * 32}.-1",
        f"batch-{'0' * 32}.{'1' * 10}",
        f"batch-{'0' * 32}.1\n",
        f"a batch-{'0' * 32}.1",
    ],
)
def test_other_keys_are_no_members(key: str) -> None:
    assert membership_of(key) is None


def test_a_members_key_says_which_it_is() -> None:
    flow = Flow("chain", [])
    assert membership_of(member_key(flow.id, 12)) == Membership(flow.id, 12)


async def test_a_key_that_looks_like_a_members_is_no_trouble(
    redis: Redis, queue: RedisQueue
) -> None:
    key = f"batch-{'0' * 32}.7"
    await queue.enqueue("work", key=key, seconds=0)
    await Worker(queue, [work, fail], burst=True).start()
    assert await queue.count("incomplete") == 0
    await queue.enqueue("work", key=key, seconds=0, scheduled=4_000_000_000)
    assert await queue.cancel(key)
    assert await redis.keys("jtc:*flow*") == []


# -- all or nothing --------------------------------------------------------------------


async def test_what_was_not_begun_is_seen_by_no_worker_and_expires(
    redis: Redis, queue: RedisQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    flows = Flows(queue)

    async def die(**_: Any) -> None:
        raise ConnectionError

    # When the dispatcher dies before the last call
    monkeypatch.setattr(flows, "_start", die)
    with pytest.raises(ConnectionError):
        await flows.start(Flow("batch", jobs(3), **after()))
    # Then nothing was enqueued and nothing stays
    assert await queue.count("queued") == await queue.count("incomplete") == 0
    keys = await redis.keys("*")
    assert len(keys) == 3
    assert all([0 < await redis.ttl(key) <= STAGED_SECONDS for key in keys])


async def test_a_flow_whose_documents_are_gone_does_not_begin(
    redis: Redis, queue: RedisQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    flows, flow = Flows(queue), Flow("batch", jobs(3))
    start = flows._start

    async def start_late(**keywords: Any) -> Any:
        await redis.delete(queue.job_id(member_key(flow.id, 1)))
        return await start(**keywords)

    monkeypatch.setattr(flows, "_start", start_late)
    with pytest.raises(FlowNotStarted, match=f"None of the jobs of {flow.id}"):
        await flows.start(flow)
    assert await queue.count("incomplete") == 0
    assert await flows.progress(flow.id) is None


async def test_a_call_that_is_made_again_after_a_lost_reply_changes_nothing(
    queue: RedisQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    flows, flow = Flows(queue), Flow("batch", jobs(2), **after())
    start = flows._start

    async def twice(**keywords: Any) -> Any:
        await start(**keywords)
        (job, *_) = (await claimed(queue, 1)).values()
        assert await queue.settle(endings.completed(job, 1))
        return await start(**keywords)

    monkeypatch.setattr(flows, "_start", twice)
    await flows.start(flow)
    assert await flows.progress(flow.id) == FlowProgress(2, done=1)
    assert await waiting(queue) == ["1"]


async def test_an_argument_that_json_cannot_carry_is_refused(
    redis: Redis, queue: RedisQueue
) -> None:
    for flow in (
        Flow("batch", jobs(1, what=object())),
        Flow("batch", jobs(1), then=jobs(1, what=object())[0]),
        Flow("batch", jobs(1), then=Flow("chain", jobs(1, what=object()))),
    ):
        with pytest.raises(Unserializable):
            await Flows(queue).start(flow)
    assert await queue.count("incomplete") == 0


# -- the ways in which a member ends ---------------------------------------------------


async def test_the_last_two_that_end_at_once_are_followed_once(
    queue: RedisQueue,
) -> None:
    flow = Flow("batch", jobs(2), **after())
    await Flows(queue).start(flow)
    held = await claimed(queue)
    # When two workers settle at the same time
    other = RedisQueue(queue.redis, name=queue.name)
    applied = await asyncio.gather(
        queue.settle(endings.completed(held["0"], 1)),
        other.settle(endings.completed(held["1"], 1)),
    )
    assert all(applied)
    assert await waiting(queue) == ["then", "finally"]
    # Also in one call
    flow = Flow("batch", jobs(2), stops=True, **after())
    await Flows(queue).start(flow)
    held = await claimed(queue)
    first, second = endings.failed(held["0"], "boom"), endings.completed(held["1"], 1)
    assert all(await asyncio.gather(queue.settle(first), queue.settle(second)))
    assert await Flows(queue).progress(flow.id) == FlowProgress(2, done=1, failed=1)
    assert await waiting(queue) == ["catch", "finally"]
    stored = await queue.job(member_key(flow.id, 1))
    assert stored is not None
    assert stored.status == Status.COMPLETE


async def test_a_late_end_of_an_attempt_that_was_replaced_changes_nothing(
    redis: Redis, queue: RedisQueue
) -> None:
    flow = Flow("chain", jobs(2), **after())
    await Flows(queue).start(flow)
    former = (await claimed(queue))["0"]
    # Given that its worker is taken for dead, and its job runs elsewhere
    other = Claims(queue, "w2")
    await other.renew()
    await redis.zadd(queue.keys.workers, {"w1": 1})
    (lost,) = (await other.recover()).taken.jobs
    assert await queue.settle(endings.lost(lost))
    assert await Flows(queue).progress(flow.id) == FlowProgress(2)
    # When it ends all the same
    assert not await queue.settle(endings.completed(former, 1))
    assert not await queue.settle(endings.failed(former, "boom"))
    # Then nothing has followed
    assert await Flows(queue).progress(flow.id) == FlowProgress(2)
    assert await waiting(queue) == ["0"]


async def test_a_member_whose_document_is_no_job_has_failed(
    redis: Redis, queue: RedisQueue
) -> None:
    flow = Flow("batch", jobs(3), stops=False, **after())
    await Flows(queue).start(flow)
    await redis.set(queue.job_id(member_key(flow.id, 0)), b"{oops")
    await redis.delete(queue.job_id(member_key(flow.id, 1)))
    await Worker(queue, [work, fail], burst=True).start()
    assert await Flows(queue).progress(flow.id) == FlowProgress(3, done=1, failed=2)
    assert await queue.count("incomplete") == 0
    for word in ("catch", "finally"):
        job = await queue.job(f"{flow.id}.{word}")
        assert job is not None
        assert job.status == Status.COMPLETE


async def test_a_link_whose_document_was_deleted_ends_its_chain(
    redis: Redis, queue: RedisQueue
) -> None:
    flow = Flow("chain", jobs(3), **after())
    await Flows(queue).start(flow)
    await redis.delete(queue.job_id(member_key(flow.id, 1)))
    await Worker(queue, [work, fail], burst=True).start()
    progress = FlowProgress(3, done=1, failed=1, canceled=1)
    assert await Flows(queue).progress(flow.id) == progress
    assert await queue.job(f"{flow.id}.catch") is not None
    assert await queue.count("incomplete") == 0


async def test_a_member_that_no_worker_knows_has_failed_after_an_hour(
    queue: RedisQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nowhere(ctx: dict[str, Any]) -> None:
        raise NotRunnableHere

    flow = Flow("batch", [saq.Job("nowhere")], **after())
    await Flows(queue).start(flow)
    monkeypatch.setattr(endings, "ELSEWHERE_LIMIT", -1)
    await Worker(queue, [work, nowhere], burst=True).start()
    assert await Flows(queue).progress(flow.id) == FlowProgress(1, failed=1)


@pytest.mark.parametrize("way", ["abort", "cancel", "finish", "fail"])
async def test_what_saqs_methods_end_is_counted(queue: RedisQueue, way: str) -> None:
    flow = Flow("batch", jobs(1), **after())
    await Flows(queue).start(flow)
    key = member_key(flow.id, 0)
    job = await queue.job(key)
    assert job is not None
    ways: dict[str, Callable[[], Awaitable[Any]]] = {
        "abort": lambda: job.abort("no more"),
        "cancel": lambda: queue.cancel(key),
        "finish": lambda: job.finish(Status.ABORTED, error="no more"),
        "fail": lambda: job.finish(Status.FAILED, error="no more"),
    }
    await ways[way]()
    failed = int(way == "fail")
    expected = FlowProgress(1, failed=failed, canceled=1 - failed)
    assert await Flows(queue).progress(flow.id) == expected


async def test_a_delayed_try_is_canceled_with_its_batch(queue: RedisQueue) -> None:
    flow = Flow("batch", jobs(2), stops=True, **after())
    await Flows(queue).start(flow)
    held = await claimed(queue)
    assert await queue.settle(endings.retried(held["0"], "boom", wait=3600))
    assert await queue.settle(endings.failed(held["1"], "boom"))
    expected = FlowProgress(2, failed=1, canceled=1)
    assert await Flows(queue).progress(flow.id) == expected
    assert await waiting(queue) == ["catch", "finally"]


async def test_what_was_canceled_does_not_follow_a_failed_job_that_is_put_back(
    queue: RedisQueue,
) -> None:
    # Given a chain that was canceled, and whose running job failed all the same
    flow = Flow("chain", jobs(3), **after())
    await Flows(queue).start(flow)
    held = await claimed(queue)
    assert await Flows(queue).cancel(flow.id)
    assert await queue.settle(endings.failed(held["0"], "boom"))
    # When that one is put back
    assert len(await FailedJobs(queue).retry_all()) == 1
    await Worker(queue, [work, fail], burst=True).start()
    # Then it is alone
    assert await Flows(queue).progress(flow.id) == FlowProgress(3, done=1, canceled=2)


async def test_a_member_that_plain_saq_runs_again_is_counted_once(
    queue: RedisQueue,
) -> None:
    flow = Flow("chain", jobs(2))
    await Flows(queue).start(flow)
    await Worker(queue, [work, fail], burst=True).start()
    job = await queue.job(member_key(flow.id, 0))
    assert job is not None
    # When SAQ's web page tries it again
    await job.retry("once more")
    await Worker(queue, [work, fail], burst=True).start()
    assert await Flows(queue).progress(flow.id) == FlowProgress(2, done=2)
    assert await queue.count("incomplete") == 0


# -- how long it is known --------------------------------------------------------------


async def test_nothing_stays_for_good(redis: Redis, queue: RedisQueue) -> None:
    for kind, function in (
        ("batch", "work"),
        ("batch", "fail"),
        ("chain", "work"),
        ("chain", "fail"),
    ):
        names = jobs(1) + jobs(1, function) + jobs(1)
        await Flows(queue).start(Flow(kind, names, stops=True, **after()))  # type: ignore[arg-type]
    await Worker(queue, [work, fail], burst=True).start()
    await FailedJobs(queue).flush()
    keys = await redis.keys("*flow*") + await redis.keys("saq:job:*")
    # Two for each flow, the members but for the failed ones, and what followed
    assert len(keys) == 2 * 4 + 10 + 2 * 4
    assert all([await redis.ttl(key) > 0 for key in keys])


async def test_how_it_ended_is_known_for_its_time_and_longer_if_something_failed(
    redis: Redis, queue: RedisQueue
) -> None:
    good, bad = Flow("batch", jobs(1), ttl=900), Flow("batch", jobs(1, "fail"))
    for flow in (good, bad):
        await Flows(queue).start(flow)
        assert await redis.ttl(f"{queue.keys.flow}{flow.id}") == -1
    await Worker(queue, [work, fail], burst=True).start()
    for flow, seconds in ((good, 900), (bad, 7 * 24 * 3600)):
        left = await redis.ttl(f"{queue.keys.flow}{flow.id}")
        assert seconds - 60 < left <= seconds


async def test_the_end_of_a_forgotten_flow_is_no_trouble(
    redis: Redis, queue: RedisQueue
) -> None:
    flow = Flow("chain", jobs(2, "fail"))
    await Flows(queue).start(flow)
    await Worker(queue, [work, fail], burst=True).start()
    await redis.delete(
        f"{queue.keys.flow}{flow.id}", f"{queue.keys.flow}{flow.id}:ends"
    )
    assert len(await FailedJobs(queue).retry_all()) == 1
    await Worker(queue, [work, fail], burst=True).start()
    assert await queue.count("incomplete") == 0
    assert await redis.keys("jtc:*flow*") == []


# -- workers that die ------------------------------------------------------------------


# Two processes start, one after the other, and a lease has to run out.
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["batch", "chain"])
async def test_a_flow_survives_the_death_of_its_worker(
    *,
    kind: Any,
    queue: RedisQueue,
    start_worker: StartWorker,
    notes: Any,
    noted: Any,
    eventually: Eventually,
) -> None:
    flow = Flow(kind, jobs(4, seconds=0.3), **after())
    await Flows(queue).start(flow)
    first = start_worker("w1", quick=True)
    # When the worker is killed in the middle
    await noted(f"{member_key(flow.id, 1)} began w1")
    first.kill()
    start_worker("w2", quick=True)

    async def nothing_is_left() -> bool:
        return await queue.count("incomplete") == 0

    await eventually(nothing_is_left, within=90)
    # Then each member was counted once, though one may have been killed at its very end
    assert await Flows(queue).progress(flow.id) == FlowProgress(4, done=4)
    ended = Counter(line.split()[0] for line in await notes() if " ended " in line)
    followed = [f"{flow.id}.{word}" for word in ("then", "finally")]
    assert ended.keys() == {*followed, *(member_key(flow.id, n) for n in range(4))}
    assert [ended[key] for key in followed] == [1, 1]


async def test_a_member_that_kills_its_workers_has_failed(
    redis: Redis, queue: RedisQueue
) -> None:
    flow = Flow("chain", jobs(2), **after())
    await Flows(queue).start(flow)
    living = Claims(queue, "living")
    for n in range(endings.MAX_KILLS):
        await Claims(queue, f"w{n}").take(1)
        await living.renew()
        await redis.zadd(queue.keys.workers, {f"w{n}": 1})
        (job,) = (await living.recover()).taken.jobs
        assert await queue.settle(endings.lost(job))
    expected = FlowProgress(2, failed=1, canceled=1)
    assert await Flows(queue).progress(flow.id) == expected
    assert await waiting(queue) == ["catch", "finally"]
