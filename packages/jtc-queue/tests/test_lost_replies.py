"""An outcome whose reply is lost was written: nobody may say that it was dropped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from jtc.queue import RedisQueue, Worker, endings
from jtc.queue.claims import Claims
from jtc.queue.settlement import Settlement

Eventually = Callable[..., Awaitable[Any]]


@pytest.fixture
def losing(queue: RedisQueue, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lose the reply to the first settlements of these kinds."""
    kinds: list[str] = []
    run = queue.scripts.run

    async def lose_once(name: str, keys: list[str], args: list[Any]) -> Any:
        reply = await run(name, keys, args)
        # Behind the word may be what a failed job is found by.
        kind = args[2].partition("[")[0] if name == "settle" else ""
        if kind in kinds:
            kinds.remove(kind)
            raise RedisConnectionError("closed in the middle")
        return reply

    monkeypatch.setattr(queue.scripts, "run", lose_once)
    return kinds


@pytest.mark.parametrize("ttl", [60, 0, -1])
async def test_a_completed_job_counts_and_nothing_is_said_to_be_dropped(
    *,
    queue: RedisQueue,
    losing: list[str],
    working: Any,
    eventually: Eventually,
    caplog: pytest.LogCaptureFixture,
    ttl: int,
) -> None:
    async def f(ctx: dict[str, Any]) -> str:
        return "done"

    losing.append("done")
    await queue.enqueue("f", ttl=ttl)
    with caplog.at_level(logging.INFO, "jtc.queue"):
        async with working(Worker(queue, [("f", f)])):
            await eventually(lambda: queue.complete == 1)
    assert losing == []
    assert [record for record in caplog.records if "job" in record.getMessage()] == []


async def test_a_failed_job_is_listed_once(
    redis: Redis,
    queue: RedisQueue,
    losing: list[str],
    working: Any,
    eventually: Eventually,
) -> None:
    async def f(ctx: dict[str, Any]) -> None:
        raise ValueError("boom")

    losing.extend(["retry", "failed"])
    await queue.enqueue("f", retries=2)
    async with working(Worker(queue, [("f", f)])):
        await eventually(lambda: queue.failed == 1)
    assert losing == []
    assert await redis.zcard(queue.keys.failed) == 1


async def test_a_job_that_has_gone_on_since_is_said_to_be_unclear(
    queue: RedisQueue,
    losing: list[str],
    working: Any,
    eventually: Eventually,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Given a retry that was written, and whose reply is lost
    attempts: list[int] = []
    may_end = asyncio.Event()

    async def f(ctx: dict[str, Any]) -> None:
        attempts.append(ctx["job"].attempts)
        if len(attempts) == 1:
            raise ValueError("boom")
        # When the next attempt has begun and is written down
        await ctx["job"].update(progress=0.5)
        await may_end.wait()

    losing.append("retry")
    await queue.enqueue("f", retries=3)

    def said() -> list[logging.LogRecord]:
        return [one for one in caplog.records if one.name == "jtc.queue.outcomes"]

    with caplog.at_level(logging.WARNING):
        async with working(Worker(queue, [("f", f)])):
            await eventually(said)
            may_end.set()
            await eventually(lambda: queue.complete == 1)
    # Then
    assert attempts == [1, 2]
    (record,) = said()
    assert record.__dict__["action"] == "unsure_settle"
    assert "was sent again after a lost reply" in record.getMessage()


@pytest.mark.parametrize("ending", ["completed", "failed", "retried", "released"])
async def test_a_settlement_may_be_repeated(queue: RedisQueue, ending: str) -> None:
    await queue.enqueue("f", key="one", retries=2)
    (job,) = (await Claims(queue, "w1").take(1)).jobs
    endings.begin(job, worker="w1")
    settlement: Settlement = {
        "completed": lambda: endings.completed(job, 1),
        "failed": lambda: endings.failed(job, "boom"),
        "retried": lambda: endings.retried(job, "boom"),
        "released": lambda: endings.released(job),
    }[ending]()
    assert await queue.settle(settlement)
    assert not await queue.settle(settlement)
    assert await queue.settle_again(settlement)
    # But not one that somebody else's came before
    other = Settlement(job.id, job.claim, "done", b"{}", 60, "complete")
    assert not await queue.settle_again(other)
