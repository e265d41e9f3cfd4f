from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

import hiredis
import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from jtc.queue import RedisQueue, Worker, claiming, client, open_client, scripts

Eventually = Callable[..., Awaitable[Any]]
Context = dict[str, Any]

LOADING = b"-LOADING Redis is loading the dataset in memory\r\n"


class Proxy:
    """Stands between clients and a server, and lets through what it is told to.

    Attributes:
        answer: What every command gets, instead of reaching the server.
    """

    def __init__(self, port: int) -> None:
        self.answer = b""
        self._port = port
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._ends: set[asyncio.StreamWriter] = set()
        self._is_open = asyncio.Event()
        self._is_open.set()

    async def start(self) -> str:
        """Listen, and return the URL for clients."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        return f"redis://127.0.0.1:{port}"

    def hang(self) -> None:
        """Keep connections, also new ones, and pass nothing on."""
        self._is_open.clear()

    def go_on(self) -> None:
        """Pass everything on, also what came in the meantime."""
        self._is_open.set()

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self.go_on()
        for end in self._ends:
            end.close()
        await asyncio.gather(*self._serving)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        self._ends |= {writer, back}
        await asyncio.gather(self._ask(reader, back, writer), self._pass(there, writer))
        self._ends -= {writer, back}
        self._serving.discard(task)

    async def _ask(
        self,
        reader: asyncio.StreamReader,
        server: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
    ) -> None:
        commands = hiredis.Reader()
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                await self._is_open.wait()
                if not self.answer:
                    server.write(data)
                    continue
                commands.feed(data)
                while (command := commands.gets()) is not False:
                    # What a server answers also while it loads.
                    is_polite = command[0].upper() in (b"CLIENT", b"SELECT")
                    client.write(b"+OK\r\n" if is_polite else self.answer)
        server.close()

    async def _pass(
        self, server: asyncio.StreamReader, client: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await server.read(1 << 16):
                await self._is_open.wait()
                client.write(data)
        client.close()


class Trouble(Protocol):
    """A way in which a server can be away."""

    url: str

    async def begin(self) -> None: ...

    async def end(self) -> None: ...


class Hanging:
    """Nothing is answered and no connection is closed."""

    def __init__(self, proxy: Proxy, url: str) -> None:
        self.url = url
        self._proxy = proxy

    async def begin(self) -> None:
        self._proxy.hang()

    async def end(self) -> None:
        self._proxy.go_on()


class Loading:
    """The server was started and reads its data."""

    def __init__(self, proxy: Proxy, url: str) -> None:
        self.url = url
        self._proxy = proxy

    async def begin(self) -> None:
        self._proxy.answer = LOADING

    async def end(self) -> None:
        self._proxy.answer = b""


class ReadOnly:
    """The server became a replica, as in a failover."""

    def __init__(self, redis: Redis, url: str) -> None:
        self.url = url
        self._redis = redis

    async def begin(self) -> None:
        await self._redis.replicaof("127.0.0.1", 1)

    async def end(self) -> None:
        await self._redis.replicaof("NO", "ONE")


class Paused:
    """`CLIENT PAUSE` holds back what may write, as each of our scripts may."""

    def __init__(self, redis: Redis, url: str) -> None:
        self.url = url
        self._redis = redis

    async def begin(self) -> None:
        await self._redis.client_pause(60_000, all=False)

    async def end(self) -> None:
        await self._redis.client_unpause()


class Full:
    """The server has no memory left."""

    def __init__(self, redis: Redis, url: str) -> None:
        self.url = url
        self._redis = redis

    async def begin(self) -> None:
        await self._redis.config_set("maxmemory", "1")

    async def end(self) -> None:
        await self._redis.config_set("maxmemory", "0")


@pytest.fixture
async def trouble(
    request: pytest.FixtureRequest, redis_url: str
) -> AsyncIterator[Trouble]:
    """A trouble of the kind that the test asks for; it is over when the test is."""
    # Not one of ours: what it asks for may take as long as the trouble does.
    redis = Redis.from_url(redis_url)
    proxy = Proxy(int(redis_url.rpartition(":")[2]))
    proxied = await proxy.start()
    kinds: dict[str, Trouble] = {
        "hanging proxy": Hanging(proxy, proxied),
        "LOADING": Loading(proxy, proxied),
        "READONLY": ReadOnly(redis, redis_url),
        "CLIENT PAUSE": Paused(redis, redis_url),
        "OOM": Full(redis, redis_url),
    }
    trouble = kinds[request.param]
    yield trouble
    await trouble.end()
    await proxy.stop()
    await redis.aclose()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a call that is not answered count as lost sooner."""
    monkeypatch.setattr(client, "SOCKET_TIMEOUT", 1.0)
    monkeypatch.setattr(client, "CONNECT_TIMEOUT", 1.0)
    monkeypatch.setattr(scripts, "SOCKET_TIMEOUT", 1.0)
    monkeypatch.setattr(claiming, "WAIT", 0.5)


class Producer:
    """Dispatches until it is told to stop, and knows what was acknowledged."""

    def __init__(self, url: str) -> None:
        self.acknowledged: list[str] = []
        self._queue = RedisQueue(open_client(url))
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._queue.disconnect()

    async def _run(self) -> None:
        number = 0
        while True:
            number += 1
            try:
                await self._queue.enqueue("f", key=str(number))
            except (RedisError, OSError):
                await asyncio.sleep(0.2)
                continue
            self.acknowledged.append(str(number))
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    "trouble",
    ["hanging proxy", "LOADING", "READONLY", "CLIENT PAUSE", "OOM"],
    indirect=True,
)
@pytest.mark.fault("H11", "H38")
async def test_a_worker_waits_quietly_and_then_everything_completes_once(
    trouble: Trouble,
    working: Any,
    eventually: Eventually,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "jtc.queue")
    ran: Counter[str] = Counter()

    async def f(ctx: Context) -> None:
        await asyncio.sleep(0.01)
        ran[ctx["job"].key] += 1

    # Given a worker under load
    queue = RedisQueue(open_client(trouble.url))
    async with working(Worker(queue, [("f", f)])):
        producer = Producer(trouble.url)
        await eventually(lambda: len(ran) > 50)
        # When the server is away
        await trouble.begin()
        await eventually(lambda: queue.outage.is_on)
        began, used = time.monotonic(), time.process_time()
        await asyncio.sleep(2)
        used = time.process_time() - used
        share = used / (time.monotonic() - began)
        assert actions(caplog) == ["redis_away"]
        # Then nothing spins meanwhile; a loop that does needs a whole processor
        assert share < 0.15
        await trouble.end()
        # And when the server is back, so is the worker
        before = len(producer.acknowledged)
        await eventually(lambda: len(producer.acknowledged) > before + 50, within=30)
        await producer.stop()

        async def nothing_is_left() -> bool:
            return await queue.count("incomplete") == 0

        await eventually(nothing_is_left, within=30)
        await eventually(lambda: not queue.outage.is_on)
        # Then
        assert actions(caplog) == ["redis_away", "redis_back"]
    assert ran.keys() >= {*producer.acknowledged}
    assert set(ran.values()) == {1}
    await queue.disconnect()


def actions(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged, but for outcomes that were written by a call without a reply."""
    found = [str(record.__dict__.get("action")) for record in caplog.records]
    return [action for action in found if action != "stale_settle"]
