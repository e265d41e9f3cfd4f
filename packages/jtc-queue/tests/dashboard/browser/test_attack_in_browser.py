from __future__ import annotations

import json
import time
from typing import Any

import pytest
from playwright.sync_api import expect

from jtc.queue import QueueControl, Schedules

pytestmark = pytest.mark.browser

TAG = "<script>attacked=1</script>"
IMAGE = "\"'><img src=x onerror=attacked=1>"
LINK = "javascript:attacked=1"
TEMPLATE = "{{ attacked }}{% raw %}<svg onload=attacked=1>"
EVERYTHING = f"{TAG}{IMAGE} {LINK} {TEMPLATE} </title></pre></textarea>--><b>"
PAYLOAD = {"text": EVERYTHING, EVERYTHING: 1, "deep": [{EVERYTHING: EVERYTHING}]}


@pytest.fixture(scope="module", autouse=True)
def attack(shop: Any) -> None:
    """Put the attack wherever a text is taken."""
    shop.start_worker("web-1", metadata={EVERYTHING: EVERYTHING})
    meta = {"tags": [EVERYTHING[:100], LINK]}
    later = {"scheduled": time.time() + 86_400}
    once = {"retries": 3, "retry_delay": 86_400.0}
    shop.put(IMAGE, key=f"waits {IMAGE}", meta=meta, options=later, **PAYLOAD)
    shop.put("shop.Quarrel", key=f"failed {IMAGE}", meta=meta, why=EVERYTHING)
    shop.put("shop.Quarrel", key="again", options=once, why=EVERYTHING)
    shop.put("shop.Echo", key=f"complete {IMAGE}", meta=meta, **PAYLOAD)
    shop.put(TAG, key="canceled", options=later)
    shop.run(shop.queue().cancel("canceled", reason=EVERYTHING))
    shop.run(schedule(shop.queue()))
    shop.run(shop.queue().redis.set("strange", EVERYTHING))
    shop.run(shop.queue().redis.zadd(shop.queue().keys.failed, {"strange": 2e9}))
    shop.run(QueueControl(shop.queue("mail")).pause(note=EVERYTHING))
    shop.run(shop.queue("mail").enqueue(EVERYTHING, key=EVERYTHING, **{IMAGE: LINK}))
    shop.start_worker("mail-1", "mail")
    shop.wait_for(f"failed {IMAGE}", "failed")
    shop.wait_for(f"complete {IMAGE}", "complete")


async def schedule(queue: Any) -> None:
    schedules = Schedules(queue, ())
    wish: dict[str, Any] = {"cron": "0 3 * * *", "job": "shop.Echo", "payload": PAYLOAD}
    await schedules.add("nightly", description=EVERYTHING, **wish)
    await schedules.pause("nightly", note=EVERYTHING)
    # As a process of somebody else's may have written it.
    history = f"{queue.keys.history}nightly"
    record = {"tick": 1.7e9, "at": 1.7e9, "started": 1.7e9, "attempts": 1}
    texts = dict.fromkeys(("outcome", "error", "worker", "job"), EVERYTHING)
    await queue.redis.lpush(history, json.dumps(record | texts))


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/", {}),
        ("/queue", {"queue": "mail"}),
        ("/queue", {"queue": EVERYTHING}),
        ("/jobs", {"queue": "mail"}),
        ("/jobs", {"state": "delayed"}),
        ("/jobs", {"state": "complete"}),
        ("/jobs", {"state": "aborted"}),
        ("/jobs", {"state": "failed"}),
        ("/jobs", {"state": EVERYTHING}),
        ("/jobs", {"name": EVERYTHING}),
        ("/jobs", {"cursor": EVERYTHING}),
        ("/job", {"id": f"waits {IMAGE}"}),
        ("/job", {"id": f"failed {IMAGE}"}),
        ("/job", {"id": f"complete {IMAGE}"}),
        ("/job", {"id": "again"}),
        ("/job", {"id": "canceled"}),
        ("/job", {"id": "strange"}),
        ("/job", {"id": EVERYTHING, "queue": "mail"}),
        ("/job", {"id": EVERYTHING}),
        ("/failed", {}),
        ("/failed", {"by": "group"}),
        ("/failed", dict.fromkeys(("text", "class", "exception"), EVERYTHING)),
        ("/failed", dict.fromkeys(("group_name", "group_exception"), EVERYTHING)),
        ("/failed/confirm", {"do": "forget", "what": "matching", "text": EVERYTHING}),
        ("/failed/confirm", {"do": EVERYTHING}),
        ("/schedules", {}),
        ("/schedules", {"text": EVERYTHING}),
        ("/schedule", {"name": "nightly"}),
        ("/schedule", {"name": EVERYTHING}),
        ("/<script>attacked=1</script>", {}),
    ],
)
def test_what_comes_from_elsewhere_is_text(
    visit: Any, path: str, query: dict[str, str]
) -> None:
    # Given
    there = visit()
    there.forgive("status of 40[04]")

    # When
    page = there.open(path, **query)
    for details in page.locator("details").all():
        details.evaluate("details => { details.open = true }")
    # What the script puts in is looked at, too.
    page.evaluate(REFRESH)

    # Then
    strangers = "main img, main script, main b, a[href^='javascript'], svg[onload]"
    expect(page.locator(strangers)).to_have_count(0)
    assert page.evaluate("[...document.all].every(one => !one.onerror && !one.onload)")


REFRESH = """() => new Promise(done => {
    const live = document.getElementById("live");
    if (!live || live.hidden) { done(); return; }
    new MutationObserver(done).observe(document.getElementById("main"),
        { subtree: true, childList: true, characterData: true, attributes: true });
    live.click(); live.click();
    setTimeout(done, 1500);
})"""


def test_what_is_told_of_an_action_is_text(shop: Any, visit: Any) -> None:
    there = visit()
    page = there.open("/job", id=f"failed {IMAGE}")

    page.get_by_role("button", name="Forget this job").click()

    there.hears(f"Forgot job failed {IMAGE}.")
    expect(page.locator("img")).to_have_count(0)


def test_a_policy_stops_a_script_that_gets_onto_a_page(visit: Any) -> None:
    """And the tests would see it, should something not be escaped one day."""
    there = visit()
    there.forgive("Content Security Policy")
    page = there.open("/")

    page.evaluate(
        """() => {
            const main = document.getElementById("main");
            main.innerHTML += '<img src=x onerror=attacked=1>';
            const script = document.createElement("script");
            script.textContent = "attacked=1";
            document.body.append(script);
        }"""
    )

    there.forgive("/x$|404")
    assert any("Content Security Policy" in fault for fault in there.faults)
    assert page.evaluate("window.attacked === undefined")
