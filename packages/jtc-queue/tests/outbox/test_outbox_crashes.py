from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncEngine

from jtc.jobs import JobManager
from jtc.outbox.mailing import note_sent, send_letters
from jtc.outbox.outbox_table import read_letters
from jtc.queue import RedisQueue

pytestmark = pytest.mark.usefixtures("queue")
PROGRAMS = Path(__file__).parents[1] / "processes"
AWAY = "redis://127.0.0.1:1"

Order = Callable[[int, str], int]
StartProgram = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def order(redis_url: str, books: Any) -> Order:
    """Let a process of its own commit an order; it dies at a moment."""

    def run(number: int, moment: str) -> int:
        program = str(PROGRAMS / "ordering_program.py")
        arguments = [redis_url, books.url, str(number), moment]
        command = [sys.executable, "-W", "error", program, *arguments]
        done = subprocess.run(command, check=False, capture_output=True, timeout=60)
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        return done.returncode

    return run


@pytest.mark.process
async def test_a_process_that_dies_before_the_commit_leaves_nothing(
    books: Any, order: Order, engine: AsyncEngine
) -> None:
    assert order(7, "before-commit") == -signal.SIGKILL

    assert books.rows() == 0
    assert await books.outbox.relay(engine) == 0
    assert await books.waiting() == []


@pytest.mark.process
async def test_what_a_process_committed_before_it_died_is_relayed(
    books: Any, order: Order, engine: AsyncEngine
) -> None:
    # Given
    assert order(7, "after-commit") == -signal.SIGKILL
    assert await books.waiting() == []
    assert books.rows() == 1
    # When
    assert await books.outbox.relay(engine) == 1
    # Then
    assert await books.work_off() == [7]
    assert books.rows() == 0


@pytest.mark.process
@pytest.mark.parametrize("has_run", [False, True])
async def test_what_a_process_sent_before_it_died_is_not_sent_again(
    books: Any, order: Order, engine: AsyncEngine, *, has_run: bool
) -> None:
    # Given a process that died between the queue and the table
    assert order(7, "before-delete") == -signal.SIGKILL
    assert await books.waiting() == [7]
    assert books.rows() == 1
    if has_run:
        await books.work_off()
    # When
    assert await books.outbox.relay(engine) == 1
    # Then
    assert await books.work_off() == [7]
    assert books.rows() == 0


@pytest.mark.process
async def test_a_program_that_ends_right_after_its_commit_has_dispatched(
    books: Any, order: Order
) -> None:
    assert order(7, "never") == 0

    assert await books.waiting() == [7]
    assert books.rows() == 0


async def test_who_read_a_row_before_it_was_sent_does_not_send_it_again(
    books: Any, engine: AsyncEngine, redis: Redis
) -> None:
    # Given a relay that has read a row and stands still
    await commit_while_away(books, engine, [7])
    async with engine.connect() as connection:
        letters = await connection.run_sync(read_letters, books.outbox.table, 0)
    # When another one has sent it, and the job has run
    assert await books.outbox.relay(engine) == 1
    assert await books.work_off() == [7]
    # Then
    assert await send_letters(letters) == letters
    assert await books.work_off() == [7]
    # And it is remembered for minutes then, not for days
    [(_, until)] = await redis.zrange("jtc:shop:sent", 0, -1, withscores=True)
    clock, _ = await redis.time()
    assert 0 < until - clock <= 600
    await note_sent(letters)


async def test_what_was_sent_is_forgotten_in_time(
    books: Any, engine: AsyncEngine, redis: Redis
) -> None:
    await redis.zadd("jtc:shop:sent", {"long ago": 1})
    await commit_while_away(books, engine, [7])

    await books.outbox.relay(engine)

    assert await redis.zscore("jtc:shop:sent", "long ago") is None


async def test_of_a_group_that_was_sent_in_part_the_rest_is_sent(
    books: Any, engine: AsyncEngine
) -> None:
    # Given three rows, of which the second was sent by somebody who then died
    await commit_while_away(books, engine, [1, 2, 3])
    async with engine.connect() as connection:
        letters = await connection.run_sync(read_letters, books.outbox.table, 0)
    await send_letters(letters[1:2])
    # When
    assert await books.outbox.relay(engine) == 3
    # Then
    assert await books.waiting() == [2, 1, 3]


@pytest.mark.process
async def test_two_relays_at_once_send_each_row_once(
    books: Any, engine: AsyncEngine, redis_url: str, start_program: StartProgram
) -> None:
    # Given more rows than one statement reads
    numbers = list(range(1200))
    await commit_while_away(books, engine, numbers)
    # When
    urls = redis_url, books.async_url
    sent = await asyncio.to_thread(relay_in_two_processes, start_program, *urls)
    # Then
    assert sum(sent) >= len(numbers)
    assert await books.waiting() == numbers
    assert books.rows() == 0


async def test_a_relay_without_redis_says_so_and_keeps_the_rows(
    books: Any, engine: AsyncEngine
) -> None:
    await commit_while_away(books, engine, [7])
    JobManager.initialize(AWAY, "shop")

    with pytest.raises(RedisError):
        await books.outbox.relay(engine)

    assert books.rows() == 1


async def test_a_row_that_cannot_be_read_keeps_nobody_up(
    books: Any, engine: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a row that somebody has changed by hand
    await commit_while_away(books, engine, [1, 2])
    table = books.outbox.table
    async with engine.begin() as connection:
        first = table.update().where(table.c.position == 1)
        await connection.execute(first.values(document='{"no": "job"}'))
    # When
    assert await books.outbox.relay(engine) == 1
    # Then
    assert await books.waiting() == [2]
    assert books.rows() == 1
    assert "row 1 of the outbox cannot be read" in caplog.text


def relay_in_two_processes(start_program: StartProgram, *urls: str) -> list[int]:
    """Let them begin at the same moment, and return how many rows each has sent."""
    words = ["-W", "error", str(PROGRAMS / "relaying_program.py"), *urls]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    relays = [start_program(*words, **pipes) for _ in range(2)]
    for relay in relays:
        assert relay.stdout is not None
        assert relay.stdout.readline() == "ready\n"
    for relay in relays:
        assert relay.stdin is not None
        relay.stdin.write("go\n")
        relay.stdin.flush()
    return [int(relay.communicate(timeout=60)[0]) for relay in relays]


async def commit_while_away(
    books: Any, engine: AsyncEngine, numbers: list[int]
) -> None:
    """Commit dispatches that only a relay can send."""
    settings, JobManager._settings = JobManager._settings, None
    JobManager.initialize(AWAY, "shop")
    await books.commit(engine, *numbers)
    JobManager._settings = settings


def test_the_queue_of_a_row_is_that_of_the_dispatch(queue: RedisQueue) -> None:
    assert JobManager.home_queue_name() == queue.name
