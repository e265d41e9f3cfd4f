from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import pytest

from jtc.dashboard import create_app
from jtc.queue import QueueMonitor, RedisQueue

FROM_ITS_PAGE = {"Sec-Fetch-Site": "same-origin"}


async def test_saqs_page_is_there_with_its_script_and_style(browser: Any) -> None:
    page = await browser.get("/saq/")

    links = re.findall(r'(?:href|src)="(/saq/static/[^"]+)"', page.text)
    assert len(links) == 3
    for link in links:
        assert (await browser.client.get(link)).status_code == 200


async def test_the_policy_allows_the_one_script_in_it_and_no_other(
    browser: Any,
) -> None:
    page = await browser.get("/saq/")

    (script,) = re.findall(r"<script>(.+?)</script>", page.text)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = page.headers["content-security-policy"]
    assert f"script-src 'self' 'sha256-{digest}'" in policy


async def test_its_script_learns_of_queues_and_jobs(
    queue: RedisQueue, browser: Any, run_all: Any
) -> None:
    await queue.enqueue("fail", key="order/7", why="no such order")

    (one,) = (await browser.get("/saq/api/queues")).json()["queues"]
    shown = (await browser.get("/saq/api/queues/default")).json()["queue"]
    job = (await browser.get("/saq/api/queues/default/jobs/order/7")).json()["job"]

    assert (one["name"], one["queued"]) == ("default", 1)
    assert [job["key"] for job in shown["jobs"]] == ["order/7"]
    assert job["function"] == "fail"
    assert "no such order" in job["kwargs"]


async def test_it_shows_what_is_no_json_and_no_text(
    browser: Any, send_as_others: Any
) -> None:
    await send_as_others("a", kwargs={"share": float("nan"), "name": "\ud800"})

    shown = (await browser.get("/saq/api/queues/default")).json()["queue"]
    job = (await browser.get("/saq/api/queues/default/jobs/a")).json()["job"]

    assert [one["kwargs"] for one in shown["jobs"]] == [
        {"share": "NaN", "name": "\ud800"}
    ]
    assert "nan" in job["kwargs"]


async def test_it_does_not_show_secrets(queue: RedisQueue, browser: Any) -> None:
    secret = {"job_class": "shop.Pay", "payload": {"card": "4111", "order": 7}}
    await queue.enqueue("runner", key="a", meta={"secret": ["card"]}, **secret)
    await queue.enqueue("plain", key="b", meta={"secret": ["card"]}, card="4111")

    for path in ("/queues/default", "/queues/default/jobs/a", "/queues/default/jobs/b"):
        text = (await browser.get(f"/saq/api{path}")).text
        assert "4111" not in text
        assert "***" in text


async def test_it_can_retry_and_abort(
    queue: RedisQueue, browser: Any, run_all: Any
) -> None:
    await queue.enqueue("fail", key="a")
    await run_all()
    await queue.enqueue("succeed", key="b")

    for path in ("a/retry", "b/abort"):
        answer = await browser.client.post(
            f"/saq/api/queues/default/jobs/{path}", json=None, headers=FROM_ITS_PAGE
        )
        assert answer.json() == {}

    monitor = QueueMonitor(queue)
    retried, aborted = await monitor.job("a"), await monitor.job("b")
    assert retried
    assert retried.state == "waiting"
    assert aborted
    assert aborted.state == "aborted"


@pytest.mark.parametrize(
    "headers",
    [{}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}],
)
async def test_it_takes_actions_from_its_own_page_only(
    queue: RedisQueue, browser: Any, headers: dict[str, str]
) -> None:
    await queue.enqueue("succeed", key="a")

    answer = await browser.client.post(
        "/saq/api/queues/default/jobs/a/abort", headers=headers
    )

    assert answer.status_code == 403
    record = await QueueMonitor(queue).job("a")
    assert record
    assert record.state == "waiting"


async def test_two_dashboards_in_one_process_show_each_its_own_queues(
    queue: RedisQueue, open_browser: Any
) -> None:
    mail = RedisQueue(queue.redis, name="mail")
    apps = create_app(queues=[queue]), create_app(queues=[mail])

    for app, name in zip(apps, ("default", "mail"), strict=True):
        async with open_browser(app) as browser:
            (one,) = (await browser.get("/saq/api/queues")).json()["queues"]
            assert one["name"] == name


async def test_what_is_not_there_is_said_to_be_missing(browser: Any) -> None:
    for path in ("/queues/nobody", "/queues/default/jobs/nobody"):
        assert (await browser.get(f"/saq/api{path}")).status_code == 404
