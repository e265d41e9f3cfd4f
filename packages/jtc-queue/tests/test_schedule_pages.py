from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jtc.queue import (
    InvalidFilter,
    RedisQueue,
    SchedulePage,
    SchedulePages,
    Scheduler,
    Schedules,
    TaskFunction,
    Worker,
    schedule_names,
    task_function_name,
)
from jtc.queue.schedule_names import _pattern
from jtc.schedule import ScheduledTask

HOUR = 3600
DAY = 24 * HOUR


async def run(ctx: dict[str, Any], **payload: Any) -> None:
    """Do nothing."""


def a_task(name: str = "report", **options: Any) -> ScheduledTask:
    return ScheduledTask(run, DAY, name, f"About {name}", **options)


@pytest.fixture
def schedules(queue: RedisQueue) -> Schedules:
    return Schedules(queue, tasks=[])


@pytest.fixture
def pages(queue: RedisQueue) -> SchedulePages:
    """As a process without code sees them."""
    return SchedulePages(queue, tasks=[])


async def add(schedules: Schedules, *names: str) -> None:
    made = await schedules.add_many(
        [{"name": name, "every": DAY, "job": "shop.Pay"} for name in names]
    )
    assert len(made) == len(names)


def names_of(page: SchedulePage) -> list[str]:
    return [row.status.name for row in page.schedules]


async def all_names(pages: SchedulePages, **wanted: Any) -> list[str]:
    """The names on all pages, one after the other."""
    names: list[str] = []
    cursor = None
    while True:
        page = await pages.page(cursor=cursor, **wanted)
        names += names_of(page)
        cursor = page.next
        if cursor is None:
            return names


