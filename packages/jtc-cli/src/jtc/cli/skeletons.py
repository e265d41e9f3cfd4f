from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from string import Template

from jtc.cli.errors import NotAName

# Where a word ends: at what is no letter or digit, and before a capital.
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[_ -][A-Za-z0-9]+)*")
# What the skeletons import: a definition of that name would take its place.
_TAKEN = frozenset({"job", "schedule", "any", "asyncio"})


@dataclass(frozen=True, slots=True)
class Names:
    """What one thing is called where.

    Attributes:
        module: As a module or a function is called, `send_invoice`.
        title: As a class is called, `SendInvoice`.
    """

    module: str
    title: str


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The text of a new module and of its test.

    Attributes:
        source: The module, with `$module` and `$title`.
        test: Its test, with `$path` for where the module is imported from as well.
    """

    source: str
    test: str

    def fill(self, names: Names, *, path: str) -> tuple[str, str]:
        """Return module and test for a thing of those names."""
        words = {"module": names.module, "title": names.title, "path": path}
        module, test = (Template(text) for text in (self.source, self.test))
        return module.substitute(words), test.substitute(words)


def read_names(text: str) -> Names:
    """Return the names that a word stands for.

    Raises:
        NotAName: Python cannot use it.

    Example:
        >>> read_names("send-invoice")
        Names(module='send_invoice', title='SendInvoice')
        >>> read_names("HTTPCheck2").module
        'http_check_2'
    """
    if not _NAME.fullmatch(text):
        raise NotAName(text, "use letters, digits and '_', a letter first")
    words = [word.lower() for word in _WORD.findall(text)]
    module, title = "_".join(words), "".join(word.capitalize() for word in words)
    if keyword.iskeyword(module) or keyword.iskeyword(title):
        raise NotAName(text, "it is a word of the language")
    if module in _TAKEN:
        raise NotAName(text, "the skeleton imports something of that name")
    if words[0] == "test":
        raise NotAName(text, "modules of that name are taken for tests")
    # As it was written, where that is a name already.
    return Names(module, text if text[0].isupper() and text.isalnum() else title)


JOB = Skeleton(
    source='''\
from __future__ import annotations

from jtc.jobs import Job


class $title(Job, tries=3, backoff=10):
    """Say in one line what a job of this class does."""

    # What one job has to know. Each value has to have a form in JSON.
    record_id: int

    async def handle(self) -> dict[str, int]:
        """Do the work; what it returns is the result of the job."""
        return {"record_id": self.record_id}
''',
    test="""\
from __future__ import annotations

import asyncio

import pytest
from jtc.jobs import InvalidPayload

from $path import $title


def test_${module}_does_its_work() -> None:
    result = asyncio.run($title.dispatch_sync(record_id=7))

    assert result == {"record_id": 7}


def test_${module}_refuses_a_payload_that_is_none() -> None:
    with pytest.raises(InvalidPayload):
        asyncio.run($title.dispatch_sync(record_id="seven"))
""",
)

TASK = Skeleton(
    source='''\
from __future__ import annotations

from typing import Any

from jtc.schedule import Schedule


@Schedule.cron("0 3 * * *", timezone="UTC")
async def $module(ctx: dict[str, Any]) -> str:
    """Say in one line what this task does: jtc queue list shows it."""
    # The nominal time is the same for every attempt at a tick.
    day = ctx["tick"].nominal.date()
    return f"$module for {day}"
''',
    test="""\
from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from jtc.queue import Tick, next_tick
from jtc.schedule import ScheduleRegistry

from $path import $module

NIGHT = datetime(2026, 3, 1, 3, tzinfo=UTC)


def test_${module}_is_due_at_night() -> None:
    task = ScheduleRegistry.get_task("$module")

    assert task is not None
    assert next_tick(task, datetime(2026, 3, 1, tzinfo=UTC)) == NIGHT


def test_${module}_does_its_work() -> None:
    tick = Tick("$module", NIGHT, late_by=0.0)

    assert asyncio.run($module({"tick": tick})) == "$module for 2026-03-01"
""",
)
