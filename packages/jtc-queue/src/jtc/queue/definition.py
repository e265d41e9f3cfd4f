from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from jtc.queue.codec import decode, encode
from jtc.queue.errors import InvalidSchedule, NotRunnableHere, UnreadableDefinition
from jtc.queue.option_data import read_options, write_options
from jtc.queue.target import Target
from jtc.schedule import ScheduledTask, ScheduleError, TaskOptions

# What `sync.lua` and the scripts of run-time schedules look for at the beginning.
IN_CODE = '{"in_code":true'


@dataclass(frozen=True, slots=True)
class Definition:
    """A schedule as a queue keeps it, for processes that do not have its code.

    Attributes:
        task: When it is due and by which policies. Its function stands in for one that
            this process may not have.
        target: What its ticks run.
        in_code: Whether it is declared in code; else it was made at run time.
        left_out: Names of options that are code, such as `when`: the queue does not
            have them, or not all of them.
    """

    task: ScheduledTask
    target: Target
    in_code: bool
    left_out: tuple[str, ...] = ()

    @property
    def member(self) -> str:
        """What the schedule is called among those that are due."""
        return member_of(self.task) if self.in_code else f"*:{self.task.name}"


def member_of(task: ScheduledTask) -> str:
    """Return what a task in code is called among those that are due."""
    return f"{task.fingerprint}:{task.name}"


def encode_definition(task: ScheduledTask, target: Target | None = None) -> bytes:
    """Write a definition as JSON.

    Args:
        task: A task in code, or one that holds what was said of a run-time schedule.
        target: What a run-time schedule runs; None for a task in code. Of that, what
            is code is left out, and its names are noted.

    Raises:
        InvalidSchedule: An option of a run-time schedule is code.

    Example:
        >>> task = ScheduledTask(print, 60, "report", tries=3)
        >>> definition = decode_definition("report", encode_definition(task))
        >>> definition.task.options == task.options, definition.target.name
        (True, 'report')
    """
    options, left_out = write_options(task.options)
    if target is not None and left_out:
        raise InvalidSchedule(task.name, _no_data(left_out[0]))
    document: dict[str, Any] = {
        "in_code": target is None,
        "schedule": task.schedule,
        "description": task.description,
        "options": options,
    }
    target = target or Target.of_task(task)
    if not document["in_code"] or target.secret:
        document["target"] = target.as_data()
    if left_out:
        document["left_out"] = left_out
    return encode(document)


def decode_definition(name: str, text: bytes) -> Definition:
    """Read a definition.

    Args:
        name: What the schedule is called.
        text: What `encode_definition` wrote, perhaps in another version.

    Raises:
        UnreadableDefinition: It is none, or says what this version does not know.
    """
    try:
        document = decode(text)
        task = ScheduledTask(
            not_here,
            document["schedule"],
            name,
            document["description"],
            options=TaskOptions(**read_options(document["options"])),
        )
        return Definition(
            task=task,
            target=Target.read(document.get("target", ("task", name))),
            in_code=document["in_code"],
            left_out=tuple(document.get("left_out", ())),
        )
    except (ScheduleError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnreadableDefinition(name, str(error)) from error


def not_here(_: object, **_payload: object) -> NoReturn:
    """Stand in for a function that this process does not have."""
    raise NotRunnableHere(
        "This process knows the schedule of the task from the queue, not its function."
    )


def _no_data(option: str) -> str:
    if option == "ping":
        why = "ping holds URLs that are secrets, which are not stored; leave it out"
    else:
        why = f"{option} is code, which cannot be stored; give values"
    return f"{why}, or make it a task in code with Schedule.cron or Schedule.every"
