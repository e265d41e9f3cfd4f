from __future__ import annotations

from jtc.dashboard.actions.action import Done, action
from jtc.dashboard.board import Board
from jtc.dashboard.form import Form
from jtc.queue import FailedJobs


async def cancel_job(board: Board, form: Form) -> Done:
    """Cancel a job: at once while it waits, through its worker while it runs."""
    queue = await board.queue(form.need("queue"))
    job_id = form.need("id")
    if await queue.cancel(job_id, reason="canceled in the dashboard"):
        return Done(f"Canceled job {job_id}.", job_id)
    return Done(f"Job {job_id} has ended already.", job_id, is_bad=True)


async def retry_job(board: Board, form: Form) -> Done:
    """Put a failed job back at the end of its queue."""
    queue = await board.queue(form.need("queue"))
    job_id = form.need("id")
    if await FailedJobs(queue).retry(job_id):
        return Done(f"Put job {job_id} back at the end of the queue.", job_id)
    why = "it is no failed job any more, or another one with its unique key waits"
    return Done(f"Could not put job {job_id} back: {why}.", job_id, is_bad=True)


async def forget_job(board: Board, form: Form) -> Done:
    """Delete a failed job."""
    queue = await board.queue(form.need("queue"))
    job_id = form.need("id")
    if await FailedJobs(queue).forget(job_id):
        return Done(f"Forgot job {job_id}.", job_id)
    return Done(f"Job {job_id} is no failed job any more.", job_id, is_bad=True)


JOB_ACTIONS = [
    action("/job/cancel", cancel_job),
    action("/job/retry", retry_job),
    action("/job/forget", forget_job),
]
