from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from jtc.dashboard import create_app
from jtc.queue import (
    QueueControl,
    QueueNames,
    RedisQueue,
    Scheduler,
    Schedules,
    TaskFunction,
    Worker,
    task_function_name,
    upkeep,
)
from jtc.schedule import ScheduledTask

Working = Callable[[Worker], contextlib.AbstractAsyncContextManager[Worker]]


async def test_the_overview_shows_how_each_queue_stands(
    queue: RedisQueue, browser: Any, run_all: Any
) -> None:
    # Given
    await queue.enqueue("fail")
    await run_all()
    for number in range(3):
        await queue.enqueue("succeed", number=number)
    await queue.enqueue("succeed", scheduled=time.time() + 1000)

    # When
    page = (await browser.get("/")).text

    # Then
    cells = re.findall(r'data-label="(\w+)" class="num">\D*?([\d,]+)<', page)
    shown = dict(cells)
    assert (shown["Queued"], shown["Delayed"], shown["Running"]) == ("3", "1", "0")
    assert re.search(r'data-label="Failed" class="num"><a [^>]*>1</a>', page)


async def test_the_overview_shows_all_queues_that_workers_worked_on(
    redis_url: str, redis: Any, open_browser: Any
) -> None:
    await QueueNames(redis).add("mail")

    app = create_app(redis_url)
    async with open_browser(app) as browser:
        page = await browser.text("/")

        assert "default" in page
        assert "mail" in page
        await app.state.board.queues.close()


