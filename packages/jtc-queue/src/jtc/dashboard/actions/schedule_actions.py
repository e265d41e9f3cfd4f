from __future__ import annotations

from datetime import UTC, datetime, timedelta

from jtc.dashboard.actions.action import Done, action
from jtc.dashboard.actions.pauses import PAUSES, read_pause_seconds
from jtc.dashboard.board import Board
from jtc.dashboard.form import Form
from jtc.queue import RedisQueue, Schedules


async def pause_schedule(board: Board, form: Form) -> Done:
    """Let no tick of a schedule run."""
    queue, name = await board.queue(form.need("queue")), form.need("name")
    until = await _until(queue, read_pause_seconds(form))
    note = form.get("note") or ""
    await Schedules(queue, ()).pause(name, note=note, until=until)
    how_long = PAUSES[form.get("for") or ""]
    return Done(f"Paused schedule {name} {how_long}.", name)


async def resume_schedule(board: Board, form: Form) -> Done:
    """Let a schedule go on."""
    queue, name = await board.queue(form.need("queue")), form.need("name")
    was_paused = await Schedules(queue, ()).resume(name)
    said = "Resumed schedule {}." if was_paused else "Schedule {} was not paused."
    return Done(said.format(name), name)


async def trigger_schedule(board: Board, form: Form) -> Done:
    """Have a worker run a schedule's target now."""
    queue, name = await board.queue(form.need("queue")), form.need("name")
    job_id = await Schedules(queue, ()).trigger(name)
    return Done(f"Schedule {name} runs now, as job {job_id}.", name)


async def _until(queue: RedisQueue, seconds: int | None) -> datetime | None:
    if seconds is None:
        return None
    # By the server's clock, by which the pause ends.
    now, _ = await queue.redis.time()
    return datetime.fromtimestamp(now, tz=UTC) + timedelta(seconds=seconds)


SCHEDULE_ACTIONS = [
    action("/schedule/pause", pause_schedule),
    action("/schedule/resume", resume_schedule),
    action("/schedule/trigger", trigger_schedule),
]
