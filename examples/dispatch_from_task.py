"""A task that finds work and dispatches a job for each piece of it.

jtc queue work --embedded --app examples/dispatch_from_task.py
"""

from __future__ import annotations

from datetime import datetime

from jtc.jobs import Job
from jtc.schedule import Schedule

FEEDS = ("news", "sport", "weather")


# The task only decides what is to be done. Each feed is a job of its own: they run side
# by side, one that fails is tried again without the others, and the task's next tick
# is never held up by a slow feed.
@Schedule.every(3)
async def refresh_feeds(ctx):
    """Dispatch a job for each feed."""
    tick = ctx["tick"]
    await RefreshFeed.dispatch_many(
        [{"feed": feed, "as_of": tick.nominal} for feed in FEEDS]
    )
    print(f"{tick.nominal:%H:%M:%S}  dispatched {len(FEEDS)} jobs")


class RefreshFeed(Job, tries=5, backoff=10, timeout=30):
    feed: str
    as_of: datetime

    async def handle(self) -> None:
        print(f"          {self.feed} is fresh as of {self.as_of:%H:%M:%S}")

    async def failed(self, exception: Exception) -> None:
        # Once, after the last try.
        print(f"          gave up on {self.feed}: {exception}")