async def test_the_overview_shows_the_last_hour_and_the_workers(
    queue: RedisQueue,
    browser: Any,
    working: Working,
    eventually: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given
    monkeypatch.setattr(upkeep, "REPORT_EVERY", 0.1)
    started = asyncio.Event()

    async def wait(ctx: dict[str, Any]) -> None:
        started.set()
        await asyncio.sleep(600)

    async def quick(ctx: dict[str, Any]) -> None:
        pass

    worker = Worker(queue, [("wait", wait), ("quick", quick)], id="ann-1")
    async with working(worker):
        await queue.enqueue("quick")
        await queue.enqueue("wait", key="long")
        await started.wait()

        # When
        async def shown() -> str | None:
            page: str = await browser.text("/")
            return page if "completed 1" in page and "1 job(s)" in page else None

        page = await eventually(shown)
        await queue.cancel("long")

    # Then
    assert "ann-1 working" in page
    assert "wait since" in page
    assert re.search(r"\d\d:\d\d 1 0 0 0", page), page


async def test_a_queue_that_is_paused_says_so_and_why(
    queue: RedisQueue, browser: Any
) -> None:
    await QueueControl(queue).pause(3600, note="the bank is down")

    for path in ("/", "/queue"):
        page = await browser.text(path)
        assert "paused" in page
        assert "the bank is down" in page


@pytest.mark.parametrize(
    ("state", "is_shown"), [("waiting", True), ("delayed", False), ("running", False)]
)
async def test_jobs_are_shown_by_their_state(
    queue: RedisQueue, browser: Any, state: str, is_shown: bool
) -> None:
    await queue.enqueue("succeed", key="the-one")

    page = await browser.text("/jobs", state=state)

    assert ("the-one" in page) is is_shown


async def test_jobs_are_shown_by_their_class(queue: RedisQueue, browser: Any) -> None:
    await queue.enqueue("runner", key="a", job_class="shop.Pay", payload={})
    await queue.enqueue("runner", key="b", job_class="shop.Send", payload={})

    page = (await browser.get("/jobs", name="Pay")).text

    assert 'data-key="a"' in page
    assert 'data-key="b"' not in page


async def test_jobs_are_shown_page_by_page(queue: RedisQueue, browser: Any) -> None:
    # Given
    for number in range(120):
        await queue.enqueue("succeed", key=f"job-{number}")

    # When
    met: list[str] = []
    path: str | None = "/jobs?state=waiting"
    while path:
        page = (await browser.client.get(path)).text
        met += re.findall(r'<tr data-key="([^"]+)"', page)
        found = re.search(r'href="([^"]+)" rel="next"', page)
        path = found[1].replace("&amp;", "&") if found else None

    # Then
    assert met == [f"job-{number}" for number in range(120)]


async def test_a_job_is_shown_with_payload_attempts_and_traceback(
    queue: RedisQueue, browser: Any, run_all: Any
) -> None:
    await queue.enqueue("fail", key="order-7", why="no such order")
    await run_all()

    page = await browser.text("/job", id="order-7")

    assert '"why": "no such order"' in page
    assert "ValueError: no such order" in page
    assert "Traceback (most recent call last)" in page
    assert "Attempts 1 of 1" in page
    assert "Timeline" in page


async def test_a_job_that_ran_shows_its_result(
    queue: RedisQueue, browser: Any, run_all: Any
) -> None:
    await queue.enqueue("succeed", key="order-7")
    await run_all()

    page = await browser.text("/job", id="order-7")

    assert "complete" in page
    assert '"done"' in page


async def test_what_is_no_job_is_shown_as_it_is(
    queue: RedisQueue, browser: Any, redis: Any
) -> None:
    await redis.set("strange", "<not a job>")
    await redis.zadd(queue.keys.failed, {"strange": time.time()})

    assert "<not a job>" in await browser.text("/job", id="strange")
    assert "strange" in await browser.text("/failed")
    assert "no exception" in await browser.text("/failed", by="group")


async def test_failed_jobs_are_searched_and_filtered(
    queue: RedisQueue, browser: Any, run_all: Any
) -> None:
    # Given
    await queue.enqueue("fail", key="a", why="the bank is down")
    await queue.enqueue("fail", key="b", why="no such order")
    await run_all()

    # Then
    for query, keys in (
        ({}, {"a", "b"}),
        ({"text": "BANK"}, {"a"}),
        ({"exception": "ValueError"}, {"a", "b"}),
        ({"exception": "KeyError"}, set()),
        ({"class": "Pay"}, set()),
        ({"age": "1h"}, {"a", "b"}),
    ):
        page = (await browser.get("/failed", **query)).text
        assert set(re.findall(r'<tr data-key="([^"]+)"', page)) == keys, query


async def test_failed_jobs_are_grouped_by_what_they_failed_with(
    queue: RedisQueue, browser: Any, run_all: Any
) -> None:
    # Given
    for number in range(3):
        await queue.enqueue("fail", key=f"job-{number}")
    await run_all()

    # When
    page = (await browser.get("/failed", by="group")).text

    # Then
    assert page.count("<tr data-key=") == 1
    assert '<td data-label="Jobs" class="num">3</td>' in page
    link = re.search(r'data-label="Error"[^>]*><a href="([^"]+)"', page)
    assert link
    group = (await browser.client.get(link[1].replace("&amp;", "&"))).text
    assert group.count("<tr data-key=") == 3


async def test_schedules_are_shown_with_their_last_outcomes(
    queue: RedisQueue, browser: Any, working: Working, eventually: Any
) -> None:
    # Given
    async def run(ctx: dict[str, Any]) -> None:
        pass

    task = ScheduledTask(run, 1, "report", description="The daily one.")
    scheduler = Scheduler(queue, [task])
    functions = [(task_function_name(task), TaskFunction(task))]
    async with working(Worker(queue, functions, schedulers=[scheduler])):
        await eventually(lambda: _has_run(queue))

        # When
        page = await browser.text("/schedules")
        history = await browser.text("/schedule", name="report")

    # Then
    assert "report The daily one." in page
    assert "every 1 s" in page
    assert "ran" in page
    assert "report@" in history


async def test_schedules_are_searched_by_name(queue: RedisQueue, browser: Any) -> None:
    schedules = Schedules(queue, ())
    for name in ("mail.daily", "mail.weekly", "bank"):
        await schedules.add(name, every=3600, job="shop.Pay")

    page = (await browser.get("/schedules", text="mail")).text

    assert re.findall(r'<tr data-key="([^"]+)"', page) == ["mail.daily", "mail.weekly"]


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/nothing", {}, 404),
        ("/job", {"id": "nobody"}, 404),
        ("/schedule", {"name": "nobody"}, 404),
        ("/queue", {"queue": "nobody"}, 404),
        ("/jobs", {"queue": "nobody"}, 404),
        ("/job", {}, 400),
        ("/jobs", {"state": "asleep"}, 400),
        ("/jobs", {"cursor": "none"}, 400),
        ("/failed", {"age": "8d"}, 400),
        ("/failed", {"cursor": "none"}, 400),
        ("/failed/confirm", {"do": "burn"}, 400),
    ],
)
async def test_what_is_not_there_has_a_page_that_says_so(
    browser: Any, path: str, query: dict[str, str], status: int
) -> None:
    response = await browser.get(path, **query)

    assert response.status_code == status
    assert "<h1>" in response.text
    assert "default-src 'none'" in response.headers["content-security-policy"]


