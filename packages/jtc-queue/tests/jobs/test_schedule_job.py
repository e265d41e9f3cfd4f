from __future__ import annotations

import datetime as dt
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
import saq
from hypothesis import given
from hypothesis import strategies as st

from jtc import schedule
from jtc.jobs import (
    Exponential,
    InvalidPayload,
    Job,
    NotAJob,
    Schedule,
    default_container,
    set_container,
)
from jtc.jobs.job_function import JobFunction
from jtc.queue import RedisQueue, Worker, task_function_name
from jtc.queue.errors import InvalidQueueName
from jtc.queue.keys import QueueKeys
from jtc.schedule import (
    DuplicateTask,
    InvalidTask,
    InvalidTaskOption,
    ScheduledTask,
    ScheduleRegistry,
    ScheduleWarning,
    run_task_by_name,
)


@pytest.fixture(autouse=True)
def empty_registry() -> Iterator[None]:
    with ScheduleRegistry.scoped():
        yield


class Mailer:
    def send(self, text: str) -> str:
        return f"sent: {text}"


class SendDigest(Job):
    """Mail what is new.

    Not part of the description.
    """

    region: str
    day: dt.date | None = None

    def __init__(self, mailer: Mailer) -> None:
        self.mailer = mailer

    async def handle(self) -> str:
        return self.mailer.send(f"digest of {self.region}")


class CleanUp(
    Job, queue="night", timeout=1800, tries=3, backoff=Exponential(2), name="clean-up"
):
    async def handle(self) -> None: ...


class Unfinished(Job):
    pass


def test_a_sentence_registers_the_job_as_a_task() -> None:
    task = Schedule.job(SendDigest, payload={"region": "eu"}).daily(at="02:00")

    assert ScheduleRegistry.get_all() == [task]
    assert (task.name, task.description) == ("SendDigest", "Mail what is new.")
    assert (task.schedule, task.options.payload) == ("0 2 * * *", {"region": "eu"})


def test_every_way_to_say_when_is_there_for_a_job() -> None:
    said = [
        Schedule.job(CleanUp, name="a").cron("*/5 * * * *", timezone="Asia/Tokyo"),
        Schedule.job(CleanUp, name="b").every(hours=1),
        Schedule.job(CleanUp, name="c").weekly(on="sun", at="08:00"),
        Schedule.job(CleanUp, name="d").last_day_of_month(),
    ]

    assert [task.schedule for task in said] == [
        "*/5 * * * *",
        3600,
        "0 8 * * SUN",
        "0 0 L * *",
    ]
    assert said[0].timezone == "Asia/Tokyo"


def test_the_schedule_of_jobs_declares_functions_as_well() -> None:
    @Schedule.daily(at="13:00")
    async def report(ctx: Any) -> None: ...

    assert ScheduleRegistry.get_task("report") is not None
    names = {name for name in dir(schedule.Schedule) if not name.startswith("_")}
    assert {name for name in dir(Schedule) if not name.startswith("_")} == {
        *names,
        "job",
    }


def test_the_nearer_name_and_description_win() -> None:
    of_class = Schedule.job(CleanUp).daily()
    of_job = Schedule.job(CleanUp, name="x", description="Of x").daily()
    of_both = Schedule.job(CleanUp, name="x").daily(name="y", description="Of y")

    assert (of_class.name, of_class.description) == ("clean-up", "")
    assert (of_job.name, of_job.description) == ("x", "Of x")
    assert (of_both.name, of_both.description) == ("y", "Of y")


def test_the_options_of_the_class_are_the_defaults() -> None:
    options = Schedule.job(CleanUp).daily().options

    assert (options.queue, options.timeout, options.tries) == ("night", 1800, 3)
    assert options.backoff == Exponential(2)
    assert options.payload is None


def test_what_is_nearer_than_the_class_wins() -> None:
    with Schedule.group(queue="group", tries=5):
        task = Schedule.job(CleanUp).daily(tries=6)

    assert (task.options.queue, task.options.tries) == ("group", 6)
    assert task.options.timeout == 1800


