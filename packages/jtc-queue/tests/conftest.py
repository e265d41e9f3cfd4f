from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from redis import Redis as BlockingRedis
from redis.asyncio import Redis

from jtc.jobs import JobManager, known_jobs, set_container
from jtc.queue import (
    RedisQueue,
    TaskFunction,
    TickRecord,
    Worker,
    lease,
    lease_time,
    open_client,
    task_function_name,
    upkeep,
)
from jtc.queue.claims import Claims
from jtc.queue.definition import member_of
from jtc.queue.due_entry import Due, DueEntry, moment
from jtc.queue.embedded import EmbeddedServer
from jtc.queue.firing import Firing
from jtc.queue.settlement import Settlement
from jtc.queue.tick_record import read_tick_record
from jtc.schedule import ScheduledTask

# How long an example takes says how busy the machine is.
settings.register_profile(
    "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")

Condition = Callable[[], Any]
Eventually = Callable[..., Awaitable[Any]]
StartProgram = Callable[..., subprocess.Popen[Any]]
StartWorker = Callable[..., subprocess.Popen[str]]
RunMachine = Callable[..., None]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A real Valkey server, the suite's own."""
    folder: Path = tmp_path_factory.mktemp("valkey")
    with EmbeddedServer(folder) as running:
        yield running


