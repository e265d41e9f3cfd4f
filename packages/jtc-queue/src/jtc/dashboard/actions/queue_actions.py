from __future__ import annotations

from jtc.dashboard.actions.action import Done, action
from jtc.dashboard.actions.pauses import PAUSES, read_pause_seconds
from jtc.dashboard.board import Board
from jtc.dashboard.form import Form
from jtc.queue import QueueControl, QueueMonitor


async def pause_queue(board: Board, form: Form) -> Done:
    """Let no worker take jobs from a queue."""
    queue = await board.queue(form.need("queue"))
    seconds = read_pause_seconds(form)
    await QueueControl(queue).pause(seconds, note=form.get("note") or "")
    how_long = PAUSES[form.get("for") or ""]
    return Done(f"Paused queue {queue.name} {how_long}.", queue.name)


async def resume_queue(board: Board, form: Form) -> Done:
    """Let workers take jobs again."""
    queue = await board.queue(form.need("queue"))
    was_paused = await QueueControl(queue).resume()
    said = "Resumed queue {}." if was_paused else "Queue {} was not paused."
    return Done(said.format(queue.name), queue.name)


async def clear_queue(board: Board, form: Form) -> Done:
    """Cancel all jobs that wait in a queue."""
    queue = await board.queue(form.need("queue"))
    canceled = await QueueControl(queue).clear()
    return Done(f"Canceled {canceled:,} job(s) of queue {queue.name}.", queue.name)


async def restart_workers(board: Board, form: Form) -> Done:
    """Let all workers of a queue end, to be started again."""
    queue = await board.queue(form.need("queue"))
    await QueueControl(queue).restart()
    workers = await QueueMonitor(queue).workers()
    count = sum(worker.state != "gone" for worker in workers)
    said = f"Asked {count} worker(s) of queue {queue.name} to end and be started again."
    return Done(said, queue.name)


QUEUE_ACTIONS = [
    action("/queue/pause", pause_queue),
    action("/queue/resume", resume_queue),
    action("/queue/clear", clear_queue),
    action("/queue/restart", restart_workers),
]
