from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pydantic import BaseModel

from jtc.jobs import (
    Discard,
    Fail,
    InvalidDeclaration,
    InvalidPayload,
    Job,
    JobManager,
    Release,
    Retry,
    Secret,
    default_container,
    runner,
    set_container,
)
from jtc.jobs.declaration import DeclaredField
from jtc.queue import (
    FailedJobs,
    JsonFormatter,
    QueueMonitor,
    RedisQueue,
    Scheduler,
    Schedules,
    TaskFunction,
    Worker,
    task_function_name,
)
from jtc.schedule import ScheduledTask

TOKEN = "s3cret/token+1"

pytestmark = pytest.mark.usefixtures("new_process")


@dataclasses.dataclass
class Card:
    holder: str
    number: Secret[str]


class Account(BaseModel):
    user: str
    password: Secret[str]


@pytest.fixture
def worker(queue: RedisQueue) -> Worker:
    set_container(default_container())
    return Worker(queue, [runner], burst=True)


@pytest.fixture
async def _manager(redis_url: str) -> Any:
    JobManager.initialize(redis_url)
    yield
    await JobManager.close()


@pytest.fixture
def told() -> Iterator[list[str]]:
    """What is logged, as text and as JSON."""

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(logging.Formatter().format(record))
            lines.append(as_json.format(record))

    lines: list[str] = []
    as_json, keeper, root = JsonFormatter(), Keeper(), logging.getLogger()
    level = root.level
    root.addHandler(keeper)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(keeper)
    root.setLevel(level)


async def shown_of(queue: RedisQueue, key: str) -> str:
    """Return all that the public API shows of a job."""
    failed = await FailedJobs(queue).get(key)
    record = await QueueMonitor(queue).job(key)
    assert record is not None
    return repr((failed, record, record.payload))


@pytest.mark.usefixtures("_manager")
async def test_the_queue_has_a_secret_and_nobody_is_shown_it(
    queue: RedisQueue,
) -> None:
    class Sync(Job):
        region: str
        token: Secret[str]

        async def handle(self) -> None: ...

    # When a job with a secret waits
    handle = await Sync.dispatch(region="eu", token=TOKEN)

    # Then Redis holds it, with the mark
    document = json.loads(await queue.redis.get(queue.job_id(handle.id)))
    assert document["kwargs"]["payload"] == {"region": "eu", "token": TOKEN}
    assert document["meta"]["secret"] == ["token"]

    # And it is masked for who looks
    record = await QueueMonitor(queue).job(handle.id)
    assert record is not None
    assert record.payload == {"region": "eu", "token": "***"}


def fails_plainly(token: str) -> None:
    raise PermissionError(f"{token!r} was refused")


def fails_with_a_cause(token: str) -> None:
    try:
        {"other": 1}[token]
    except KeyError as error:
        error.add_note(f"token={token}")
        raise Fail(f"no door for {token}") from error


def asks_for_another_try(token: str) -> None:
    raise Retry(f"{token} is busy", after=3600)


def gives_back(token: str) -> None:
    raise Release(f"{token} is busy", after=3600)


def gives_up(token: str) -> None:
    raise Discard(f"{token} is gone")


def fails_in_a_group(token: str) -> None:
    raise ExceptionGroup("many", [ValueError(token), OSError(f"<{token}>")])


ENDINGS = [
    fails_plainly,
    fails_with_a_cause,
    asks_for_another_try,
    gives_back,
    gives_up,
    fails_in_a_group,
]


@pytest.mark.parametrize("end", ENDINGS, ids=lambda end: end.__name__)
@pytest.mark.usefixtures("_manager")
async def test_no_ending_shows_a_secret(
    queue: RedisQueue, worker: Worker, told: list[str], end: Any
) -> None:
    # Given a job that speaks of its secret wherever it can
    class Sync(Job, tries=2, backoff=3600):
        token: Secret[str]

        async def handle(self) -> None:
            logging.getLogger("shop").warning("Trying %s.", self)
            end(self.token)

        async def failed(self, exception: Exception) -> None:
            raise RuntimeError(f"and {self!r} too")

    handle = await Sync.dispatch(token=TOKEN)

    # When a worker has run it
    await worker.start()

    # Then neither the log nor what is kept of it shows the secret
    record = await QueueMonitor(queue).job(handle.id)
    assert record is not None
    assert record.state != "waiting"
    assert any("Trying Sync(token='***')" in line for line in told)
    assert not [line for line in told if TOKEN in line]
    assert TOKEN not in await shown_of(queue, handle.id)

    # And the payload is still there to be tried again
    document = json.loads(await queue.redis.get(queue.job_id(handle.id)))
    assert document["kwargs"]["payload"] == {"token": TOKEN}
    assert TOKEN not in json.dumps({k: v for k, v in document.items() if k != "kwargs"})


