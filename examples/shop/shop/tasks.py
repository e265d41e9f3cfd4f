"""What is done at its time. Tasks ask for services like jobs do, after the context."""

from __future__ import annotations

from typing import Any

from jtc.schedule import Schedule
from shop.database import engine, outbox
from shop.services import Reports


@Schedule.daily(at="02:00", timezone="Europe/Berlin", tries=3, backoff=60)
async def nightly_report(ctx: dict[str, Any], reports: Reports) -> None:
    """Report on all orders."""
    report = await reports.make()
    print(f"{report.orders} orders, {report.cents / 100:.2f}", flush=True)


@Schedule.every(5)
async def relay_outbox(ctx: dict[str, Any]) -> None:
    """Dispatch what was committed by a process that died, or while Redis was away."""
    await outbox.relay(engine)
