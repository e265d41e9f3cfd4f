from __future__ import annotations

import asyncio
import json
import math
import time
from pathlib import Path
from typing import Any

import pytest

from jtc.queue import (
    FailedJobs,
    QueueControl,
    QueueHistory,
    RedisQueue,
    Schedules,
)

FOLDER = Path(__file__).parents[1]
DECLINED = {
    1041: "insufficient funds",
    1043: "the card has expired",
    1046: "insufficient funds",
    1052: "insufficient funds",
    1057: "the bank wants the customer to confirm",
    1061: "insufficient funds",
    1068: "the card has expired",
}
WAREHOUSES = ("Porto", "Hamburg", "Gdańsk")
OUTCOMES = ("ran",) * 17 + ("skipped:overlap", "ran", "ran", "failed") + ("ran",) * 6
DAY = 86_400


@pytest.fixture(scope="module")
def stocked(shop: Any) -> Any:
    """The shop in the middle of a day: each kind of job, and the hour before."""
    shop.run(QueueControl(shop.queue("mail")).pause(3600, note="the mail host is down"))
    web = {"release": "2026.3.1"}
    for worker in ("web-1", "web-2"):
        shop.start_worker(worker, "default", "mail", metadata=web)
    shop.start_worker("gpu-1", "media")
    _let_jobs_fail(shop)
    _let_jobs_end(shop)
    _let_jobs_run(shop)
    _let_jobs_wait(shop)
    shop.run(_schedule(shop.queue()))
    shop.run(_remember(shop.queue(), 40))
    shop.run(_remember(shop.queue("media"), 6))
    return shop


def _let_jobs_fail(shop: Any) -> None:
    for order, why in DECLINED.items():
        shop.put(
            "shop.payments.ChargeCard",
            key=f"charge-{order}",
            meta={"secret": ["card"], "tags": ["checkout"]},
            order=order,
            euros=round(order / 7, 2),
            card="4111 1111 1111 1111",
            why=why,
        )
    for place in WAREHOUSES:
        name = f"sync-{place.lower()}"
        shop.put("shop.stock.SyncStock", key=name, warehouse=place)
        shop.wait_for(name, "failed")
    shop.put("shop.labels.PrintLabel", key="label-1044", order=1044)
    for order in DECLINED:
        shop.wait_for(f"charge-{order}", "failed")
    shop.wait_for("label-1044", "failed")
    shop.run(_tidy_tracebacks(shop.queue()))


async def _tidy_tracebacks(queue: RedisQueue) -> None:
    """Let them name a shop's folders, not those of who runs the tests."""
    for failed in await FailedJobs(queue).list():
        job = await queue.job(failed.id)
        assert job
        error = (job.error or "").replace(f"{FOLDER}/shop_worker", "/srv/shop/jobs")
        job.error = error
        await queue.redis.set(job.id, queue.serialize(job), keepttl=True)


def _let_jobs_end(shop: Any) -> None:
    shop.put("shop.Echo", key="prices-2026-03", currency="EUR", changed=214)
    shop.wait_for("prices-2026-03", "complete")
    shop.put("shop.Echo", key="import-97", options={"scheduled": time.time() + DAY})
    assert shop.run(shop.queue().cancel("import-97", reason="not needed any more"))
    shop.wait_for("import-97", "aborted")


def _let_jobs_run(shop: Any) -> None:
    for number in (3301, 3302, 3303):
        shop.put(
            "shop.media.ResizePhoto",
            key=f"photo-{number}",
            queue="media",
            path=f"products/{number}.jpg",
        )
        shop.wait_for(f"photo-{number}", "running", "media")


def _let_jobs_wait(shop: Any) -> None:
    for order in range(1069, 1081):
        shop.put(
            "shop.mail.SendInvoice", key=f"invoice-{order}", queue="mail", order=order
        )
    for hours in range(1, 4):
        due = {"scheduled": time.time() + 3600 * hours}
        shop.put("shop.mail.RemindCart", key=f"remind-{hours}", options=due)


async def _schedule(queue: Any) -> None:
    schedules = Schedules(queue, ())
    await schedules.add(
        "campaign.spring",
        cron="0 8 * * *",
        job="shop.mail.SendCampaign",
        description="Ends with the season.",
    )
    await schedules.pause("campaign.spring", note="legal looks at the wording")
    now = int(time.time())
    for name, every in (("backups.nightly", DAY), ("reports.daily", DAY)):
        for back, outcome in enumerate(OUTCOMES):
            record = _record(now - now % every - back * every, name, outcome)
            await queue.redis.rpush(f"{queue.keys.history}{name}", json.dumps(record))


def _record(tick: int, name: str, outcome: str) -> dict[str, Any]:
    if outcome.startswith("skipped"):
        return {"tick": tick, "outcome": outcome, "at": tick + 0.1}
    ran = {
        "tick": tick,
        "outcome": "ran",
        "at": tick + 2.5,
        "started": tick + 0.2,
        "late": 0.2,
        "duration": 2.3,
        "worker": "web-1",
        "attempts": 1,
        "job": f"{name}@{tick}",
    }
    return ran | ({"error": "OSError: no space left"} if outcome == "failed" else {})


async def _remember(queue: Any, load: int) -> None:
    """Write what the hour before was like, as workers report it."""
    (*before, _) = await QueueHistory(queue).last(60)
    for number, minute in enumerate(before):
        wave = 1 + math.sin(number / 7) / 2
        complete = round(load * wave)
        key = f"{queue.keys.ended}{int(minute.at.timestamp()) // 60}"
        counts = {
            "complete": complete,
            "failed": number % 11 == 0,
            "retried": 3 if 30 <= number < 36 else 0,
            f"waited:{7 if 30 <= number < 36 else 3}": complete // 2,
            f"waited:{9 if 28 <= number < 38 else 5}": complete // 2,
        }
        await asyncio.gather(
            *(queue.redis.hincrby(key, name, int(n)) for name, n in counts.items())
        )
        await queue.redis.expire(key, 7200)
