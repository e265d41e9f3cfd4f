from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import new_class

import pytest

from jtc.jobs import (
    DuplicateJobName,
    InvalidOption,
    Job,
    JobClassNotFound,
    JobModuleNotFound,
    known_jobs,
)
from jtc.jobs.finding import find_job_class
from jtc.queue import RedisQueue

WorkOff = Callable[[RedisQueue], Awaitable[None]]


@pytest.mark.parametrize("former", ["send-invoice", "gone.for.ever.SendInvoice"])
async def test_a_job_that_waits_under_a_former_name_runs(
    queue: RedisQueue, work_off: WorkOff, former: str
) -> None:
    # Given a job of a class that is renamed, and moved, while it waits
    ran: list[int] = []

    with known_jobs.scoped():

        class Former(Job, name=former):
            order_id: int

            async def handle(self) -> None: ...

        handle = await Former.dispatch(order_id=7)

    class SendInvoice(Job, name="invoice.send", aliases=["x", former]):
        order_id: int

        async def handle(self) -> None:
            ran.append(self.order_id)

    # When a worker gets it
    await work_off(queue)

    # Then it is the class's own
    assert await handle.status() == "complete"
    assert ran == [7]


def test_a_class_that_moved_is_found_by_importing_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "new_home.py").write_text(
        "from __future__ import annotations\n"
        "from jtc.jobs import Job\n"
        "class Moved(Job, aliases=['old_home.Former']):\n"
        "    def handle(self): ...\n"
    )
    (tmp_path / "old_home.py").write_text("import new_home\n")

    found = find_job_class("old_home.Former")

    assert found is sys.modules["new_home"].Moved


def test_a_former_name_is_not_inherited() -> None:
    class Base(Job, aliases=("base-of-old",)):
        async def handle(self) -> None: ...

    class Derived(Base): ...

    assert Derived.__jtc__.options.aliases == ()
    assert find_job_class("base-of-old") is Base


@pytest.mark.parametrize("taken", ["its-name", "its-alias"])
def test_a_former_name_belongs_to_one_class_only(taken: str) -> None:
    class First(Job, name="its-name", aliases=["its-alias"]):
        async def handle(self) -> None: ...

    with pytest.raises(DuplicateJobName, match=f"'{taken}' belongs to .*First"):

        class Second(Job, name="another", aliases=[taken]):
            async def handle(self) -> None: ...

    with pytest.raises(DuplicateJobName, match=f"'{taken}' belongs to .*First"):

        class Third(Job, name=taken):
            async def handle(self) -> None: ...

    assert known_jobs.get("another") is None
    assert find_job_class(taken) is First


def test_the_path_of_another_class_is_no_former_name() -> None:
    body = {"__module__": "app.jobs", "__qualname__": "First"}
    first: type[Job] = new_class("First", (Job,), {}, lambda made: made.update(body))

    with pytest.raises(DuplicateJobName):

        class Second(Job, aliases=[first.__jtc__.path]):
            async def handle(self) -> None: ...


def test_a_former_name_that_is_dropped_is_free_again() -> None:
    def define(*aliases: str) -> type[Job]:
        class Reloaded(Job, aliases=aliases):
            async def handle(self) -> None: ...

        return Reloaded

    define("first", "second")
    latter = define("second")

    assert known_jobs.get("second") is latter
    assert known_jobs.get("first") is None


def test_a_former_name_is_listed_once_under_the_present_one() -> None:
    class Present(Job, name="present", aliases=["past"]):
        async def handle(self) -> None: ...

    assert known_jobs.get_all()["present"] is Present
    assert "past" not in known_jobs.get_all()


def test_a_name_that_nobody_has_any_more_is_another_workers() -> None:
    with pytest.raises(JobModuleNotFound, match=r"gone\.for\.ever"):
        find_job_class("gone.for.ever.SendInvoice")
    with pytest.raises(JobClassNotFound, match="past"):
        find_job_class("past")


@pytest.mark.parametrize("aliases", ["past", [""], [None], ["a b"], [7]])
def test_former_names_are_a_list_of_names(aliases: object) -> None:
    with pytest.raises(InvalidOption, match=r"class Wrong: aliases=.*a list of former"):
        new_class("Wrong", (Job,), {"aliases": aliases})