@pytest.mark.usefixtures("_manager")
async def test_a_failed_job_is_searched_and_tried_again_with_its_secret(
    queue: RedisQueue, worker: Worker
) -> None:
    seen: list[str] = []

    class Sync(Job, tries=1):
        token: Secret[str]

        async def handle(self) -> None:
            seen.append(self.token)
            raise PermissionError(f"{self.token!r} was refused")

    handle = await Sync.dispatch(token=TOKEN)
    await worker.start()

    failed = await FailedJobs(queue).get(handle.id)
    assert failed is not None
    assert failed.payload == {"token": "***"}
    assert failed.message == "'***' was refused"
    assert failed.exception == "PermissionError"
    assert "PermissionError: '***' was refused" in failed.traceback
    assert "in handle" in failed.traceback

    # When it is tried again
    await FailedJobs(queue).retry(handle.id)
    await Worker(queue, [runner], burst=True).start()

    # Then it had its secret, and is masked once more
    assert seen == [TOKEN, TOKEN]
    assert TOKEN not in await shown_of(queue, handle.id)


@pytest.mark.usefixtures("_manager")
async def test_what_the_job_logs_has_its_fields_and_no_secret(
    queue: RedisQueue, worker: Worker, told: list[str]
) -> None:
    class Sync(Job):
        token: Secret[str]

        def handle(self) -> None:  # in a thread
            logging.getLogger("shop").info("Got %s.", self.token, extra={"n": 1})

    handle = await Sync.dispatch(token=TOKEN)
    await worker.start()

    (line,) = [json.loads(one) for one in told if '"logger": "shop"' in one]
    assert line["message"] == "Got ***."
    assert line["n"] == 1
    assert line["job_id"] == handle.id
    assert line["job_class"].endswith("Sync")
    assert (line["queue"], line["attempt"]) == ("default", 1)
    assert line["worker"] == worker.id


@pytest.mark.usefixtures("_manager")
async def test_the_end_of_each_attempt_is_told_with_what_it_took(
    queue: RedisQueue, worker: Worker, told: list[str]
) -> None:
    class Once(Job, tries=2, backoff=0):
        async def handle(self) -> None:
            if self.context.attempt == 1:
                raise ValueError("not yet")

    handle = await Once.dispatch()
    await worker.start()

    lines = [json.loads(one) for one in told if one.startswith('{"time"')]
    ours = [one for one in lines if one.get("job_id") == handle.id]
    ends = [one for one in ours if one["action"].startswith("attempt_")]
    assert [(one["action"], one["level"], one["attempt"]) for one in ends] == [
        ("attempt_retry", "ERROR", 1),
        ("attempt_completed", "DEBUG", 2),
    ]
    assert all(one["duration"] >= 0 and one["queue"] == "default" for one in ends)
    assert ends[0]["exception"]["type"] == "ValueError"


@pytest.mark.parametrize(
    ("declared", "given", "hidden"),
    [
        (Secret[str] | None, TOKEN, TOKEN),
        (list[Secret[str]], [TOKEN], TOKEN),
        (dict[str, Secret[str]], {"a": TOKEN}, TOKEN),
        (Secret[Card], Card("ann", TOKEN), TOKEN),
        (Card, Card("ann", TOKEN), TOKEN),
        (list[Card], [Card("ann", TOKEN)], TOKEN),
        (Account, Account(user="ann", password=TOKEN), TOKEN),
        (Secret[int], 4111222233334444, "4111222233334444"),
        (Secret[bytes], b"\x00raw key", "raw key"),
    ],
    ids=repr,
)
@pytest.mark.usefixtures("_manager")
async def test_a_field_with_a_secret_inside_is_masked_as_a_whole(
    queue: RedisQueue, worker: Worker, declared: Any, given: Any, hidden: str
) -> None:
    class Pay(Job, tries=1):
        __annotations__ = {"what": declared}

        async def handle(self) -> None:
            raise ValueError(f"not {vars(self)}")

    assert repr(Pay(what=given)) == "Pay(what='***')"
    handle = await Pay.dispatch(what=given)
    await worker.start()

    failed = await FailedJobs(queue).get(handle.id)
    assert failed is not None
    assert failed.payload == {"what": "***"}
    assert hidden not in repr(failed)
    assert "***" in failed.message


@pytest.mark.parametrize(
    "given",
    [
        {"token": 123456789},
        {"token": TOKEN.encode()},
        {"token": f"{TOKEN}\ud800"},
        {"token": "right", "pin": TOKEN},
        {"token": "right", "cards": [{"holder": TOKEN, "number": 7}]},
        {"token": "right", "account": {"user": "ann", "password": [TOKEN]}},
    ],
    ids=ascii,
)
def test_the_error_about_a_secret_does_not_show_it(given: dict[str, Any]) -> None:
    class Sync(Job):
        token: Secret[str]
        pin: Secret[int] = 1
        cards: list[Card] = []  # noqa: RUF012 - the default of a field
        account: Account | None = None

        async def handle(self) -> None: ...

    payload = Sync.__jtc__.payload
    with pytest.raises(InvalidPayload, match=list(given)[-1]) as caught:
        payload.encode(given)
    with pytest.raises(InvalidPayload) as outdated:
        dict(payload.decode({**given, "token": 123456789}))

    for error in (caught.value, outdated.value):
        texts = f"{error} {error.__cause__}"
        assert TOKEN not in texts
        assert "123456789" not in texts


