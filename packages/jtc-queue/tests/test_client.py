from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jtc.queue import InvalidRedisUrl, RedisQueue, Worker, mask_url, open_client
from jtc.queue.client import open_blocking_twin
from jtc.queue.embedded import EmbeddedServer


async def test_a_worker_works_over_a_unix_socket(tmp_path: Path) -> None:
    async def f(ctx: dict[str, Any]) -> int:
        return 42

    with EmbeddedServer(tmp_path, unix_socket=True) as server:
        queue = RedisQueue(open_client(server.url))
        await queue.enqueue("f", key="one")
        await Worker(queue, [("f", f)], burst=True).start()
        job = await queue.job("one")
        assert job is not None
        assert job.result == 42
        with open_blocking_twin(queue.redis) as twin:
            assert twin.ping()
        await queue.disconnect()


def test_a_client_is_opened_without_a_connection() -> None:
    client = open_client("redis://user:secret@nowhere.invalid:7777/3")
    options = client.connection_pool.connection_kwargs
    assert options["host"] == "nowhere.invalid"
    assert (options["port"], options["db"]) == (7777, 3)
    assert (options["username"], options["password"]) == ("user", "secret")
    assert options["socket_keepalive"]


def test_the_twin_reaches_the_same_place() -> None:
    client = open_client("redis://user:secret@nowhere.invalid:7777/3")
    with open_blocking_twin(client) as twin:
        options = twin.connection_pool.connection_kwargs
        original = client.connection_pool.connection_kwargs
        for name in ("host", "port", "db", "username", "password"):
            assert options[name] == original[name]


def test_the_twin_of_an_encrypted_client_is_encrypted() -> None:
    client = open_client("rediss://nowhere.invalid?ssl_cert_reqs=none")
    with open_blocking_twin(client) as twin:
        connection = twin.connection_pool.make_connection()
        assert type(connection).__name__ == "SSLConnection"
        assert connection.cert_reqs == ssl.CERT_NONE


@pytest.mark.parametrize(
    "url",
    ["", "localhost:6379", "http://localhost", "redis://host:port", "redis://h:1/x y"],
)
def test_what_is_no_redis_url_is_refused(url: str) -> None:
    if url.endswith("x y"):
        # SAQ's and redis-py's rule: a database that is no number is number 0.
        assert open_client(url)
        return
    with pytest.raises(InvalidRedisUrl, match="as a Redis URL"):
        open_client(url)


def test_the_password_of_a_refused_url_is_not_shown() -> None:
    with pytest.raises(InvalidRedisUrl) as caught:
        open_client("redis://worker:s3cret@host:port")
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("redis://:pw@host", "redis://:***@host"),
        ("rediss://u:p@ss:w/rd@host/1", "rediss://u:***@host/1"),
        ("redis://host?password=pw&db=1", "redis://host?password=***&db=1"),
        ("unix://u:pw@/run/valkey.sock", "unix://u:***@/run/valkey.sock"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, masked: str) -> None:
    assert mask_url(url) == masked


SECRET = st.text("abcXYZ019!:/@?#%&=", min_size=1).map(lambda text: f"Q{text}Q")


@given(SECRET)
def test_no_password_is_ever_shown(secret: str) -> None:
    assert secret not in mask_url(f"redis://user:{secret}@host:6379/0")
    assert secret not in mask_url(f"redis://:{secret}@host")
