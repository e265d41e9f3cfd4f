from __future__ import annotations

import asyncio
import select
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import lagom
import pytest
import trustme
from redis import Redis as BlockingRedis

from jtc.jobs import (
    ContainerNotSet,
    Job,
    JobManager,
    ManagerNotInitialized,
    get_container,
    set_container,
)
from jtc.providers import ProviderNotInitialized, QueueProvider
from jtc.queue import (
    InvalidRedisUrl,
    ServerInfo,
    ServerTooOld,
    SettingsError,
    open_client,
)
from jtc.queue.client import open_blocking_twin
from jtc.queue.embedded import EmbeddedServer
from jtc.schedule import Schedule, ScheduleRegistry

Eventually = Callable[..., Awaitable[Any]]
done: list[str] = []


class Greeting:
    def text(self, name: str) -> str:
        return f"Hello {name}"


class Greet(Job):
    name: str

    def __init__(self, greeting: Greeting) -> None:
        self.greeting = greeting

    async def handle(self) -> str:
        done.append(self.greeting.text(self.name))
        return done[-1]


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    done.clear()
    with ScheduleRegistry.scoped():
        yield
    set_container(None)


async def run_burst(provider: QueueProvider) -> None:
    assert await provider.check_redis_connection()
    await provider.initialize()
    await provider.get_worker(burst=True).start()


async def test_the_documents_way_runs_jobs_and_scheduled_tasks(
    redis_url: str, eventually: Eventually, working: Any
) -> None:
    # Given a task that dispatches a job
    @Schedule.every(1)
    async def every_second(ctx: dict[str, Any]) -> None:
        await Greet.dispatch(name="tick")

    provider = QueueProvider(redis_url=redis_url, queue_name="mail", concurrency=2)
    # When
    assert await provider.check_redis_connection()
    await provider.initialize()
    worker = provider.get_worker()
    async with working(worker):
        await eventually(lambda: done)
    # Then
    assert done[0] == "Hello tick"
    assert worker.queue.name == "mail"
    assert worker.concurrency == 2
    assert provider.get_worker() is worker
    await provider.close()


async def test_settings_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere:1234/5")
    monkeypatch.setenv("QUEUE_NAME", "high")
    monkeypatch.setenv("QUEUE_CONCURRENCY", "3")
    provider = QueueProvider()
    assert provider.redis_url == "redis://elsewhere:1234/5"
    assert provider.queue_name == "high"
    assert provider.concurrency == 3


async def test_a_provider_works_on_several_queues(redis_url: str) -> None:
    # Given a provider of two queues
    provider = QueueProvider(redis_url, "high=3,default=1", concurrency=2, grace=1.5)
    await provider.initialize()
    worker = provider.get_worker(burst=True)
    assert [queue.name for queue in worker.queues] == ["high", "default"]
    assert (worker.order.weights, worker.grace) == ((3, 1), 1.5)
    # When a job that names no queue is dispatched, and one for the other queue
    home = await Greet.dispatch(name="home")
    assert home.queue_name == "default"
    await JobManager.get_queue("high").enqueue(
        "runner", job_class="jtc.no.Job", payload={}, key="unknown"
    )
    await worker.start()
    # Then both were met, each in its queue
    assert done == ["Hello home"]
    assert await JobManager.get_queue("high").count("queued") == 0
    await provider.close()


@pytest.mark.parametrize("name", ["high,,low", "high=0", "high=1,low", "a b"])
def test_queues_that_say_no_order_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"Cannot work on the queues|cannot name a"):
        QueueProvider(queue_name=name)
    with pytest.raises(ValueError, match=r"Cannot work on the queues|cannot name a"):
        JobManager.initialize(queue_name=name)


def test_an_unusable_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUE_CONCURRENCY", "many")
    with pytest.raises(SettingsError, match="QUEUE_CONCURRENCY is 'many'"):
        QueueProvider()


async def test_an_absent_server_is_told_not_raised() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    provider = QueueProvider(f"redis://:s3cret@127.0.0.1:{port}")
    assert not await provider.check_redis_connection()
    assert provider.connection_error is not None
    assert "s3cret" not in provider.connection_error
    with pytest.raises(ConnectionError):
        await provider.initialize()