async def test_a_part_of_a_page_that_has_not_changed_is_not_sent_again(
    queue: RedisQueue, browser: Any
) -> None:
    # Given
    await queue.enqueue("succeed", key="first")
    asks = {"JTC-Fragment": "1"}
    part = await browser.client.get("/jobs", headers=asks)

    # When
    asks["If-None-Match"] = part.headers["etag"]
    same = await browser.client.get("/jobs", headers=asks)
    await queue.enqueue("succeed", key="second")
    changed = await browser.client.get("/jobs", headers=asks)

    # Then
    assert "<html" not in part.text
    assert "first" in part.text
    assert (same.status_code, same.content) == (304, b"")
    assert changed.status_code == 200
    assert "second" in changed.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("scheduled", "soon"),
        ("timeout", float("nan")),
        ("timeout", float("inf")),
        ("progress", "half"),
        ("progress", float("inf")),
        ("result", "\ud800"),
        ("error", "\ud800"),
    ],
)
async def test_what_a_sender_wrote_into_a_job_keeps_no_page_from_being_shown(
    browser: Any, send_as_others: Any, field: str, value: Any
) -> None:
    await send_as_others("odd", **{field: value})

    for path in ("/", "/queue", "/jobs", "/job?id=odd"):
        page = await browser.get(path)
        part = await browser.client.get(path, headers={"JTC-Fragment": "1"})
        assert (page.status_code, part.status_code) == (200, 200)
    assert "odd" in await browser.text("/jobs")


async def test_empty_fields_of_a_link_are_left_out(
    queue: RedisQueue, browser: Any
) -> None:
    await queue.enqueue("first")

    for query in ("state=&state=waiting", "state=waiting&state=", "state=&name="):
        assert "first" in await browser.text(f"/jobs?{query}")


async def test_the_plots_have_a_table_beside_them(browser: Any) -> None:
    page = (await browser.get("/")).text

    assert page.count("<svg ") == 2
    assert page.count('role="img"') == 2
    table = re.search(r'<table class="plain">.*?</table>', page, re.DOTALL)
    assert table
    assert table[0].count("<tr data-key") == 60


async def test_every_table_says_what_it_is_and_what_its_columns_are(
    queue: RedisQueue, browser: Any, run_all: Any
) -> None:
    await queue.enqueue("fail")
    await run_all()
    await queue.enqueue("succeed")
    await Schedules(queue, ()).add("daily", every=3600, job="shop.Pay")

    for path in ("/", "/jobs", "/failed", "/failed?by=group", "/schedules"):
        page = (await browser.client.get(path)).text
        tables = page.count("<table")
        assert tables, path
        assert page.count("<caption") == tables
        heads = re.findall(r"<th[ >][^>]*", page)
        assert heads
        assert all("scope=" in head for head in heads), path


async def _has_run(queue: RedisQueue) -> bool:
    return bool(await queue.redis.exists(f"{queue.keys.history}report"))
