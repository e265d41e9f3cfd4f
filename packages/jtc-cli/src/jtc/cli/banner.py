from __future__ import annotations

from collections.abc import Iterator, Sequence

from jtc.cli.discovery import Discovery
from jtc.cli.due_task import DueTask
from jtc.providers import QueueProvider
from jtc.queue import QueueOrder, ServerInfo, mask_url


def describe_worker(
    provider: QueueProvider,
    *,
    server: ServerInfo,
    event_loop: str,
    processes: int,
    discovery: Discovery,
    tasks: Sequence[DueTask],
    jobs: Sequence[str],
) -> str:
    """Return what a worker says of itself when it starts, without any password."""
    each = f" in each of {processes} processes" if processes > 1 else ""
    facts = {
        **_describe_queues(provider.queues),
        "Server": f"{server.kind} {server.version} at {mask_url(provider.redis_url)}",
        "Concurrency": f"{provider.concurrency}{each}",
        "Event loop": event_loop,
        "Modules": ", ".join(name for name, _ in discovery.modules),
        "Jobs": ", ".join(jobs),
        "Tasks": f"{len(tasks)}, next due (UTC)" if tasks else "",
    }
    lines = [f"  {name:11}  {fact or 'none'}" for name, fact in facts.items()]
    return "\n".join(["jtc worker", *lines, *_describe_tasks(tasks)])


def _describe_queues(order: QueueOrder) -> dict[str, str]:
    if len(order.names) == 1:
        return {"Queue": order.names[0]}
    listed = str(order).replace(",", ", ")
    return {"Queues": f"{listed}, {'by weight' if order.weights else 'in this order'}"}


def _describe_tasks(tasks: Sequence[DueTask]) -> Iterator[str]:
    names = [task.task.name for task in tasks]
    schedules = [task.schedule.replace("\n", " ") for task in tasks]
    for name, schedule, task in zip(names, schedules, tasks, strict=True):
        name_cell = name.ljust(max(map(len, names)))
        schedule_cell = schedule.ljust(max(map(len, schedules)))
        yield f"    {name_cell}  {schedule_cell}  {task.when}"