@pytest.mark.parametrize(
    ("hint", "text"),
    [
        (Secret[str], "Secret[str]"),
        (dict[str, Secret[list[int]]], "dict[str, Secret[list[int]]]"),
        ("Secret[str] | None", "Secret[str] | None"),
    ],
)
def test_the_type_of_a_secret_is_told_as_it_is_written(hint: Any, text: str) -> None:
    class Sync(Job):
        async def handle(self) -> None: ...

    # An annotation is text, or a type where the module does not put it off.
    assert DeclaredField("token", hint, Sync).type_text == text


def test_a_secret_default_that_does_not_fit_is_not_shown() -> None:
    class Sync(Job):
        pin: Secret[int] = TOKEN  # type: ignore[assignment]

        async def handle(self) -> None: ...

    with pytest.raises(InvalidDeclaration) as caught:
        Sync()

    assert TOKEN not in str(caught.value)


@pytest.mark.usefixtures("_manager")
async def test_what_was_sent_without_the_mark_is_masked_once_it_runs(
    queue: RedisQueue, worker: Worker
) -> None:
    class Sync(Job, tries=1, name="sync"):
        token: Secret[str]

        async def handle(self) -> None:
            raise ValueError(self.token)

    call = {"job_class": "sync", "payload": {"token": TOKEN}}
    await queue.enqueue("runner", key="k", retries=1, **call)
    await worker.start()

    assert TOKEN not in await shown_of(queue, "k")


@pytest.mark.usefixtures("_manager")
async def test_what_is_marked_later_than_another_field_is_masked_once_it_runs(
    queue: RedisQueue, worker: Worker
) -> None:
    class Sync(Job, tries=1, name="sync"):
        pin: Secret[str]
        token: Secret[str]

        async def handle(self) -> None:
            raise ValueError(self.token)

    # Given a job of the time when only the pin was secret
    call = {"job_class": "sync", "payload": {"pin": "0815!", "token": TOKEN}}
    meta = {"secret": ["pin"]}
    await queue.enqueue("runner", key="k", retries=1, meta=meta, **call)
    await worker.start()

    shown = await shown_of(queue, "k")
    assert "0815!" not in shown
    assert TOKEN not in shown


def test_a_claimed_job_does_not_print_its_secret() -> None:
    from jtc.queue.claimed_job import ClaimedJob  # noqa: PLC0415 - the engine's own

    job = ClaimedJob(function="f", kwargs={"t": TOKEN}, meta={"secret": ["t"]})

    assert TOKEN not in repr(job)


async def test_the_payload_of_a_task_is_masked_as_its_function_says(
    queue: RedisQueue,
) -> None:
    # Given a task that was started by hand
    async def sync(ctx: Mapping[str, Any], *, region: str, token: Secret[str]) -> None:
        raise ValueError(f"{region} {token}")

    payload = {"region": "eu", "token": TOKEN}
    task = ScheduledTask(sync, "0 0 1 1 *", payload=payload, tries=1)
    await Scheduler(queue, [task]).sync()
    key = await Schedules(queue).trigger("sync")
    assert TOKEN not in await shown_of(queue, key)

    # When it has failed
    function = TaskFunction(task)
    name = task_function_name(task)
    await Worker(queue, [(name, function)], burst=True).start()

    # Then its secret is not in what is kept, nor in the history
    failed = await FailedJobs(queue).get(key)
    assert failed is not None
    assert failed.payload == {"region": "eu", "token": "***"}
    assert failed.message == "eu ***"
    history = await Schedules(queue).history("sync")
    assert [one.error for one in history] == ["ValueError: eu ***"]


@pytest.mark.parametrize("known", [True, False])
async def test_a_schedule_made_at_run_time_knows_what_is_secret(
    queue: RedisQueue, *, known: bool
) -> None:
    class Sync(Job, name="shop.sync"):
        token: Secret[str]

        async def handle(self) -> None: ...

    async def sync(ctx: Mapping[str, Any], *, token: Secret[str]) -> None: ...

    # Given schedules of a class and of a task, made where both are known
    tasks = [ScheduledTask(sync, "0 0 1 1 *", payload={"token": "none"})]
    await Scheduler(queue, tasks).sync()
    maker = Schedules(queue, tasks if known else [])
    await maker.add("of-a-job", cron="0 0 1 1 *", job=Sync, payload={"token": TOKEN})
    await maker.add(
        "of-a-task", cron="0 0 1 1 *", task="sync", payload={"token": TOKEN}
    )

    # When they are run from where they are not
    keys = [await Schedules(queue).trigger(name) for name in ("of-a-job", "of-a-task")]

    # Then their jobs are masked
    for key in keys:
        record = await QueueMonitor(queue).job(key)
        assert record is not None
        assert record.payload == {"token": "***"}
