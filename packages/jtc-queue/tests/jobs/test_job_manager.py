from __future__ import annotations

import asyncio
import logging
import warnings
from pathlib import Path

import pytest

from jtc.jobs import Job, JobManager, ManagerNotInitialized
from jtc.queue import InvalidQueueName, RedisQueue, SettingsError


def test_the_queue_has_the_name_that_was_given() -> None:
    JobManager.initialize("redis://localhost:6379", "mail")

    assert JobManager.get_queue().name == "mail"
    assert JobManager.get_queue("other").name == "other"


@pytest.mark.parametrize("error", [ManagerNotInitialized, RuntimeError])
def test_before_initialize_there_is_no_queue(error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^JobManager not initialized\. Call JobManager"):
        JobManager.get_queue()
    with pytest.raises(error, match=r"^JobManager not initialized"):
        JobManager.get_redis()


def test_the_settings_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere:7000/2")
    monkeypatch.setenv("QUEUE_NAME", "from_environment")

    JobManager.initialize()

    pool = JobManager.get_redis().connection_pool
    assert pool.connection_kwargs["host"] == "elsewhere"
    assert JobManager.get_queue().name == "from_environment"


def test_unusable_settings_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.jtc]\nqueue = 3\n")

    with pytest.raises(SettingsError):
        JobManager.initialize()


def test_an_unsafe_queue_name_is_refused() -> None:
    JobManager.initialize()

    with pytest.raises(InvalidQueueName):
        JobManager.get_queue("a:b")


async def test_one_loop_has_one_client_and_one_queue_of_a_name() -> None:
    JobManager.initialize("redis://localhost:6379")

    assert JobManager.get_queue() is JobManager.get_queue("default")
    assert JobManager.get_queue("mail").redis is JobManager.get_redis()
    await JobManager.close()


def test_without_a_running_loop_each_queue_is_a_new_one() -> None:
    JobManager.initialize("redis://localhost:6379")

    assert JobManager.get_queue() is not JobManager.get_queue()


async def test_initializing_again_changes_the_server(redis_url: str) -> None:
    JobManager.initialize("redis://localhost:1")
    former = JobManager.get_redis()

    JobManager.initialize(redis_url)

    assert JobManager.get_redis() is not former
    assert await JobManager.get_redis().exists("anything") == 0
    await JobManager.close()


async def test_close_forgets_the_settings(queue: RedisQueue) -> None:
    await queue.redis.exists("anything")

    await JobManager.close()

    with pytest.raises(ManagerNotInitialized):
        JobManager.get_queue()


async def test_after_close_a_new_client_is_made(
    redis_url: str, queue: RedisQueue
) -> None:
    await JobManager.close()
    await JobManager.close()

    JobManager.initialize(redis_url)

    assert JobManager.get_redis() is not queue.redis
    assert await JobManager.get_redis().exists("anything") == 0


async def test_two_may_close_at_once(queue: RedisQueue) -> None:
    await queue.redis.exists("anything")

    await asyncio.gather(JobManager.close(), JobManager.close())


async def test_close_leaves_no_connection_open(redis_url: str) -> None:
    JobManager.initialize(redis_url, "closing")
    redis = JobManager.get_queue().redis
    await redis.exists("anything")
    connections = list(redis.connection_pool._available_connections)
    assert [one.is_connected for one in connections] == [True]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        await JobManager.close()

    assert [one.is_connected for one in connections] == [False]


async def test_dispatch_opens_the_queue_from_the_settings(
    redis_url: str,
    queue_name: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Simple(Job):
        async def handle(self) -> None: ...

    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("QUEUE_NAME", queue_name)
    caplog.set_level(logging.DEBUG, logger="jtc.jobs.manager")

    handle = await Simple.dispatch()

    assert handle.queue_name == queue_name
    assert JobManager.get_queue().name == queue_name
    assert [record.action for record in caplog.records] == [  # type: ignore[attr-defined]
        "manager_opened_from_settings"
    ]
    await JobManager.close()


async def test_the_password_of_the_server_is_not_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://user:s3cret@localhost:6379")
    caplog.set_level(logging.DEBUG, logger="jtc.jobs.manager")

    JobManager.open_queue()

    assert "redis://user:***@localhost:6379" in caplog.text
    assert "s3cret" not in caplog.text
    await JobManager.close()
