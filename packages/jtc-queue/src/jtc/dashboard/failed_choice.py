from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from jtc.dashboard.errors import NotUnderstood
from jtc.dashboard.form import Form
from jtc.queue import FailedPages, RedisQueue

AGES = {"1h": "the last hour", "1d": "the last day", "7d": "the last 7 days"}
_SECONDS = {"1h": 3600, "1d": 86_400, "7d": 7 * 86_400}
NONE = "-"
"""What stands for no exception, or no class, in the name of a group."""


@dataclass(frozen=True, slots=True)
class FailedChoice:
    """Which failed jobs somebody chose to see.

    Attributes:
        text: What occurs in their id, class, exception or message.
        job_class: The class or its last part.
        exception: The exception or its last part.
        age: A key of `AGES`.
        group: Name and exception of the group, `NONE` where it has none.
    """

    text: str | None = None
    job_class: str | None = None
    exception: str | None = None
    age: str | None = None
    group: tuple[str, str] | None = None

    @property
    def is_all(self) -> bool:
        """Whether it leaves out nothing."""
        return self == FailedChoice()

    def as_query(self) -> Mapping[str, str | None]:
        """Return it as the fields that `read_choice` reads."""
        name, exception = self.group or (None, None)
        return {
            "text": self.text,
            "class": self.job_class,
            "exception": self.exception,
            "age": self.age,
            "group_exception": exception,
            "group_name": name,
        }

    @property
    def group_key(self) -> tuple[str | None, str | None] | None:
        """The group as `FailedGroup.key` has it; None when none was chosen."""
        if self.group is None:
            return None
        name, exception = self.group
        return _given(name), _given(exception)

    def as_filter(self, *, now: datetime) -> dict[str, Any]:
        """Return all of it but the group, as `FailedPages.groups` takes it."""
        found: dict[str, Any] = {
            "text": self.text,
            "job_class": self.job_class,
            "exception": self.exception,
        }
        if self.age is not None:
            found["since"] = now - timedelta(seconds=_SECONDS[self.age])
        return found


def read_choice(form: Form) -> FailedChoice:
    """Read which failed jobs are meant.

    Raises:
        NotUnderstood: The age is none that can be chosen.
    """
    age = form.get("age")
    if age is not None and age not in AGES:
        raise NotUnderstood(f"{age!r} is no age: choose one of {', '.join(AGES)}.")
    name, exception = form.get("group_name"), form.get("group_exception")
    return FailedChoice(
        text=form.get("text"),
        job_class=form.get("class"),
        exception=form.get("exception"),
        age=age,
        group=(name, exception) if name and exception else None,
    )


async def count_matching(queue: RedisQueue, choice: FailedChoice) -> int:
    """Return how many failed jobs are meant."""
    groups = await FailedPages(queue).groups(**choice.as_filter(now=datetime.now(UTC)))
    wanted = choice.group_key
    return sum(one.count for one in groups if wanted is None or one.key == wanted)


def _given(word: str) -> str | None:
    return None if word == NONE else word
