from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from jtc.dashboard import create_app
from jtc.queue import FailedJobs, RedisQueue

PAGES = (
    "/",
    "/queue",
    "/jobs",
    "/failed",
    "/failed?by=group",
    "/schedules",
    "/job?id=a",
)


async def test_all_links_lead_below_the_path_at_which_it_is_mounted(
    queue: RedisQueue, open_browser: Any, run_all: Any
) -> None:
    # Given
    await queue.enqueue("fail", key="a")
    await run_all()
    shop = FastAPI()
    shop.mount("/ops/jobs", create_app(queues=[queue]))

    async with open_browser(shop) as browser:
        for path in PAGES:
            # When
            page = (await browser.client.get(f"/ops/jobs{path}")).text

            # Then
            links = re.findall(r'(?:href|src|action|formaction)="([^#"]+)"', page)
            assert len(links) >= 10
            assert all(link.startswith("/ops/jobs/") for link in links), links
        style = re.search(r'rel="stylesheet" href="([^"]+)"', page)
        assert style
        assert (await browser.client.get(style[1])).status_code == 200
        missing = await browser.client.get("/ops/jobs/saq/api/queues/nobody")
        assert missing.status_code == 404
        assert 'href="/ops/jobs/"' in missing.text


async def test_an_action_works_below_the_path_at_which_it_is_mounted(
    queue: RedisQueue, open_browser: Any, run_all: Any
) -> None:
    # Given
    await queue.enqueue("fail", key="a")
    await run_all()
    shop = FastAPI()
    shop.mount("/ops", create_app(queues=[queue]))
    async with open_browser(shop) as browser:
        page = await browser.client.get("/ops/job?id=a")
        fields = dict(re.findall(r'name="(token|back)" value="([^"]*)"', page.text))

        # When
        answer = await browser.client.post(
            "/ops/job/retry", data={**fields, "queue": "default", "id": "a"}
        )

        # Then
        assert answer.headers["location"] == "/ops/failed?queue=default"
        assert page.headers["set-cookie"].count("Path=/ops/;")
        after = await browser.client.get(answer.headers["location"])
        assert "Put job a back" in after.text
    assert await FailedJobs(queue).count() == 0


@pytest.mark.parametrize("leaves_root", [True, False])
async def test_it_can_be_behind_a_proxy_that_has_a_path_of_its_own(
    queue: RedisQueue, leaves_root: bool
) -> None:
    transport = httpx.ASGITransport(
        create_app(queues=[queue]), root_path="/ops", client=("127.0.0.1", 1)
    )
    base_url = "http://localhost"
    async with httpx.AsyncClient(transport=transport, base_url=base_url) as client:
        page = await client.get("/ops/jobs" if leaves_root else "/jobs")

    assert page.status_code == 200
    assert 'href="/ops/failed"' in page.text
    assert 'aria-current="page">Jobs' in page.text


async def test_it_serves_one_event_loop_after_the_other(
    redis_url: str, open_browser: Any
) -> None:
    app = create_app(redis_url)

    async def look() -> int:
        async with app.router.lifespan_context(app), open_browser(app) as browser:
            return int((await browser.get("/")).status_code)

    for _ in range(2):
        # As another program does that serves it; here in threads of their own.
        assert await asyncio.to_thread(asyncio.run, look()) == 200
