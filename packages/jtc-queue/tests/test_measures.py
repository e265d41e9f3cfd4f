from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jtc.queue import RedisQueue, Worker
from jtc.queue.measures import BOUNDS, MOST_NAMES, OTHERS, Histogram, Measures
from jtc.schedule import ScheduledTask


@given(st.lists(st.floats(0, 10_000), max_size=50))
def test_every_time_is_in_the_bucket_that_ends_at_or_above_it(
    seconds: list[float],
) -> None:
    times = Histogram()
    for one in seconds:
        times.add(one)
    for i, bound in enumerate(BOUNDS, 1):
        assert sum(times.counts[:i]) == sum(one <= bound for one in seconds)
    assert sum(times.counts) == len(seconds)
    assert times.total == sum(seconds)


def test_any_number_of_names_does_not_fill_the_memory() -> None:
    measures = Measures()
    for n in range(MOST_NAMES + 5):
        measures.ran(f"job {n}", "complete", 0.5)
    measures.ran("job 0", "complete", 0.5)
    assert len(measures.runs) == MOST_NAMES + 1
    assert sum(measures.runs[OTHERS, "complete"].counts) == 5
    assert sum(measures.runs["job 0", "complete"].counts) == 2


def test_a_snapshot_is_json_and_changes_no_more() -> None:
    measures = Measures()
    measures.ran("f", "complete", 0.5)
    measures.ticks["missed", "down"] += 2
    before = measures.snapshot()
    measures.ran("f", "complete", 0.5)
    assert json.loads(json.dumps(before)) == before
    assert sum(before["runs"]["f"]["complete"]["counts"]) == 1
    assert before["ticks"] == {"missed": {"down": 2}}
    assert measures.snapshot()["runs"]["f"]["complete"]["total"] == 1.0


async def test_attempts_are_counted_by_what_came_of_them(queue: RedisQueue) -> None:
    # Given a job that is done, and one that fails after two tries
    async def f(ctx: dict[str, Any]) -> None: ...

    async def g(ctx: dict[str, Any]) -> None:
        raise ValueError

    await queue.enqueue("f")
    await queue.enqueue("g", retries=2)
    # When they are run
    worker = Worker(queue, [("f", f), ("g", g)])
    while await worker.process():
        pass
    # Then each attempt is counted, and each first one has waited
    runs = {key: sum(times.counts) for key, times in queue.measures.runs.items()}
    assert runs == {("f", "complete"): 1, ("g", "retried"): 1, ("g", "failed"): 1}
    assert sum(queue.measures.waits.counts) == 2
    assert sum(queue.measures.lateness.counts) == 0


async def test_how_late_a_tick_began_is_counted_once(ticking: Any) -> None:
    # Given a tick whose first attempt goes wrong
    async def boom(ctx: dict[str, Any]) -> None:
        raise ValueError

    task: ScheduledTask = ticking.task(boom, tries=2)
    await ticking.fire(task)
    worker = ticking.worker(task)
    # When it has run
    while await worker.process():
        pass
    # Then it was late once: by months, for its nominal time is in the past
    lateness = ticking.queue.measures.lateness
    assert sum(lateness.counts) == lateness.counts[-1] == 1


async def test_a_tick_that_a_condition_skipped_is_no_run(ticking: Any) -> None:
    task = ticking.task(when=lambda: False)
    await ticking.fire(task)
    await ticking.worker(task).process()
    measures = ticking.queue.measures
    assert measures.ticks == {("skipped", "when"): 1}
    assert [outcome for _, outcome in measures.runs] == ["skipped"]
