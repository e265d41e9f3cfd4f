from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from jtc.jobs import Exponential, InvalidPayload, Job, NotAJob
from jtc.queue import InvalidSchedule, RedisQueue, Scheduler, Schedules

WorkOff = Callable[[RedisQueue], Awaitable[None]]
sent: list[tuple[int, bool]] = []


async def make_due(queue: RedisQueue, name: str) -> None:
    redis: Any = queue.redis
    second, _ = await redis.time()
    await redis.zadd(queue.keys.due, {f"*:{name}": second // 3600 * 3600})


async def test_a_schedule_runs_a_job_with_its_payload(
    queue: RedisQueue, work_off: WorkOff
) -> None:
    class SendInvoice(Job, timeout=9.5, tries=3, backoff=Exponential(2)):
        order: int
        is_copy: bool = False

        async def handle(self) -> None:
            sent.append((self.order, self.is_copy))

    # Given
    sent.clear()
    schedules = Schedules(queue, [])
    await schedules.add("tenant", every=3600, job=SendInvoice, payload={"order": 7})
    # Then it says how the class runs
    status = await schedules.get("tenant")
    assert status is not None
    assert (status.target.kind, status.target.name) == ("job", SendInvoice.__jtc__.name)
    options = status.options
    assert (options.timeout, options.tries) == (9.5, 3)
    assert options.backoff == Exponential(2)
    # When it is due
    scheduler = Scheduler(queue, [])
    await make_due(queue, "tenant")
    await scheduler.step()
    await scheduler.step()
    await work_off(queue)
    # Then the job has run, and the schedule has a record of it
    assert sent == [(7, False)]
    (record,) = await schedules.history("tenant")
    assert (record.outcome in ("ran", "caught_up"), record.error) == (True, None)


async def test_a_payload_that_the_class_refuses_is_refused(queue: RedisQueue) -> None:
    class Greet(Job):
        who: str

        def handle(self) -> None: ...

    schedules = Schedules(queue, [])
    wrong: list[dict[str, Any]] = [{}, {"who": 7}, {"who": "a", "whom": "b"}]
    for payload in wrong:
        with pytest.raises(InvalidPayload):
            await schedules.add("tenant", every=60, job=Greet, payload=payload)
    with pytest.raises(InvalidPayload):
        await schedules.add("tenant", every=60, job=Greet)
    assert await schedules.list() == []
    # And of a change
    await schedules.add("tenant", every=60, job=Greet, payload={"who": "a"})
    with pytest.raises(InvalidPayload):
        await schedules.update("tenant", job=Greet, payload={"who": 7})


async def test_a_class_that_cannot_run_is_refused(queue: RedisQueue) -> None:
    class Unfinished(Job):
        @abstractmethod
        def handle(self) -> None: ...

    with pytest.raises(NotAJob, match="does not define handle"):
        await Schedules(queue, []).add("tenant", every=60, job=Unfinished)


async def test_a_class_of_another_queue_is_scheduled_there(
    queue: RedisQueue,
) -> None:
    class SendMail(Job, queue="mail"):
        def handle(self) -> None: ...

    schedules = Schedules(queue, [])
    with pytest.raises(InvalidSchedule, match="run in queue 'mail'"):
        await schedules.add("tenant", every=60, job=SendMail)
    await schedules.add("tenant", every=60, job=SendMail, queue=queue.name)
    await Schedules(RedisQueue(queue.redis, "mail"), []).add(
        "tenant", every=60, job=SendMail
    )
    assert len(await schedules.list()) == 1


async def test_a_class_is_found_by_the_name_that_it_has_in_the_queue(
    queue: RedisQueue,
) -> None:
    class Renamed(Job, name="invoices.send"):
        def handle(self) -> None: ...

    schedules = Schedules(queue, [])
    await schedules.add("tenant", every=60, job=Renamed)
    status = await schedules.get("tenant")
    assert status is not None
    assert status.target.name == "invoices.send"
