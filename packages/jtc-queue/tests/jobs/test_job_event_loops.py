from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from jtc.jobs import Job, JobHandle, JobManager
from jtc.jobs.clients import LoopClient, LoopClients


class Simple(Job):
    number: int

    async def handle(self) -> None: ...


@pytest.fixture(autouse=True)
def clients(
    redis_url: str, queue_name: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LoopClients]:
    """The clients of a process that has none yet."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("QUEUE_NAME", queue_name)
    clients = LoopClients()
    with JobManager.scoped(clients):
        yield clients


@pytest.mark.fault("H29")
def test_asyncio_run_twice_in_a_row(clients: LoopClients) -> None:
    first = asyncio.run(Simple.dispatch(number=1))
    second = asyncio.run(Simple.dispatch(number=2))
    gc.collect()

    async def statuses() -> list[str]:
        return [await first.status(), await second.status()]

    assert asyncio.run(statuses()) == ["queued", "queued"]
    gc.collect()
    assert not clients._clients


def test_several_threads_each_with_a_loop_of_its_own(clients: LoopClients) -> None:
    handles: list[JobHandle] = []
    begin = threading.Barrier(8)

    async def several(offset: int) -> None:
        begin.wait()
        for number in range(10):
            handles.append(await Simple.dispatch(number=offset + number))  # noqa: PERF401 - another thread appends too

    threads = [
        threading.Thread(target=lambda n=n: asyncio.run(several(n * 10)))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gc.collect()

    assert len({handle.id for handle in handles}) == 80
    assert asyncio.run(_count()) == 80
    assert not clients._clients


def test_many_tasks_of_one_loop_share_its_client(clients: LoopClients) -> None:
    async def many() -> int:
        await asyncio.gather(*(Simple.dispatch(number=n) for n in range(100)))
        return len(clients._clients)

    assert asyncio.run(many()) == 1


def test_a_loop_that_was_closed_without_its_shutdown_leaks_nothing(
    clients: LoopClients,
) -> None:
    loop = asyncio.new_event_loop()
    loop.run_until_complete(Simple.dispatch(number=1))
    loop.close()

    # The next client that is made drops the one of the closed loop.
    asyncio.run(Simple.dispatch(number=2))
    gc.collect()

    assert not clients._clients
    assert asyncio.run(_count()) == 2


def test_a_closed_loop_that_never_connected_is_dropped() -> None:
    clients = LoopClients()

    async def make() -> None:
        clients.get("redis://localhost:6379")

    loop = asyncio.new_event_loop()
    loop.run_until_complete(make())
    loop.close()
    asyncio.run(make())

    assert not clients._clients


def test_a_connection_that_was_already_lost_is_dropped(redis_url: str) -> None:
    clients = LoopClients()

    async def connect_and_lose() -> None:
        redis = clients.get(redis_url).redis
        await redis.exists("anything")
        await redis.connection_pool.disconnect()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(connect_and_lose())
    loop.close()

    async def make() -> None:
        clients.get(redis_url)

    asyncio.run(make())
    gc.collect()

    assert not clients._clients


def test_closing_in_one_loop_leaves_the_clients_of_others(redis_url: str) -> None:
    ready, closed = threading.Event(), threading.Event()
    answers: list[object] = []

    async def other() -> None:
        JobManager.initialize(redis_url)
        redis = JobManager.get_redis()
        answers.append(await redis.exists("anything"))
        ready.set()
        await asyncio.to_thread(closed.wait, 10)
        answers.append(await redis.exists("anything"))

    async def close() -> None:
        await JobManager.get_redis().exists("anything")
        await JobManager.close()

    thread = threading.Thread(target=lambda: asyncio.run(other()))
    thread.start()
    assert ready.wait(10)
    asyncio.run(close())
    closed.set()
    thread.join()

    assert answers == [0, 0]


def test_a_transport_of_another_kind_of_loop_is_only_closed() -> None:
    class Transport:
        closed = False

        def close(self) -> None:
            self.closed = True

    transport = Transport()
    client = LoopClient("redis://localhost:6379")
    pool: Any = client.redis.connection_pool
    connection = pool.make_connection()
    connection._writer = SimpleNamespace(transport=transport)
    pool._in_use_connections.add(connection)

    client.abandon()

    assert transport.closed


SCRIPT = """
import asyncio, gc, logging
from jtc.jobs import Job

# A busy machine is slow, and asyncio says so; what it says of our mistakes are errors.
logging.getLogger("asyncio").setLevel(logging.ERROR)

class Simple(Job):
    async def handle(self): ...

def raw():
    loop = asyncio.new_event_loop()
    loop.run_until_complete(Simple.dispatch())
    loop.close()

{calls}
print("done")
"""


@pytest.mark.parametrize(
    "calls",
    [
        "asyncio.run(Simple.dispatch())",
        "asyncio.run(Simple.dispatch()); gc.collect(); asyncio.run(Simple.dispatch())",
        "raw(); asyncio.run(Simple.dispatch())",
        "raw()",
    ],
)
def test_a_script_ends_without_a_warning(calls: str) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", SCRIPT.format(calls=calls)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.stdout, done.stderr, done.returncode) == ("done\n", "", 0)


async def _count() -> int:
    return await JobManager.get_queue().count("queued")
