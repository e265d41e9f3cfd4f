from __future__ import annotations

import inspect
import warnings
from collections.abc import Container

from jtc.schedule.errors import ScheduleWarning
from jtc.schedule.options import TaskOptions

# The packages through which a declaration goes on its way from the user's line.
_OURS = ("jtc.schedule", "jtc.queue", "jtc.jobs")


def warn_of_overlap(
    schedule: str | int, options: TaskOptions, said: Container[str]
) -> None:
    """Warn of a run that may take longer than its interval, so that ticks are skipped.

    Args:
        schedule: Of a cron expression the gaps are not known here.
        options: All of the task.
        said: The names of those that somebody wrote; the default time-out is nobody's
            wish.
    """
    if isinstance(schedule, str) or options.overlap != "skip":
        return
    if "timeout" in said and options.timeout > schedule:
        warnings.warn(
            f"A run may take {options.timeout:g} s and the next is due after "
            f"{schedule} s: ticks are skipped while one runs. If that is meant, say "
            'overlap="buffer_one" or "allow"; else lower timeout=.',
            ScheduleWarning,
            stacklevel=_levels_to_the_user(),
        )


def _levels_to_the_user() -> int:
    frame = inspect.currentframe()
    levels = 0
    while frame is not None and _is_ours(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
        levels += 1
    # This function's own frame is not above the call of `warn`.
    return levels


def _is_ours(module: str) -> bool:
    return ".".join(module.split(".")[:2]) in _OURS
