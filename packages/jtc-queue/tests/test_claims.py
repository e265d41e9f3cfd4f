from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
import saq
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from saq.job import Status

from jtc.queue import RedisQueue, Worker, lease_time, open_client
from jtc.queue.claimed_job import read_claimed_job
from jtc.queue.claims import Claims

LoseReply = Callable[[str], None]


@pytest.fixture
def lose_reply(queue: RedisQueue, monkeypatch: pytest.MonkeyPatch) -> LoseReply:
    """Let the server run a script and lose its next reply on the way."""

    def lose(name: str) -> None:
        run = queue.scripts.run

        async def once(called: str, keys: list[str], args: list[Any]) -> Any:
            reply = await run(called, keys, args)
            if called == name:
                monkeypatch.setattr(queue.scripts, "run", run)
                raise RedisConnectionError("the reply was lost")
            return reply

        monkeypatch.setattr(queue.scripts, "run", once)

    return lose


async def test_a_claim_moves_a_job_and_says_whose_it_is_in_one_step(
    redis: Redis, queue: RedisQueue
) -> None:
    await queue.enqueue("add", key="one")
    batch = await Claims(queue, "w1").take(1)
    (job,) = batch.jobs
    assert await queue.count("queued") == 0
    assert await redis.lrange(queue.keys.active, 0, -1) == [job.id.encode()]  # type: ignore[misc]
    claim = await redis.hget(queue.keys.claims, job.id)  # type: ignore[misc]
    assert claim == job.claim.encode()
    assert job.claim.split()[0] == "w1"
    score = await redis.zscore(queue.keys.workers, "w1")
    assert score is not None
    assert score > batch.now * 1000


async def test_a_claim_takes_no_more_than_asked_for_and_in_order(
    queue: RedisQueue,
) -> None:
    await queue.enqueue_many([saq.Job("add", key=str(n)) for n in range(5)])
    claims = Claims(queue, "w1")
    assert [job.key for job in (await claims.take(3)).jobs] == ["0", "1", "2"]
    assert [job.key for job in (await claims.take(3)).jobs] == ["3", "4"]
    empty = await claims.take(3)
    assert (empty.jobs, empty.met) == ((), 0)


async def test_thousands_of_jobs_can_be_claimed_at_once(queue: RedisQueue) -> None:
    await queue.enqueue_many([saq.Job("add") for _ in range(9000)])
    claims = Claims(queue, "w1")
    got = 0
    while batch := (await claims.take(9000)).jobs:
        got += len(batch)
    assert got == 9000


async def test_two_workers_never_claim_the_same_job(queue: RedisQueue) -> None:
    await queue.enqueue_many([saq.Job("add") for _ in range(100)])
    workers = [Claims(queue, name) for name in ("w1", "w2")]
    keys = [j.key for _ in range(10) for w in workers for j in (await w.take(7)).jobs]
    assert len(keys) == len(set(keys)) == 100


async def test_the_same_id_twice_in_the_list_is_claimed_once(
    redis: Redis, queue: RedisQueue
) -> None:
    await queue.enqueue("add", key="one")
    await redis.rpush(queue.keys.queued, queue.job_id("one"))  # type: ignore[misc]
    batch = await Claims(queue, "w1").take(5)
    assert (len(batch.jobs), batch.met) == (1, 2)


async def test_an_id_left_over_in_the_list_is_not_claimed_while_its_job_runs(
    redis: Redis, queue: RedisQueue
) -> None:
    await queue.enqueue("add", key="one")
    await Claims(queue, "w1").take(1)
    await redis.rpush(queue.keys.queued, queue.job_id("one"))  # type: ignore[misc]
    batch = await Claims(queue, "w2").take(5)
    assert (batch.jobs, batch.met) == ((), 1)
    assert await queue.count("queued") == 0


async def test_the_id_of_a_canceled_job_is_passed_over(queue: RedisQueue) -> None:
    await queue.enqueue("add", key="one")
    await queue.enqueue("add", key="two")
    await queue.cancel("one")
    batch = await Claims(queue, "w1").take(5)
    assert [job.key for job in batch.jobs] == ["two"]


async def test_a_delayed_job_is_not_claimed_through_a_left_over_id(
    redis: Redis, queue: RedisQueue
) -> None:
    await queue.enqueue("add", key="one", scheduled=4_000_000_000)
    await redis.rpush(queue.keys.queued, queue.job_id("one"))  # type: ignore[misc]
    assert (await Claims(queue, "w1").take(5)).jobs == ()


async def test_a_lost_reply_is_asked_for_again_under_the_same_claim(
    queue: RedisQueue, lose_reply: LoseReply
) -> None:
    # Given
    await queue.enqueue_many([saq.Job("add", key=str(n)) for n in range(4)])
    claims = Claims(queue, "w1")
    lose_reply("claim")
    with pytest.raises(RedisConnectionError):
        await claims.take(2)
    assert await queue.count("active") == 2
    # When
    again = await claims.take(3)
    # Then it gets what was claimed for it, and nothing else
    assert {job.key for job in again.jobs} == {"0", "1"}
    assert await queue.count("active") == 2
    assert {job.key for job in (await claims.take(3)).jobs} == {"2", "3"}