def test_the_payload_of_the_sentence_then_of_the_job_then_of_the_group_is_taken() -> (
    None
):
    with Schedule.group(payload={"region": "group"}):
        group = Schedule.job(SendDigest, name="a").daily()
        job = Schedule.job(SendDigest, payload={"region": "job"}, name="b")
        written = {"region": "sentence"}

        tasks = [group, job.daily(), job.daily(name="c", payload=written)]

    regions = [(task.options.payload or {})["region"] for task in tasks]
    assert regions == ["group", "job", "sentence"]


def test_a_payload_is_kept_as_the_class_writes_it() -> None:
    payload = {"region": "eu", "day": dt.date(2026, 3, 1)}

    task = Schedule.job(SendDigest, payload=payload).daily()

    assert task.options.payload == {"region": "eu", "day": "2026-03-01"}


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (None, "region"),
        ({}, "region"),
        ({"region": 5}, "region"),
        ({"region": "eu", "dya": None}, "dya"),
    ],
)
def test_a_payload_that_the_class_refuses_is_refused_at_import(
    payload: dict[str, Any] | None, words: str
) -> None:
    with pytest.raises(InvalidPayload, match=words):
        Schedule.job(SendDigest, payload=payload).daily()

    assert ScheduleRegistry.get_all() == []


@pytest.mark.parametrize("value", [Mailer, len, "SendDigest", None, Unfinished, Job])
def test_what_cannot_run_as_a_job_is_refused(value: Any) -> None:
    with pytest.raises(NotAJob):
        Schedule.job(value)


def test_what_is_wrong_with_the_sentence_is_refused() -> None:
    clean_up = Schedule.job(CleanUp)

    with pytest.raises(InvalidTaskOption):
        clean_up.daily(at="25:00")
    with pytest.raises(InvalidTask):
        clean_up.daily(name="")
    with pytest.raises(InvalidTaskOption):
        clean_up.every(60, dst="skip")
    with (
        pytest.warns(ScheduleWarning, match="may take 1800 s") as caught,
    ):
        clean_up.every(60)
    assert caught[0].filename == __file__


def test_a_job_that_is_scheduled_twice_needs_a_second_name() -> None:
    Schedule.job(CleanUp).daily()

    with pytest.raises(DuplicateTask, match=r"CleanUp.handle, .*test_schedule_job.py"):
        Schedule.job(CleanUp).hourly()


def test_a_task_that_runs_a_job_is_a_value() -> None:
    task = Schedule.job(CleanUp).daily()

    assert task == ScheduledTask(
        JobFunction(CleanUp), "0 0 * * *", "clean-up", "", options=task.options
    )
    assert pickle.loads(pickle.dumps(task)) == task
    assert hash(task)


async def test_a_run_makes_the_job_with_its_services_and_its_payload() -> None:
    set_container(default_container())
    Schedule.job(SendDigest, payload={"region": "eu"}).daily()

    assert await run_task_by_name("SendDigest") == "sent: digest of eu"


class Flaky(Job, tries=3, retry_on=LookupError):
    attempts: int = 0
    kind: str = "lookup"

    async def handle(self) -> str:
        seen.append(self.kind)
        if len(seen) == 1:
            raise LookupError if self.kind == "lookup" else ValueError
        return "done"

    async def failed(self, exception: Exception) -> None:
        seen.append("failed")


seen: list[str] = []


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("lookup", ["lookup", "lookup"]), ("value", ["value", "failed"])],
)
async def test_a_run_is_tried_again_as_the_class_says(
    queue: RedisQueue, kind: str, expected: list[str]
) -> None:
    # Given
    seen.clear()
    set_container(default_container())
    task = Schedule.job(Flaky, payload={"kind": kind}).daily()
    function = task_function_name(task)
    options = task.options
    await queue.enqueue(
        saq.Job(
            function, kwargs=dict(options.payload or {}), retries=options.tries, ttl=60
        )
    )

    # When
    await Worker(queue, [(function, task.func)], burst=True).start()

    # Then
    assert seen == expected


@given(st.text(max_size=3) | st.from_regex(r"[\w.:{}-]{0,101}", fullmatch=True))
def test_a_task_may_name_the_queues_that_there_can_be(name: str) -> None:
    try:
        QueueKeys(name)
    except InvalidQueueName:
        with pytest.raises(InvalidTaskOption):
            ScheduledTask(print, 60, queue=name)
    else:
        assert ScheduledTask(print, 60, queue=name).options.queue == name
