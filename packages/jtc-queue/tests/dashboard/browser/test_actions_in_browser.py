from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from jtc.queue import FailedJobs, QueueControl, QueueMonitor, Schedules

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", autouse=True)
def workers(shop: Any) -> None:
    """One worker for jobs and ticks; at mail nothing is taken."""
    shop.run(QueueControl(shop.queue("mail")).pause())
    shop.start_worker("web-1", "default", "media", "mail")


@pytest.fixture
def fail(shop: Any) -> Any:
    """Let jobs fail, and nothing else have failed."""
    failed = FailedJobs(shop.queue())
    shop.run(failed.forget_all())

    def run(*keys: str, job: str = "shop.stock.SyncStock") -> FailedJobs:
        place = {"warehouse": "Porto"} if "Stock" in job else {"order": 7}
        for key in keys:
            shop.put(job, key=key, **place)
        for key in keys:
            shop.wait_for(key, "failed")
        return failed

    return run


@pytest.fixture
def two_kinds(shop: Any, fail: Any) -> Iterator[None]:
    """One job with one error and two with another; what is put back stays there."""
    fail("sync-1")
    fail("label-1", "label-2", job="shop.labels.PrintLabel")
    shop.run(QueueControl(shop.queue()).pause())
    yield
    shop.run(QueueControl(shop.queue()).clear())
    shop.run(QueueControl(shop.queue()).resume())


def failed_ids(shop: Any) -> set[str]:
    return {job.id for job in shop.run(FailedJobs(shop.queue()).list())}


def press(page: Any, name: str, *, exact: bool = True) -> None:
    page.get_by_role("button", name=name, exact=exact).first.click()


def test_a_job_that_waits_is_canceled_in_the_list(shop: Any, visit: Any) -> None:
    shop.put("shop.mail.SendInvoice", key="invoice-7", queue="mail", order=7)
    there = visit()
    page = there.open("/jobs", queue="mail")

    press(page, "Cancel job invoice-7")

    there.hears("Canceled job invoice-7.")
    expect(page.get_by_text("invoice-7", exact=True)).to_have_count(0)
    assert shop.state("invoice-7", "mail") == "aborted"


def test_a_job_that_runs_is_canceled_on_its_page(shop: Any, visit: Any) -> None:
    # Given
    shop.put("shop.media.ResizePhoto", key="photo-1", queue="media", path="a.jpg")
    shop.wait_for("photo-1", "running", "media")
    there = visit()
    page = there.open("/job", queue="media", id="photo-1")

    # When
    press(page, "Cancel this job")

    # Then
    there.hears("Canceled job photo-1.")
    shop.wait_for("photo-1", "aborted", "media")
    # It shows by itself.
    expect(page.locator("h1")).to_have_text("ResizePhoto aborted")


def test_a_failed_job_is_retried_and_fails_again(
    shop: Any, visit: Any, fail: Any
) -> None:
    failed = fail("sync-1")
    before = shop.run(failed.get("sync-1")).failed_at

    def has_failed_again() -> bool:
        job = shop.run(failed.get("sync-1"))
        return job is not None and job.failed_at > before

    there = visit()
    page = there.open("/job", queue="default", id="sync-1")

    press(page, "Retry this job")

    there.hears("Put job sync-1 back at the end of the queue.")
    shop.until(has_failed_again)


def test_a_failed_job_is_forgotten(shop: Any, visit: Any, fail: Any) -> None:
    fail("sync-1")
    there = visit()
    page = there.open("/job", queue="default", id="sync-1")

    press(page, "Forget this job")

    there.hears("Forgot job sync-1.")
    expect(page.locator("h1")).to_have_text("Failed jobs")
    assert failed_ids(shop) == set()


def test_failed_jobs_that_are_ticked_are_forgotten_once_it_is_confirmed(
    shop: Any, visit: Any, fail: Any
) -> None:
    # Given
    fail("sync-1", "sync-2", "sync-3")
    there = visit()
    page = there.open("/failed")

    # When
    page.get_by_label("Tick job sync-1").check()
    page.get_by_label("Tick job sync-3").check()
    press(page, "Forget ticked…")

    # Then
    expect(page.locator("h1")).to_have_text(re.compile("^Forget 2 failed job"))
    assert len(failed_ids(shop)) == 3

    # When
    press(page, "Forget 2 job", exact=False)

    # Then
    there.hears("Forgot 2 of 2 failed job")
    assert failed_ids(shop) == {"sync-2"}


def test_all_failed_jobs_of_a_page_are_ticked_at_once_and_retried(
    shop: Any, visit: Any, fail: Any
) -> None:
    fail("sync-1", "sync-2")
    there = visit()
    page = there.open("/failed")

    page.get_by_label("Tick all on this page").check()
    page.get_by_label("Tick job sync-1").uncheck()
    expect(page.get_by_label("Tick all on this page")).to_be_checked(indeterminate=True)
    page.get_by_label("Tick job sync-1").check()
    press(page, "Retry ticked")

    there.hears("Put back 2 of 2 failed job")


def test_nothing_is_done_when_nothing_is_ticked(
    shop: Any, visit: Any, fail: Any
) -> None:
    fail("sync-1")
    there = visit()
    page = there.open("/failed")

    press(page, "Retry ticked")

    there.hears("tick the jobs that are meant")
    assert failed_ids(shop) == {"sync-1"}


@pytest.mark.parametrize("does", ["Retry", "Forget"])
def test_a_group_of_failed_jobs_is_retried_or_forgotten(
    shop: Any, visit: Any, two_kinds: None, does: str
) -> None:
    # Given
    there = visit()
    page = there.open("/failed", by="group")

    # When
    row = page.get_by_role("row", name="KeyError")
    row.get_by_role("link", name=f"{does}…").click()
    press(page, f"{does} 2 job", exact=False)

    # Then
    there.hears("2 failed job")
    assert failed_ids(shop) == {"sync-1"}


