from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from jtc.dashboard import create_app
from jtc.dashboard.views import page
from jtc.queue.embedded import EmbeddedServer
from jtc.queue.queue_monitor import QueueMonitor


async def test_while_the_server_is_away_a_page_says_so_and_comes_back_by_itself(
    tmp_path: Path, open_browser: Any, caplog: pytest.LogCaptureFixture
) -> None:
    # Given
    with EmbeddedServer(tmp_path) as server:
        url = server.url
    app = create_app(url)
    async with open_browser(app) as browser:
        # When
        away = await browser.get("/")
        part = await browser.client.get("/", headers={"JTC-Fragment": "1"})

        # Then
        assert (away.status_code, part.status_code) == (503, 503)
        assert "The server is away" in away.text
        assert '<meta http-equiv="refresh" content="5">' in away.text
        assert away.headers["retry-after"] == "5"
        assert "default-src 'none'" in away.headers["content-security-policy"]

    # When it is back, where it was before
    caplog.set_level("INFO", logger="jtc.dashboard")
    port = int(url.rpartition(":")[2])
    with EmbeddedServer(tmp_path, port=port):
        async with open_browser(app) as browser:
            assert (await browser.get("/")).status_code == 200
        await app.state.board.queues.close()

    # Then: one line for each, not one for each page
    actions = [getattr(record, "action", "") for record in caplog.records]
    assert [one for one in actions if one in ("dashboard_away", "dashboard_back")] == [
        "dashboard_away",
        "dashboard_back",
    ]


async def test_a_server_that_does_not_answer_holds_nobody_up(
    open_browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given: somebody listens, and says nothing.
    monkeypatch.setattr(page, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        app = create_app(f"redis://127.0.0.1:{silent.getsockname()[1]}")
        async with open_browser(app) as browser, asyncio.timeout(10):
            # When
            answer = await browser.get("/")

        # Then
        assert answer.status_code == 503
        await app.state.board.queues.close()


async def test_a_fault_of_ours_has_a_page_that_keeps_the_details_to_the_log(
    queue: Any, open_browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    async def broken(self: QueueMonitor) -> None:
        raise RuntimeError("s3cret detail")

    monkeypatch.setattr(QueueMonitor, "stats", broken)

    # When
    app = create_app(queues=[queue])
    async with open_browser(app, raises=False) as browser:
        answer = await browser.get("/")

    # Then
    assert answer.status_code == 500
    assert "s3cret" not in answer.text
    assert "RuntimeError" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_a_part_of_a_page_is_refused_as_the_page_is(browser: Any) -> None:
    asks = {"JTC-Fragment": "1"}

    answer = await browser.client.get("/job?id=nobody", headers=asks)

    assert answer.status_code == 404