async def test_an_url_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidRedisUrl, match=r"redis://localhost:6379"):
        await QueueProvider("localhost:6379").check_redis_connection()


async def test_a_server_that_is_too_old_is_refused(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def old(_: object) -> ServerInfo:
        return ServerInfo("Redis", "6.0.16")

    monkeypatch.setattr("jtc.providers.queue_provider.read_server_info", old)
    with pytest.raises(ServerTooOld, match=r"Redis 6\.0\.16 is too old"):
        await QueueProvider(redis_url).initialize()


async def test_what_could_lose_jobs_is_said_at_the_start(
    redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with BlockingRedis.from_url(redis_url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        provider = QueueProvider(redis_url)
        await provider.initialize()
        client.config_set("maxmemory-policy", "noeviction")
    await provider.close()
    assert "maxmemory-policy is allkeys-lru" in caplog.text


async def test_the_server_says_what_it_is(redis_url: str) -> None:
    info = await QueueProvider(redis_url).server_info()
    assert info.kind == "Valkey"
    assert info.release >= (9,)


async def test_a_worker_before_the_queue_is_open_is_refused(redis_url: str) -> None:
    with pytest.raises(ProviderNotInitialized, match="Queue not initialized"):
        QueueProvider(redis_url).get_worker()


async def test_a_container_of_ones_own_builds_the_jobs(redis_url: str) -> None:
    class Polite(Greeting):
        def text(self, name: str) -> str:
            return f"Good evening, {name}"

    class Own:
        def resolve(self, dep_type: type[Any]) -> Any:
            return dep_type(Polite())

    provider = QueueProvider(redis_url)
    await provider.initialize(container=Own())
    await Greet.dispatch(name="Ada")
    await provider.get_worker(burst=True).start()
    await provider.close()
    assert done == ["Good evening, Ada"]


async def test_a_container_that_a_module_has_set_is_kept(redis_url: str) -> None:
    own = lagom.Container()
    set_container(own)
    provider = QueueProvider(redis_url)

    await provider.initialize()
    await provider.close()

    assert get_container() is own


async def test_close_forgets_the_queue(redis_url: str) -> None:
    provider = QueueProvider(redis_url)
    await provider.initialize()
    await provider.close()
    with pytest.raises(ManagerNotInitialized):
        JobManager.get_queue()
    with pytest.raises(ProviderNotInitialized):
        provider.get_worker()


async def test_without_initialize_there_is_no_container() -> None:
    with pytest.raises(ContainerNotSet):
        get_container()


async def test_a_password_and_a_database_number_work(redis_url: str) -> None:
    # Given a server that asks for a password
    with BlockingRedis.from_url(redis_url) as client:
        client.config_set("requirepass", "s3:cr@t/")
        client.execute_command("AUTH", "s3:cr@t/")
        try:
            address = redis_url.removeprefix("redis://")
            # When
            wrong = QueueProvider(f"redis://:wrong@{address}")
            right = QueueProvider(f"redis://:s3%3Acr%40t%2F@{address}/3")
            # Then
            assert not await wrong.check_redis_connection()
            assert wrong.was_refused
            assert "password" in str(wrong.connection_error)
            await right.initialize()
            await Greet.dispatch(name="db 3")
            await right.get_worker(burst=True).start()
            await right.close()
            assert done == ["Hello db 3"]
        finally:
            client.config_set("requirepass", "")


async def test_a_unix_socket_works(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "data", unix_socket=True) as server:
        assert server.url.startswith("unix://")
        provider = QueueProvider(server.url)
        await provider.initialize()
        await Greet.dispatch(name="socket")
        await provider.get_worker(burst=True).start()
        await provider.close()
    assert done == ["Hello socket"]


async def test_the_lease_is_renewed_over_a_unix_socket(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "data", unix_socket=True) as server:
        client = open_client(server.url)
        with open_blocking_twin(client) as twin:
            assert await asyncio.to_thread(twin.ping)
        await client.aclose()


@pytest.fixture
def tls_url(server: EmbeddedServer, redis_url: str, tmp_path: Path) -> Iterator[str]:
    """The suite's server behind TLS, with a certificate made on the spot."""
    authority = trustme.CA()
    roots = tmp_path / "roots.pem"
    authority.cert_pem.write_to_path(str(roots))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    port = int(redis_url.rpartition(":")[2])
    with TlsFront(context, port) as front:
        yield f"rediss://localhost:{front.port}?ssl_ca_certs={roots}"


class TlsFront:
    """Takes TLS connections and passes what comes to a port, both ways."""

    def __init__(self, context: ssl.SSLContext, target: int) -> None:
        self._context, self._target = context, target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with (
            self._context.wrap_socket(plain, server_side=True) as near,
            socket.create_connection(("127.0.0.1", self._target)) as far,
        ):
            while True:
                ready = (
                    [near] if near.pending() else select.select([near, far], [], [])[0]
                )
                for one in ready:
                    data = one.recv(65536)
                    if not data:
                        return
                    (far if one is near else near).sendall(data)


async def test_tls_works_for_the_queue_and_for_the_lease(tls_url: str) -> None:
    provider = QueueProvider(tls_url)
    assert await provider.check_redis_connection(), provider.connection_error
    await provider.initialize()
    handle = await Greet.dispatch(name="TLS")
    await provider.get_worker(burst=True).start()
    assert await handle.result(timeout=5) == "Hello TLS"
    with open_blocking_twin(JobManager.get_redis()) as twin:
        assert await asyncio.to_thread(twin.ping)
    await provider.close()


async def test_a_task_is_read_in_the_zone_of_the_process(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a task that names no zone, and one that does
    @Schedule.cron("0 9 * * *")
    async def here(ctx: dict[str, Any]) -> None:
        raise NotImplementedError

    @Schedule.cron("0 9 * * *", timezone="Asia/Tokyo")
    async def there(ctx: dict[str, Any]) -> None:
        raise NotImplementedError

    monkeypatch.setenv("JTC_TIMEZONE", "America/New_York")
    provider = QueueProvider(redis_url)
    await provider.initialize()
    # When
    (scheduler,) = provider.get_worker().schedulers
    await scheduler.sync()
    # Then
    redis: Any = scheduler.queue.redis
    due = await redis.zrange(scheduler.queue.keys.due, 0, -1, withscores=True)
    await provider.close()
    scores = {member.decode().partition(":")[2]: score for member, score in due}
    here_at, there_at = scores["here"], scores["there"]
    assert datetime.fromtimestamp(here_at, ZoneInfo("America/New_York")).hour == 9
    assert datetime.fromtimestamp(there_at, ZoneInfo("Asia/Tokyo")).hour == 9
    assert QueueProvider(redis_url, timezone="UTC").timezone == "UTC"


async def test_a_task_is_scheduled_in_its_queue(
    redis_url: str,
    eventually: Eventually,
    working: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a task of the queue that the worker works on, and one of another
    @Schedule.every(1)
    async def near(ctx: dict[str, Any]) -> None:
        done.append("near")

    @Schedule.every(1, queue="other")
    async def far(ctx: dict[str, Any]) -> None:
        done.append("far")

    monkeypatch.setenv("JTC_HISTORY", "3")
    provider = QueueProvider(redis_url, "mail")
    await provider.initialize()
    other = JobManager.get_queue("other")
    # When
    worker = provider.get_worker()
    assert {one.queue.name for one in worker.schedulers} == {"mail", "other"}
    assert {one.queue.history_length for one in worker.schedulers} == {3}
    async with working(worker):
        await eventually(lambda: "near" in done)
        await eventually(lambda: other.count("queued"))
    # Then it fires both, and runs what is in its own queue
    assert set(done) == {"near"}
    await provider.close()


async def test_the_environment_of_the_process_decides_what_runs(
    redis_url: str,
    eventually: Eventually,
    working: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @Schedule.every(1, environments=["production"])
    async def never(ctx: dict[str, Any]) -> None:
        done.append("never")

    @Schedule.every(1, environments=["staging"], payload={"text": "hello"})
    async def always(ctx: dict[str, Any], text: str) -> None:
        done.append(text)

    monkeypatch.setenv("JTC_ENV", "staging")
    provider = QueueProvider(redis_url)
    await provider.initialize()
    queue: Any = JobManager.get_queue()
    async with working(provider.get_worker()):
        await eventually(lambda: "hello" in done)
        await eventually(lambda: queue.redis.exists(f"{queue.keys.history}never"))
    assert set(done) == {"hello"}
    await provider.close()