@pytest.mark.parametrize("does", ["Retry", "Forget"])
def test_all_failed_jobs_that_match_are_retried_or_forgotten(
    shop: Any, visit: Any, two_kinds: None, does: str
) -> None:
    # Given
    there = visit()
    page = there.open("/failed")

    # When
    page.get_by_label("Search").fill("postal_code")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="sync-1")).to_have_count(0)
    page.get_by_role("link", name=f"{does} all that match…").click()
    press(page, f"{does} 2 job", exact=False)

    # Then
    there.hears("2 failed job")
    assert failed_ids(shop) == {"sync-1"}


def test_a_queue_is_paused_with_a_note_and_resumed(shop: Any, visit: Any) -> None:
    # Given
    there = visit()
    page = there.open("/queue", queue="media")

    # When
    page.get_by_role("combobox", name="How long").select_option("for an hour")
    page.get_by_label("Why").fill("the disk is full")
    press(page, "Pause")

    # Then
    there.hears("Paused queue media for an hour.")
    stats = shop.run(QueueMonitor(shop.queue("media")).stats())
    assert stats.paused.note == "the disk is full"
    expect(page.locator("main")).to_contain_text("the disk is full")

    # When
    press(page, "Resume queue media")

    # Then
    there.hears("Resumed queue media.")
    assert shop.run(QueueMonitor(shop.queue("media")).stats()).paused is None


def test_a_queue_is_cleared_once_it_is_confirmed(shop: Any, visit: Any) -> None:
    # Given
    shop.run(QueueControl(shop.queue("mail")).clear())
    for number in range(3):
        shop.put("shop.mail.SendInvoice", key=f"i{number}", queue="mail", order=number)
    there = visit()
    page = there.open("/queue", queue="mail")

    # When
    page.get_by_role("link", name="Clear…").click()
    expect(page.locator("main")).to_contain_text("This cancels 3 job")
    assert shop.state("i0", "mail") == "waiting"
    press(page, "Cancel 3 job", exact=False)

    # Then
    there.hears("Canceled 3 job(s) of queue mail.")
    assert shop.state("i0", "mail") == "aborted"


def test_a_schedule_is_triggered_paused_and_resumed(shop: Any, visit: Any) -> None:
    # Given
    schedules = Schedules(shop.queue(), ())
    there = visit()
    page = there.open("/schedule", name="backups.nightly")

    # When
    press(page, "Trigger now backups.nightly")

    # Then
    there.hears("Schedule backups.nightly runs now, as job ")
    shop.until(lambda: shop.run(schedules.history("backups.nightly", 5)))
    # It shows by itself.
    expect(page.get_by_role("table")).to_contain_text("no space left")

    # When
    page.get_by_label("Why").fill("moving house")
    press(page, "Pause")

    # Then
    there.hears("Paused schedule backups.nightly until it is resumed.")
    expect(page.locator("main")).to_contain_text("moving house")
    assert shop.run(schedules.get("backups.nightly")).paused.note == "moving house"

    # When
    press(page, "Resume backups.nightly")

    # Then
    there.hears("Resumed schedule backups.nightly.")
    assert shop.run(schedules.get("backups.nightly")).paused is None


def test_the_list_of_schedules_has_the_same_actions(shop: Any, visit: Any) -> None:
    there = visit()
    page = there.open("/schedules", text="daily")

    press(page, "Pause reports.daily")
    there.hears("Paused schedule reports.daily until it is resumed.")
    press(page, "Resume reports.daily")
    there.hears("Resumed schedule reports.daily.")
    press(page, "Trigger reports.daily")
    there.hears("Schedule reports.daily runs now")


def test_a_job_is_found_by_its_id(shop: Any, visit: Any) -> None:
    later = {"scheduled": time.time() + 3600}
    shop.put("shop.mail.SendInvoice", key="a/b?c#d&e", options=later, order=7)
    page = visit().open("/jobs", queue="default")

    page.get_by_label("Job id").fill("a/b?c#d&e")
    page.keyboard.press("Enter")

    expect(page.locator("h1")).to_contain_text("SendInvoice")
    expect(page.locator("main")).to_contain_text("a/b?c#d&e")


def test_actions_need_no_script(shop: Any, visit: Any) -> None:
    there = visit(java_script_enabled=False)
    page = there.open("/")

    press(page, "Pause queue media")
    there.hears("Paused queue media until it is resumed.")
    press(page, "Resume queue media")
    there.hears("Resumed queue media.")


def test_an_action_needs_no_mouse(shop: Any, visit: Any) -> None:
    there = visit()
    page = there.open("/queue", queue="media")

    # When
    _tab_to(page, "note")
    page.keyboard.type("no mouse")
    page.keyboard.press("Enter")

    # Then
    there.hears("Paused queue media until it is resumed.")
    _tab_to(page, "Resume queue media")
    page.keyboard.press("Space")
    there.hears("Resumed queue media.")


def _tab_to(page: Any, what: str) -> None:
    """Press Tab until a field or a button has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.name || ''")
        text = page.evaluate("document.activeElement.innerText || ''")
        if what in (name, " ".join(text.split())):
            return
    pytest.fail(f"Tab does not lead to {what}")


def test_workers_are_asked_to_end_and_be_started_again(shop: Any, visit: Any) -> None:
    program = shop.start_worker("bulk-1", "bulk")
    there = visit()
    page = there.open("/queue", queue="bulk")

    press(page, "Restart workers of queue bulk")

    there.hears("Asked 1 worker(s) of queue bulk to end")
    shop.until(lambda: program.poll() is not None)