@pytest.fixture
def fragile(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """A server of this test's own, to be killed."""
    with EmbeddedServer(tmp_path / "data") as server:
        yield server


@pytest.fixture
def redis_url(server: EmbeddedServer) -> str:
    """The URL of an empty server."""
    with BlockingRedis.from_url(server.url) as client:
        client.flushall()
    return server.url


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = open_client(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def queue(redis_url: str) -> AsyncIterator[RedisQueue]:
    queue = RedisQueue(open_client(redis_url))
    yield queue
    await queue.disconnect()


@pytest.fixture
def new_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a process knows of jobs and queues: nothing, as when it has just begun."""
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.delenv("QUEUE_NAME", raising=False)
    with known_jobs.scoped():
        yield
    set_container(None)
    JobManager._settings = None


@pytest.fixture
def eventually() -> Eventually:
    """Wait until a condition (plain or async) holds and return what it returned."""

    async def wait(condition: Condition, *, within: float = 30.0) -> Any:
        deadline = time.monotonic() + within
        while True:
            result = condition()
            if isinstance(result, Awaitable):
                result = await result
            if result:
                return result
            assert time.monotonic() < deadline, f"not within {within} s: {condition}"
            await asyncio.sleep(0.01)

    return wait


@pytest.fixture
def working() -> Callable[[Worker], contextlib.AbstractAsyncContextManager[Worker]]:
    """Run a worker for as long as a context lasts."""

    @contextlib.asynccontextmanager
    async def run(worker: Worker) -> AsyncIterator[Worker]:
        task = asyncio.create_task(worker.start())
        try:
            yield worker
        finally:
            await worker.stop()
            await task

    return run


@pytest.fixture
def short_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers of this process look dead sooner, and be recovered sooner."""
    monkeypatch.setattr(lease_time, "LEASE_MS", 1500)
    monkeypatch.setattr(lease, "RENEW_EVERY", 0.3)
    monkeypatch.setattr(upkeep, "RECOVER_EVERY", 0.1)


@pytest.fixture
def start_program() -> Iterator[StartProgram]:
    """Start Python with these arguments; what still runs at the end is killed."""
    processes: list[subprocess.Popen[Any]] = []

    def start(*arguments: str | Path, **options: Any) -> subprocess.Popen[Any]:
        processes.append(subprocess.Popen([sys.executable, *arguments], **options))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def start_worker(start_program: StartProgram, redis_url: str) -> StartWorker:
    """Start processes/noting_worker.py."""
    program = Path(__file__).parent / "processes" / "noting_worker.py"

    def start(worker: str, **options: Any) -> subprocess.Popen[str]:
        arguments = [program, redis_url, worker, json.dumps(options)]
        pipes: dict[str, Any] = {"stderr": subprocess.PIPE, "text": True}
        return start_program("-W", "error", *arguments, **pipes)

    return start


class Ticking:
    """The schedules of a queue, at the times that a test says."""

    start = 1_772_355_600
    """A Sunday, 2026-03-01T09:00:00Z."""

    def __init__(self, queue: RedisQueue) -> None:
        self.queue = queue
        self.redis: Any = queue.redis

    def task(
        self, function: Any = None, *, name: str = "report", **options: Any
    ) -> ScheduledTask:
        """A task that is due every minute."""

        async def run(ctx: dict[str, Any]) -> str:
            return "done"

        return ScheduledTask(function or run, 60, name, **options)

    def worker(self, *tasks: ScheduledTask) -> Worker:
        functions = [(task_function_name(task), TaskFunction(task)) for task in tasks]
        return Worker(self.queue, functions)

    async def fire(
        self,
        task: ScheduledTask,
        minute: float = 0,
        *,
        due: float | None = None,
        polled_since: float = -60,
        asked_since: float | None = None,
        environment: str | None = None,
    ) -> tuple[TickRecord, ...]:
        """Fire a task as a worker does.

        Args:
            task: The task.
            minute: The server's clock, in minutes from `start`.
            due: Since when the task is due, in minutes; since then, unless given.
            polled_since: Since when some worker has looked.
            asked_since: Since when this worker has; since now, unless given.
            environment: Where this is.

        Returns:
            What did not run.
        """
        now, since = (self.start + 60 * m for m in (minute, polled_since))
        asked = self.start + 60 * (minute if asked_since is None else asked_since)
        first = self.start + 60 * (minute if due is None else due)
        await self.redis.zadd(self.queue.keys.due, {member_of(task): first})
        entry = DueEntry(task, None, member_of(task), f"{first:.3f}".encode())
        due_now = Due(now, moment(since), moment(asked), (entry,), None)
        (fired,) = await Firing(self.queue, environment, lambda _: None).fire(due_now)
        return fired.records

    async def minute_due(self, task: ScheduledTask) -> float | None:
        """When a task is due, in minutes from `start`; None when it is not."""
        score = await self.redis.zscore(self.queue.keys.due, member_of(task))
        return None if score is None else (score - self.start) / 60

    async def waiting(self) -> list[Any]:
        """The jobs in the queue, in their order."""
        ids = await self.redis.lrange(self.queue.keys.queued, 0, -1)
        keys = [self.queue.job_key_from_id(job_id.decode()) for job_id in ids]
        return [job for job in await self.queue.jobs(keys) if job] if keys else []

    async def minutes_waiting(self) -> list[float]:
        """The ticks in the queue, in minutes from `start`."""
        ticks = [job.meta["tick"]["nominal"] for job in await self.waiting()]
        return [(tick - self.start) / 60 for tick in ticks]

    async def records(self, name: str = "report") -> list[TickRecord]:
        """What became of a schedule's ticks, the newest first."""
        lines = await self.redis.lrange(f"{self.queue.keys.history}{name}", 0, -1)
        records = [read_tick_record(name, line) for line in lines]
        assert all(records), lines
        return [record for record in records if record]

    async def outcomes(self, name: str = "report") -> list[tuple[str, int]]:
        """Outcome and number of ticks of each record, the newest first."""
        return [(record.outcome, record.count) for record in await self.records(name)]


@pytest.fixture
def ticking(queue: RedisQueue) -> Ticking:
    return Ticking(queue)


class Bench:
    """A queue on an empty server, and steps that are taken on it one by one."""

    def __init__(self, url: str) -> None:
        with BlockingRedis.from_url(url) as client:
            client.flushall()
        self.queue = RedisQueue(open_client(url))
        self._runner = asyncio.Runner()
        self._lives = 0

    def run(self, step: Any) -> Any:
        """Take a step and return what it returned."""
        return self._runner.run(step)

    def settle(self, *settlements: Settlement) -> list[bool]:
        """Settle all of them in one call; return which the server took."""

        async def together() -> list[bool]:
            return await asyncio.gather(*map(self.queue.settle, settlements))

        taken: list[bool] = self.run(together())
        return taken

    def new_worker(self) -> tuple[str, Claims]:
        """A worker that lives: its name, and what it claims jobs with."""
        self._lives += 1
        name = f"w{self._lives}"
        holder = Claims(self.queue, name)
        self.run(holder.renew())
        return name, holder

    def close(self) -> None:
        self.run(self.queue.disconnect())
        self._runner.close()


@pytest.fixture
def run_machine(redis_url: str) -> RunMachine:
    """Let a state machine try orders of steps, each on a bench of its own."""

    def run(
        machine: Callable[[Bench], RuleBasedStateMachine],
        *,
        examples: int = 40,
        steps: int = 30,
    ) -> None:
        made: Any = lambda: machine(Bench(redis_url))  # noqa: E731 - hypothesis calls it
        run_state_machine_as_test(
            made,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                derandomize=False,
                suppress_health_check=list(HealthCheck),
            ),
        )

    return run


@pytest.fixture
def notes(redis: Redis) -> Callable[[], Awaitable[list[str]]]:
    """What jobs in worker processes have noted so far."""

    async def read() -> list[str]:
        lines = await redis.lrange("notes", 0, -1)  # type: ignore[misc]
        return [line.decode() for line in lines]

    return read


@pytest.fixture
def noted(notes: Any, eventually: Eventually) -> Callable[[str], Awaitable[None]]:
    """Wait until a job in a worker process has noted something."""

    async def wait(text: str) -> None:
        async def found() -> bool:
            return text in await notes()

        await eventually(found, within=60)

    return wait
