"""Scheduled tasks, and a job that one of them dispatches.

jtc queue work --embedded --app examples/schedule_example.py
"""

from __future__ import annotations

import shutil

from jtc.jobs import Job
from jtc.schedule import Schedule


def show(ctx, text):
    # The tick's nominal time, not the clock: it is the same on every worker and in
    # every attempt, however late one starts.
    tick = ctx["tick"]
    line = f"{tick.nominal:%H:%M:%S}  {tick.name:<15}  {text}\n"
    # In one piece: a plain function prints from a thread, beside the others.
    print(line, end="")


# -- often enough to see it work


@Schedule.every(2)
async def heartbeat(ctx):
    """Say that the worker is alive."""
    show(ctx, "alive")


# A plain function runs in a thread, so that it may block.
@Schedule.every(3)
def measure_disk(ctx):
    """Look how much space is left."""
    free = shutil.disk_usage("/").free
    show(ctx, f"{free / 1e9:.1f} GB are free")


@Schedule.every(5)
async def take_order(ctx):
    """Dispatch a job, as a web service would for a customer."""
    order_id = int(ctx["tick"].nominal.timestamp()) % 10_000
    handle = await SendReceipt.dispatch(order_id=order_id, customer="Ada")
    show(ctx, f"order {order_id} came in: job {handle.id[:8]}")


# -- a job: what it needs is injected, what it is about is dispatched


class Receipts:
    """A service. The container makes it because `SendReceipt` asks for it by type."""

    def write(self, order_id: int, customer: str) -> str:
        return f"Dear {customer}, thank you for order {order_id}."


class SendReceipt(Job, tries=3, backoff=2):
    order_id: int
    customer: str

    def __init__(self, receipts: Receipts) -> None:
        self.receipts = receipts

    async def handle(self) -> str:
        text = self.receipts.write(self.order_id, self.customer)
        print(f"{'':8}  {'SendReceipt':<15}  {text}")
        return text


# -- the schedules that most programs need


@Schedule.every(30)
async def health_check(ctx):
    """Check that everything this program depends on answers."""
    show(ctx, "all well")


@Schedule.cron("*/5 * * * *")
async def frequent_sync(ctx):
    """Fetch what changed in the last five minutes."""
    show(ctx, "synchronized")


@Schedule.cron("0 * * * *")
async def hourly_cleanup(ctx):
    """Remove temporary files."""
    show(ctx, "cleaned up")


@Schedule.cron("0 0 * * *")
async def daily_summary(ctx):
    """Sum up the day that has just ended."""
    show(ctx, "summed up")


@Schedule.cron("0 0 * * 0")
async def weekly_report(ctx):
    """Report on the week, in the night to Sunday."""
    show(ctx, "reported")
