from __future__ import annotations

import contextlib
from typing import Any

import pytest
from playwright.sync_api import Error, expect

from jtc.queue import QueueMonitor

pytestmark = pytest.mark.browser

GRACE = {"username": "grace", "password": "correct horse"}
ANN = {"username": "ann", "password": "staple"}
PATHS = ["/", "/queue", "/jobs", "/job?id=later", "/failed", "/schedules"]


@pytest.fixture(scope="module")
def guarded(shop: Any) -> Any:
    """A dashboard for those who have a password; Ann may only look."""
    users = {one["username"]: one["password"] for one in (GRACE, ANN)}
    shop.start_worker("web-1")
    shop.put("shop.stock.SyncStock", key="sync-1", warehouse="Porto")
    shop.put("shop.Echo", key="later", options={"scheduled": 4e9})
    shop.wait_for("sync-1", "failed")
    return shop.serve(users=users, read_only=["ann"])


@pytest.mark.parametrize("login", [None, {**GRACE, "password": "wrong"}])
def test_nobody_gets_in_without_the_right_password(
    guarded: Any, visit: Any, login: Any
) -> None:
    there = visit(guarded, http_credentials=login)
    # Chromium shows a page of its own to who gives no password.
    there.forgive("status of 401|chrome-error")
    statuses: list[int] = []
    there.page.on("response", lambda reply: statuses.append(reply.status))

    with contextlib.suppress(Error):
        there.open("/failed")

    assert set(statuses) == {401}
    expect(there.page.get_by_role("table")).to_have_count(0)


def test_who_has_a_password_does_what_there_is_to_do(guarded: Any, visit: Any) -> None:
    there = visit(guarded, http_credentials=GRACE)
    page = there.open("/")

    expect(page.locator(".who")).to_have_text("grace")
    page.get_by_role("button", name="Pause queue default").click()
    there.hears("Paused queue default")
    page.get_by_role("button", name="Resume queue default").click()
    there.hears("Resumed queue default")


@pytest.mark.parametrize("path", [*PATHS, "/schedule?name=reports.daily"])
def test_who_may_only_look_is_shown_nothing_to_press(
    guarded: Any, visit: Any, path: str
) -> None:
    page = visit(guarded, http_credentials=ANN).open(path)

    expect(page.get_by_text("read only")).to_be_visible()
    expect(page.locator("form[method=post]")).to_have_count(0)
    expect(page.locator("main input[type=checkbox]")).to_have_count(0)
    expect(page.locator("main a[href*=confirm]")).to_have_count(0)


def test_who_may_only_look_cannot_send_a_form_of_their_own(
    shop: Any, guarded: Any, visit: Any
) -> None:
    there = visit(guarded, http_credentials=ANN)
    there.forgive("status of 40[34]")
    page = there.open("/")

    page.evaluate(
        """() => {
            const form = document.createElement("form");
            form.method = "post";
            form.action = "/queue/pause";
            document.body.append(form);
            form.submit();
        }"""
    )

    expect(page.locator("body")).to_have_text("You may only look.")
    assert shop.run(QueueMonitor(shop.queue()).stats()).paused is None


def test_a_page_of_another_site_cannot_have_a_form_sent(
    shop: Any, site: str, visit: Any
) -> None:
    # Given: another port is another origin, of the same site even.
    elsewhere = shop.serve()
    there = visit(elsewhere)
    there.forgive("asked elsewhere|status of 40[34]")
    page = there.page

    # When
    page.route("**/evil", lambda route: route.fulfill(body=EVIL % site, **HTML))
    page.goto("/evil")
    page.get_by_role("button").click()

    # Then
    expect(page.locator("body")).to_contain_text("a page of another site")
    assert shop.run(QueueMonitor(shop.queue()).stats()).paused is None


HTML = {"content_type": "text/html"}
EVIL = """<form method=post action="%s/queue/pause">
<input name=queue value=default><button>Win a prize</button></form>"""


def test_saqs_page_is_there_for_those_who_know_it(
    shop: Any, guarded: Any, visit: Any
) -> None:
    there = visit(guarded, http_credentials=GRACE)
    page = there.open("/")

    page.get_by_role("link", name="SAQ").click()

    expect(page.get_by_role("link", name="default")).to_be_visible()
