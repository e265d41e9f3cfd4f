from __future__ import annotations

from typing import Any

from opentelemetry.trace import StatusCode

from jtc.queue import Schedules, TaskFunction, task_function_name
from jtc.schedule import ScheduledTask


async def run(ctx: dict[str, Any]) -> None: ...


async def fail(ctx: dict[str, Any]) -> None:
    raise ConnectionError("no route")


async def work(ticking: Any, task: ScheduledTask, work_off: Any) -> None:
    await work_off(ticking.queue, (task_function_name(task), TaskFunction(task)))


async def test_a_tick_begins_a_trace_and_says_which_it_is(
    ticking: Any, spans: Any, work_off: Any
) -> None:
    task = ticking.task(run)
    await ticking.fire(task, 0)
    with spans.request():
        await work(ticking, task, work_off)

    ran = spans.one("process task:report")
    assert (spans.parent(ran), spans.links(ran)) == (None, [])
    said = {k: v for k, v in ran.attributes.items() if k.startswith("jtc.tick")}
    assert said == {
        "jtc.tick.name": "report",
        "jtc.tick.nominal": "2026-03-01T09:00:00+00:00",
        "jtc.tick.kind": "ran",
    }
    assert spans.all("send shop") == []


async def test_the_retry_of_a_tick_begins_a_trace_too(
    ticking: Any, spans: Any, work_off: Any
) -> None:
    task = ticking.task(fail, tries=2, backoff=0)
    await ticking.fire(task, 0)
    await work(ticking, task, work_off)

    tried = spans.all("process task:report")
    assert [spans.parent(span) for span in tried] == [None, None]
    assert len({span.context.trace_id for span in tried}) == 2
    outcomes = [span.attributes["jtc.outcome"] for span in tried]
    assert outcomes == ["retried", "failed"]


async def test_a_tick_that_a_condition_skips_is_no_error(
    ticking: Any, spans: Any, work_off: Any
) -> None:
    task = ticking.task(run, when=lambda: False)
    await ticking.fire(task, 0)
    await work(ticking, task, work_off)

    ran = spans.one("process task:report")
    assert ran.attributes["jtc.outcome"] == "skipped"
    assert ran.status.status_code == StatusCode.UNSET


async def test_a_run_that_somebody_asks_for_is_a_child_of_that(
    ticking: Any, spans: Any, work_off: Any
) -> None:
    task = ticking.task(run)
    with spans.request() as request:
        await Schedules(ticking.queue, tasks=[task]).trigger("report")
    await work(ticking, task, work_off)

    sent, ran = spans.one("send shop"), spans.one("process task:report")
    assert spans.parent(sent) == request.get_span_context().span_id
    assert spans.parent(ran) == sent.context.span_id
    assert ran.attributes["jtc.tick.kind"] == "manual"
