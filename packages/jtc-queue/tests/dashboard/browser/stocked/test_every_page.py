from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PATHS = {
    "overview": "/",
    "queue": "/queue?queue=default",
    "queue, paused": "/queue?queue=mail",
    "clear": "/queue/clear/confirm?queue=mail",
    "jobs, waiting": "/jobs?queue=mail",
    "jobs, none": "/jobs?queue=default&name=Nobody",
    "jobs, delayed": "/jobs?state=delayed",
    "jobs, running": "/jobs?queue=media&state=running",
    "jobs, complete": "/jobs?state=complete",
    "jobs, aborted": "/jobs?state=aborted",
    "jobs, failed": "/jobs?state=failed",
    "job, failed": "/job?id=charge-1041",
    "job, running": "/job?queue=media&id=photo-3301",
    "job, complete": "/job?id=prices-2026-03",
    "failed": "/failed",
    "failed, none": "/failed?text=nobody",
    "failed, by error": "/failed?by=group",
    "failed, sure?": "/failed/confirm?do=forget&what=matching&text=Hamburg",
    "schedules": "/schedules",
    "schedules, none": "/schedules?queue=media",
    "schedule": "/schedule?name=reports.daily",
    "schedule, paused": "/schedule?name=campaign.spring",
    "not there": "/nothing",
}
PHONE = {"width": 390, "height": 844}
# What the accessibility checks go by: WCAG 2.2, and what is known to be good practice.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

# Sixty rows and sixty bars that differ in their numbers only.
ALIKE = "#plot-numbers tr:nth-child(n + 3), svg g:nth-of-type(n + 3)"


@pytest.fixture(params=list(PATHS.values()), ids=list(PATHS))
def path(request: pytest.FixtureRequest, stocked: Any) -> Any:
    """Each page of the shop's dashboard."""
    return request.param


@pytest.fixture
def arrive(visit: Any, path: str) -> Any:
    """Look at the page."""

    def go(**options: Any) -> Any:
        there = visit(**options)
        there.forgive("404 \\(Not Found\\)")
        there.open(path)
        return there.page

    return go


def test_a_page_can_be_used_by_everybody(arrive: Any) -> None:
    """As far as axe can tell: labels, roles, order of headings, contrast, ..."""
    page = arrive()
    page.evaluate(
        "document.querySelectorAll('details').forEach(one => one.open = true)"
    )

    for theme in ("light", "dark"):
        # A color that is on its way to another one has neither's contrast.
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        only = {"runOnly": RULES, "resultTypes": ["violations"]}
        results = Axe().run(page, context={"exclude": [ALIKE]}, options=only)
        assert results.violations_count == 0, f"{theme}: {results.generate_report()}"


def test_a_page_is_as_wide_as_a_phone(arrive: Any) -> None:
    page = arrive(viewport=PHONE, has_touch=True, is_mobile=True)

    widest = """() => [...document.querySelectorAll("body *")]
        .filter(one => !one.closest(".scroll, pre, .unseen, thead, .skip, svg"))
        .filter(one => one.getClientRects().length)
        .map(one => [one.getBoundingClientRect().right, one.outerHTML.slice(0, 200)])
        .sort((one, other) => other[0] - one[0])[0]"""
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    right, element = page.evaluate(widest)
    assert right <= PHONE["width"], element


def test_a_page_shows_without_scripts_what_it_shows_with_them(arrive: Any) -> None:
    page = arrive(java_script_enabled=False)

    expect(page.locator("h1")).to_be_visible()
    expect(page.locator("#theme, #live, #all").locator("visible=true")).to_have_count(0)
