from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Response, expect

from jtc.queue import QueueControl, QueueNames

pytestmark = pytest.mark.browser

LATER = {"scheduled": 4e9}
HIDE = """hidden => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture(autouse=True)
def empty(shop: Any) -> None:
    shop.run(QueueControl(shop.queue()).clear())


def delayed(page: Page) -> Any:
    return page.locator("[data-label=Delayed]").first


def note_asked(page: Page) -> list[str]:
    """Note what the page asks for by itself."""
    asked: list[str] = []

    def note(request: Request) -> None:
        if "jtc-fragment" in request.headers:
            asked.append(request.url)

    page.on("request", note)
    return asked


def is_part(reply: Response) -> bool:
    return "jtc-fragment" in reply.request.headers


def tick(page: Page, seconds: float) -> None:
    """Let time pass for the page."""
    page.clock.run_for(round(seconds * 1000))


def test_a_number_changes_by_itself(shop: Any, visit: Any) -> None:
    page = visit().open("/")
    expect(delayed(page)).to_have_text("0")
    page.evaluate("window.isSamePage = true")

    shop.put("shop.Echo", key="a", options=LATER)

    expect(delayed(page)).to_have_text("1")
    assert page.evaluate("window.isSamePage")


def test_what_somebody_is_at_stays(shop: Any, visit: Any) -> None:
    # Given
    shop.put("shop.Echo", key="first", options=LATER)
    page = visit(viewport={"width": 1280, "height": 300}).open("/jobs", state="delayed")
    search = page.locator("#search")
    search.fill("half a wo")
    search.evaluate("search => search.setSelectionRange(2, 4)")
    page.evaluate("scrollTo(0, 60)")
    scrolled = page.evaluate("scrollY")

    # When
    shop.put("shop.Echo", key="second", options=LATER)

    # Then
    expect(page.get_by_role("link", name="second")).to_be_attached()
    expect(search).to_be_focused()
    expect(search).to_have_value("half a wo")
    assert search.evaluate("one => [one.selectionStart, one.selectionEnd]") == [2, 4]
    assert page.evaluate("scrollY") == scrolled > 0


def test_what_is_open_stays_open(shop: Any, visit: Any) -> None:
    page = visit().open("/")
    page.get_by_text("The plots as a table").click()

    shop.put("shop.Echo", key="a", options=LATER)

    expect(delayed(page)).to_have_text("1")
    expect(page.locator("#plot-numbers tbody tr").first).to_be_visible()


def test_a_row_that_has_the_focus_keeps_it_while_others_come(
    shop: Any, visit: Any
) -> None:
    shop.put("shop.Echo", key="b", options=LATER)
    page = visit().open("/jobs", state="delayed")
    page.get_by_role("link", name="b", exact=True).focus()

    shop.put("shop.Echo", key="a", options={"scheduled": 3.9e9})

    expect(page.locator("tbody tr").first).to_have_attribute("data-key", "a")
    expect(page.get_by_role("link", name="b", exact=True)).to_be_focused()


def test_a_button_that_has_the_focus_keeps_it_while_others_come(
    shop: Any, visit: Any
) -> None:
    # Its form has a field called id, which hides the form's own.
    shop.put("shop.Echo", key="b", options=LATER)
    page = visit().open("/jobs", state="delayed")
    page.get_by_role("button", name="Cancel job b").focus()

    shop.put("shop.Echo", key="a", options={"scheduled": 3.9e9})

    expect(page.locator("tbody tr").first).to_have_attribute("data-key", "a")
    expect(page.get_by_role("button", name="Cancel job b")).to_be_focused()


def test_nothing_is_asked_while_nobody_looks(visit: Any) -> None:
    # Given
    there = visit()
    there.page.clock.install()
    page = there.open("/")
    asked = note_asked(page)
    with page.expect_response(is_part):
        tick(page, 4)

    # When
    page.evaluate(HIDE, True)
    before = len(asked)
    tick(page, 60)

    # Then
    assert len(asked) == before
    with page.expect_response(is_part):
        page.evaluate(HIDE, False)


def test_updates_are_stopped_and_that_is_remembered(shop: Any, visit: Any) -> None:
    # Given
    there = visit()
    there.page.clock.install()
    page = there.open("/")
    live = page.get_by_role("button", name="Live")
    expect(live).to_have_attribute("aria-pressed", "true")

    # When
    live.click()
    page.reload()

    # Then
    expect(live).to_have_attribute("aria-pressed", "false")
    asked = note_asked(page)
    tick(page, 60)
    assert asked == []

    # When
    live.click()

    # Then
    shop.put("shop.Echo", key="a", options=LATER)
    tick(page, 4)
    expect(delayed(page)).to_have_text("1")


def test_a_page_that_is_as_it_was_is_not_sent_again(shop: Any, visit: Any) -> None:
    page = visit().open("/jobs", state="complete")

    with page.expect_response(lambda reply: reply.status == 304):
        pass


def test_ticked_jobs_do_not_move(shop: Any, visit: Any) -> None:
    # Given
    shop.start_worker("web-1")
    fail(shop, "sync-1")
    there = visit()
    there.page.clock.install()
    page = there.open("/failed")
    page.get_by_label("Tick job sync-1").check()

    # When
    fail(shop, "sync-2")
    tick(page, 60)

    # Then
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_label("Tick job sync-1").uncheck()
    tick(page, 10)
    expect(page.locator("tbody tr")).to_have_count(2)


def fail(shop: Any, key: str) -> None:
    shop.put("shop.stock.SyncStock", key=key, warehouse="Porto")
    shop.wait_for(key, "failed")


def test_a_theme_is_chosen_and_remembered(visit: Any) -> None:
    # Given
    there = visit(color_scheme="light")
    page = there.open("/")
    color = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(color)
    button = page.get_by_role("button", name=re.compile("Theme"))

    # When
    button.click()
    expect(button).to_have_accessible_name("Theme: light")
    button.click()
    expect(button).to_have_accessible_name("Theme: dark")

    # Then
    dark = page.evaluate(color)
    assert dark != light
    there.open("/failed")
    assert page.evaluate(color) == dark
    button.click()
    expect(button).to_have_accessible_name("Theme: as the system")
    assert page.evaluate(color) == light
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(color) == dark


def test_the_keyboard_leads_to_the_content_and_to_the_search(visit: Any) -> None:
    # Given
    page = visit().open("/failed")

    # When
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    page.keyboard.press("Enter")

    # Then
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("and/or")
    expect(page.locator("#search")).to_have_value("and/or")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/queue", "start a worker"),
        ("/jobs", "No job is waiting"),
        ("/failed", "No job has failed"),
        ("/schedules", "Nothing is scheduled"),
    ],
)
def test_what_is_empty_says_so(shop: Any, visit: Any, path: str, words: str) -> None:
    shop.run(QueueNames(shop.queue().redis).add("new"))

    page = visit().open(path, queue="new")

    expect(page.locator("main .empty")).to_contain_text(words)


# The last one: the server ends.
def test_a_page_says_that_the_server_is_away_and_comes_back_by_itself(
    shop: Any, visit: Any
) -> None:
    # Given
    url = shop.server.url
    there = visit()
    there.forgive("status of 503")
    there.page.clock.install()
    page = there.open("/")
    shop.server.stop()

    # Then
    alert = page.get_by_role("alert")
    let_pass_until(page, alert.is_visible)
    other = visit()
    other.forgive("status of 503")
    heading = other.open("/").locator("h1")
    expect(heading).to_have_text("The server is away")

    # When
    shop.server.start()
    assert shop.server.url == url

    # Then
    expect(heading).to_have_text("Overview")
    let_pass_until(page, alert.is_hidden)


def let_pass_until(page: Page, condition: Callable[[], bool]) -> None:
    """Let the page's time pass until a condition holds."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        tick(page, 10)
        page.wait_for_timeout(100)
