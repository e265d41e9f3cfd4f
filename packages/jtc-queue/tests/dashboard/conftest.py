from __future__ import annotations

import contextlib
import html
import json
import re
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from jtc.dashboard import create_app
from jtc.queue import RedisQueue, Worker

HERE = ("127.0.0.1", 40_000)


class Browser:
    """Somebody who looks at a dashboard from this machine, as with a browser."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str, **query: str) -> httpx.Response:
        """Ask for a page."""
        return await self.client.get(f"{path}?{urlencode(query)}" if query else path)

    async def text(self, path: str, **query: str) -> str:
        """Return the text of a page that has to be there, without its markup."""
        response = await self.get(path, **query)
        assert response.status_code == 200, response.text
        words = re.sub(r"<[^>]+>", " ", response.text)
        return " ".join(html.unescape(words).split())

    async def token(self) -> str:
        """Return what a form carries that is shown now."""
        response = await self.get("/queue/clear/confirm")
        found = re.search(r'name="token" value="(\w+)"', response.text)
        assert found, response.text
        return found[1]

    async def send(self, path: str, **fields: Any) -> httpx.Response:
        """Send a form that was shown; a field may have several values."""
        token = fields.pop("token", None) or await self.token()
        return await self.client.post(path, data={"token": token, **fields})

    async def act(self, path: str, **fields: Any) -> str:
        """Send a form and return what the next page says that it came to."""
        response = await self.send(path, **fields)
        assert response.status_code == 303, response.text
        page = await self.client.get(response.headers["location"])
        found = re.search(r'<p class="notice (\w+)">(.*?)</p>', page.text, re.DOTALL)
        assert found, page.text
        return f"{found[1]}: {html.unescape(found[2])}"


OpenBrowser = Callable[..., contextlib.AbstractAsyncContextManager[Browser]]


@pytest.fixture
def open_browser() -> OpenBrowser:
    """Open a browser on an application; as from this machine unless said otherwise."""

    @contextlib.asynccontextmanager
    async def open_it(
        app: Any,
        *,
        client: tuple[str, int] | None = HERE,
        base_url: str = "http://localhost",
        raises: bool = True,
        **options: Any,
    ) -> AsyncIterator[Browser]:
        transport = httpx.ASGITransport(
            app=app,
            client=client,  # type: ignore[arg-type]
            raise_app_exceptions=raises,
        )
        async with httpx.AsyncClient(
            transport=transport, base_url=base_url, **options
        ) as http:
            yield Browser(http)

    return open_it


@pytest.fixture
async def browser(
    queue: RedisQueue, open_browser: OpenBrowser
) -> AsyncIterator[Browser]:
    """A browser on the dashboard of the test's queue."""
    async with open_browser(create_app(queues=[queue])) as browser:
        yield browser


@pytest.fixture
def send_as_others(queue: RedisQueue) -> Callable[..., Any]:
    """Queue a job as a program may that is not ours: with anything in its document."""

    async def send(key: str, **fields: Any) -> None:
        job_id = queue.job_id(key)
        job = {"function": "f", "key": job_id, "queue": queue.name, **fields}
        await queue.redis.set(job_id, json.dumps(job))
        await queue.redis.rpush(queue.keys.queued, job_id)  # type: ignore[misc]
        await queue.redis.zadd(queue.keys.incomplete, {job_id: 0})

    return send


async def fail(ctx: dict[str, Any], **arguments: Any) -> None:
    raise ValueError(str(arguments.get("why", "no such order")))


async def succeed(ctx: dict[str, Any], **arguments: Any) -> str:
    return "done"


@pytest.fixture
def run_all(queue: RedisQueue) -> Callable[[], Any]:
    """Have a worker run what waits: `fail` fails, `succeed` does not."""

    async def run() -> None:
        await Worker(queue, [("fail", fail), ("succeed", succeed)], burst=True).start()

    return run