@pytest.mark.parametrize("is_second_try", [False, True])
async def test_what_others_were_given_before_a_late_reply_came_is_not_claimed(
    *,
    redis: Redis,
    queue: RedisQueue,
    monkeypatch: pytest.MonkeyPatch,
    lose_reply: LoseReply,
    is_second_try: bool,
) -> None:
    # Given a worker that stands still, for longer than its lease, before it can read
    # which jobs it was given
    await queue.enqueue_many([saq.Job("add", key=key) for key in ("one", "two")])
    monkeypatch.setattr(lease_time, "LEASE_MS", 100)
    frozen = Claims(queue, "w1")
    if is_second_try:
        lose_reply("claim")
        with pytest.raises(RedisConnectionError):
            await frozen.take(2)
    run = queue.scripts.run

    async def come_late(name: str, keys: list[str], args: list[Any]) -> Any:
        monkeypatch.setattr(queue.scripts, "run", run)
        reply = await run(name, keys, args)
        # When another worker takes over the first of them
        await redis.hset(queue.keys.claims, queue.job_id("one"), "w2 x.1")  # type: ignore[misc]
        await asyncio.sleep(0.1)
        return reply

    monkeypatch.setattr(queue.scripts, "run", come_late)
    # Then the late one has what is left
    assert [job.key for job in (await frozen.take(2)).jobs] == ["two"]


async def test_a_request_that_never_arrived_is_made_again(queue: RedisQueue) -> None:
    claims = Claims(queue, "w1")
    run, queue.scripts.run = queue.scripts.run, _refuse  # type: ignore[method-assign]
    with pytest.raises(RedisConnectionError):
        await claims.take(1)
    queue.scripts.run = run  # type: ignore[method-assign]
    await queue.enqueue("add", key="one")
    assert [job.key for job in (await claims.take(1)).jobs] == ["one"]


async def _refuse(name: str, keys: list[str], args: list[Any]) -> Any:
    raise RedisConnectionError("away")


async def test_a_restarted_worker_of_the_same_name_makes_other_claims(
    queue: RedisQueue,
) -> None:
    await queue.enqueue_many([saq.Job("add"), saq.Job("add")])
    (before,) = (await Claims(queue, "w1").take(1)).jobs
    (after,) = (await Claims(queue, "w1").take(1)).jobs
    assert before.claim != after.claim


DEEP = b"[" * 100_000
UNREADABLE = {
    "no json": b"{oops",
    "no object": b"[1, 2]",
    "not text": b"\xff\xfe",
    "too deep": DEEP,
    "without a queue": b'{"function":"add","key":"bad"}',
    "of another queue": b'{"function":"add","key":"bad","queue":"other"}',
    "unknown field": b'{"function":"add","key":"bad","queue":"default","zip":1}',
    "another key": b'{"function":"add","key":"good","queue":"default"}',
    "bad status": b'{"function":"f","key":"bad","queue":"default","status":"x"}',
    "attempts": b'{"function":"f","key":"bad","queue":"default","attempts":"x"}',
    "meta": b'{"function":"f","key":"bad","queue":"default","meta":[1]}',
    "kwargs": b'{"function":"f","key":"bad","queue":"default","kwargs":[1]}',
    "no function": b'{"function":[],"key":"bad","queue":"default"}',
    "retries": b'{"function":"f","key":"bad","queue":"default","retries":null}',
    "ttl": b'{"function":"f","key":"bad","queue":"default","ttl":"long"}',
    "timeout": b'{"function":"f","key":"bad","queue":"default","timeout":"long"}',
}


@pytest.mark.parametrize("payload", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.fault("H16")
async def test_what_is_no_job_is_parked_and_blocks_nothing(
    redis: Redis, queue: RedisQueue, payload: bytes
) -> None:
    # Given
    ran: list[str] = []

    async def f(ctx: dict[str, Any]) -> None:
        ran.append(ctx["job"].key)

    for key in ("bad", "good"):
        await queue.enqueue("f", key=key)
    bad = queue.job_id("bad")
    await redis.set(bad, payload)
    # When
    worker = Worker(queue, [("f", f)], burst=True)
    await worker.start()
    # Then
    assert ran == ["good"]
    assert await redis.zrange(queue.keys.failed, 0, -1) == [bad.encode()]
    assert await redis.get(bad) == payload
    assert await queue.count("incomplete") == 0
    assert await queue.count("active") == 0
    assert await redis.hlen(queue.keys.claims) == 0  # type: ignore[misc]


async def test_a_job_whose_document_is_gone_is_removed(
    redis: Redis, queue: RedisQueue
) -> None:
    await queue.enqueue("f", key="gone")
    await redis.delete(queue.job_id("gone"))
    await Worker(queue, [], burst=True).start()
    assert await queue.count("incomplete") == 0
    assert await redis.zcard(queue.keys.failed) == 0
    assert await queue.enqueue("f", key="gone") is not None


async def test_what_is_no_job_is_parked_in_the_foreground_too(
    redis: Redis, queue: RedisQueue
) -> None:
    await queue.enqueue("f", key="bad")
    await redis.set(queue.job_id("bad"), b"{oops")
    assert not await Worker(queue, []).process()
    assert await queue.count("incomplete") == 0
    assert await redis.zcard(queue.keys.failed) == 1


values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=3,
)
fields = st.sampled_from(sorted(saq.Job.__dataclass_fields__))


@settings(max_examples=100, deadline=None)
@given(document=st.dictionaries(fields | st.text(), values), raw=st.binary())
def test_reading_a_document_never_raises(document: dict[str, Any], raw: bytes) -> None:
    queue = RedisQueue(open_client("redis://localhost:1"))
    document = {"function": "f", "key": "k", "queue": "default"} | document
    read_claimed_job(queue, raw)
    job = read_claimed_job(queue, json.dumps(document).encode())
    if job is not None:
        assert isinstance(job.meta, dict)
        assert isinstance(job.attempts, int)
        assert job.status in Status
