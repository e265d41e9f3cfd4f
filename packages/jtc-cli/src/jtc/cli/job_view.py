from __future__ import annotations

import json
from datetime import datetime

from jtc.cli.facts import describe_facts
from jtc.cli.times import format_day_and_time
from jtc.queue import JobRecord


def describe_job(job: JobRecord) -> str:
    """Return a job in words for people, its traceback and result below the rest."""
    facts = {
        "Job": job.id,
        "Queue": job.queue,
        "Class": job.job_class or "",
        "Function": "" if job.job_class else job.function or "",
        "State": _state(job),
        "Attempts": f"{job.attempts} of {job.tries}" if job.tries else "",
        "Timeout": f"{job.timeout:g} s" if job.timeout else "",
        "Tags": ", ".join(job.tags),
        "Tick": f"{job.tick[0]}, {format_day_and_time(job.tick[1])}"
        if job.tick
        else "",
        "Queued": _time(job.queued_at),
        "Due": _time(job.due_at),
        "Started": _time(job.started_at),
        "Ended": _time(job.failed_at or job.ended_at),
        "Worker": job.worker or "",
        "Payload": _json(job.payload) if job.payload else "",
        "Result": _json(job.result) if job.result is not None else "",
    }
    texts = [describe_facts(facts), _error(job), job.raw or ""]
    return "\n\n".join(text for text in texts if text)


def _state(job: JobRecord) -> str:
    progress = f", {job.progress:.0%} done" if 0 < job.progress < 1 else ""
    canceling = f", to be stopped: {job.canceling}" if job.canceling else ""
    return f"{job.state}{progress}{canceling}"


def _error(job: JobRecord) -> str:
    if not job.error:
        return ""
    heading = "Error" if job.state in ("failed", "aborted") else "Error of the last try"
    return f"{heading}:\n{job.error.rstrip()}"


def _time(moment: datetime | None) -> str:
    return "" if moment is None else format_day_and_time(moment)


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