@pytest.fixture
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the names as the server has them, where there are more than five."""
    monkeypatch.setattr(schedule_names, "MOST_SORTED", 5)
    monkeypatch.setattr(schedule_names, "STEP", 20)


# -- what a page shows -----------------------------------------------------------------


async def test_a_queue_without_schedules_has_an_empty_page(
    pages: SchedulePages,
) -> None:
    assert await pages.page() == SchedulePage([], None, 0, 0)
    assert await pages.row("report") is None


async def test_a_page_shows_schedules_as_they_stand(
    queue: RedisQueue, schedules: Schedules
) -> None:
    # Given one in code, one that was made at run time and one that is switched off
    await Scheduler(queue, [a_task("b.code")]).sync()
    await add(schedules, "a.made")
    await schedules.pause("a.made", note="moving house")
    # When
    off_task = a_task("c.off", enabled=False)
    page = await SchedulePages(queue, tasks=[off_task]).page()
    # Then
    listed = await Schedules(queue, tasks=[off_task]).list()
    assert [row.status for row in page.schedules] == listed
    made, code, off = [row.status for row in page.schedules]
    assert (made.in_code, code.in_code) == (False, True)
    assert made.paused is not None
    assert made.paused.note == "moving house"
    assert code.next_due is not None
    assert off.next_due is None
    assert (page.next, page.total) == (None, 3)


async def test_a_task_that_no_worker_has_named_is_shown_too(queue: RedisQueue) -> None:
    pages = SchedulePages(queue, tasks=[a_task("mine")])
    (row,) = (await pages.page()).schedules
    assert (row.status.name, row.strip) == ("mine", ())
    assert row.status.next_due is not None


async def test_the_strip_shows_what_became_of_the_latest_ticks(
    queue: RedisQueue, schedules: Schedules, pages: SchedulePages
) -> None:
    # Given a task that goes well twice, and then does not
    async def work(ctx: dict[str, Any]) -> None:
        if not outcomes.pop(0):
            raise ValueError("no luck")

    outcomes = [True, True, False]
    task = ScheduledTask(work, DAY, "report")
    await Scheduler(queue, [task]).sync()
    functions = [(task_function_name(task), TaskFunction(task))]
    for _ in range(3):
        await schedules.trigger("report")
        await Worker(queue, functions, burst=True).start()
    # When
    row = await pages.row("report")
    # Then
    assert row is not None
    assert [record.outcome for record in row.strip] == ["manual"] * 3
    assert [record.error for record in row.strip] == [
        "ValueError: no luck",
        None,
        None,
    ]
    assert row.status.last == row.strip[0]
    assert list(row.strip) == list(await schedules.history("report"))
    assert (await pages.page()).schedules == [row]


async def test_the_strip_has_thirty_records(
    queue: RedisQueue, schedules: Schedules, pages: SchedulePages
) -> None:
    await add(schedules, "report")
    start = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    for n in range(40):
        line = f'{{"tick":{start.timestamp() + n},"outcome":"ran","at":{n + 1}}}'
        history = f"{queue.keys.history}report"
        await queue.redis.lpush(history, line)  # type: ignore[misc]
    (row,) = (await pages.page()).schedules
    ages = [record.at.timestamp() for record in row.strip]
    assert ages == [float(n) for n in range(40, 10, -1)]


async def test_what_this_version_cannot_read_is_left_out(
    queue: RedisQueue, schedules: Schedules, pages: SchedulePages
) -> None:
    await add(schedules, "a", "b")
    await queue.redis.hset(queue.keys.definitions, "a", "odd")  # type: ignore[misc]
    page = await pages.page()
    assert (names_of(page), page.total) == (["b"], 2)
    assert await pages.row("a") is None


# -- paging and searching --------------------------------------------------------------


async def test_schedules_come_in_the_order_of_their_names(
    schedules: Schedules, pages: SchedulePages
) -> None:
    await add(schedules, *"dacb")
    page = await pages.page(size=3)
    assert (names_of(page), page.total) == ([*"abc"], 4)
    assert names_of(await pages.page(size=3, cursor=page.next)) == ["d"]
    # And one that is made or removed meanwhile changes nothing about the others
    await schedules.remove("c")
    await add(schedules, "aa")
    assert names_of(await pages.page(size=3, cursor=page.next)) == ["d"]


NAMES = [
    "report.eu",
    "report.us",
    "Cleanup",
    "cleanup.old",
    "a*b",
    "a[b]c",
    "x\\y",
    "ü",
]
SEARCHES = [
    ("report", ["report.eu", "report.us"]),
    ("REPORT.E", ["report.eu"]),
    ("clean", ["Cleanup", "cleanup.old"]),
    ("*", ["a*b"]),
    ("a?b", []),
    ("[b]", ["a[b]c"]),
    ("[", ["a[b]c"]),
    ("\\", ["x\\y"]),
    ("ü", ["ü"]),
    ("nothing", []),
    ("", sorted(NAMES)),
]


@pytest.mark.parametrize(("text", "found"), SEARCHES)
@pytest.mark.parametrize("size", [1, 50])
async def test_schedules_are_found_by_a_part_of_their_names(
    schedules: Schedules, pages: SchedulePages, text: str, found: list[str], size: int
) -> None:
    await add(schedules, *NAMES)
    assert await all_names(pages, text=text, size=size) == found


@pytest.mark.usefixtures("few_are_many")
@pytest.mark.parametrize(("text", "found"), SEARCHES)
@pytest.mark.parametrize("size", [1, 3, 50])
async def test_where_there_are_many_the_same_are_found(
    schedules: Schedules, pages: SchedulePages, text: str, found: list[str], size: int
) -> None:
    await add(schedules, *NAMES)
    assert sorted(set(await all_names(pages, text=text, size=size))) == found


@pytest.mark.usefixtures("few_are_many")
@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("text", ["", "s1"])
async def test_of_many_schedules_each_is_on_one_page(
    schedules: Schedules, pages: SchedulePages, size: int, text: str
) -> None:
    names = [f"s{n}" for n in range(150)]
    await add(schedules, *names)
    found = set(await all_names(pages, text=text, size=size))
    assert found == {name for name in names if text in name}
    assert (await pages.page()).total == 150


@pytest.mark.usefixtures("few_are_many")
async def test_where_there_are_many_a_page_looks_at_so_many_names(
    schedules: Schedules, pages: SchedulePages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule_names, "WINDOW", 40)
    await add(schedules, *(f"s{n}" for n in range(150)), "rare")
    page = await pages.page(text="nothing")
    assert (page.schedules, page.looked_at) == ([], 40)
    assert page.next is not None
    assert await all_names(pages, text="rare") == ["rare"]


@pytest.mark.usefixtures("few_are_many")
async def test_what_no_worker_has_named_is_on_the_first_page_of_many(
    queue: RedisQueue, schedules: Schedules
) -> None:
    await add(schedules, *(f"s{n}" for n in range(20)))
    await Scheduler(queue, [named := a_task("named")]).sync()
    pages = SchedulePages(queue, tasks=[named, a_task("new"), a_task("newer")])
    assert names_of(await pages.page(size=2)) == ["new", "newer"]
    for size in (1, 2, 9, 100):
        every = {f"s{n}" for n in range(20)} | {"named", "new", "newer"}
        assert set(await all_names(pages, size=size)) == every
    assert await all_names(pages, text="new") == ["new", "newer"]


async def test_a_cursor_of_the_other_kind_begins_anew(
    schedules: Schedules, pages: SchedulePages, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(schedules, *"abcdefgh")
    cursor = (await pages.page(size=3)).next
    monkeypatch.setattr(schedule_names, "MOST_SORTED", 5)
    assert len((await pages.page(size=100, cursor=cursor)).schedules) == 8
    cursor = (await pages.page(size=1)).next
    assert cursor is not None
    monkeypatch.setattr(schedule_names, "MOST_SORTED", 50)
    assert len((await pages.page(size=100, cursor=cursor)).schedules) == 8


@pytest.mark.parametrize("cursor", ["", "a", "=", "#", "#x", "#-1", "#1.0"])
async def test_a_cursor_that_is_none_is_refused(
    pages: SchedulePages, cursor: str
) -> None:
    with pytest.raises(InvalidFilter, match="cursor="):
        await pages.page(cursor=cursor)


@pytest.mark.parametrize("size", [0, 501])
async def test_a_size_that_is_none_is_refused(pages: SchedulePages, size: int) -> None:
    with pytest.raises(InvalidFilter, match="size="):
        await pages.page(size=size)


@given(st.text(alphabet="aZ*?[]^-\\é", max_size=6))
def test_every_letter_of_a_text_stands_for_itself(text: str) -> None:
    assert _pattern(text).count("\\") == 2 * text.count("\\") + sum(
        map(text.count, "*?[]^-")
    )


async def test_a_page_of_many_costs_no_more_commands(
    queue: RedisQueue, schedules: Schedules, pages: SchedulePages
) -> None:
    costs = []
    for count in (50, 450):
        await add(schedules, *(f"s{count}.{n}" for n in range(count)))
        await pages.page()
        await queue.redis.config_resetstat()
        await pages.page()
        stats = await queue.redis.info("commandstats")
        costs.append(sum(one["calls"] for one in stats.values()))
    assert costs[0] == costs[1]
