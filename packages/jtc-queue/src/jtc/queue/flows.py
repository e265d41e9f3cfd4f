from __future__ import annotations

from collections.abc import Sequence

import saq
from saq.job import Status

from jtc.queue.codec import encode
from jtc.queue.errors import FlowNotStarted
from jtc.queue.flow import Flow, jobs_of, member_key
from jtc.queue.flow_progress import FlowProgress
from jtc.queue.groups import in_groups
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.scripts import script_source
from jtc.queue.tracing import sending
from jtc.queue.wall_clock import epoch_ms

STAGED_SECONDS = 3600
"""How long the documents of a flow wait for the call that lets it begin."""
GROUP = 500
"""How many documents one call carries."""


class Flows:
    """The flows of a queue: jobs that belong together.

    Args:
        queue: The queue.
    """

    def __init__(self, queue: RedisQueue) -> None:
        self._queue = queue
        self._redis = queue.redis
        self._start, self._cancel = (
            queue.redis.register_script(script_source(f"{name}_flow"))
            for name in ("start", "cancel")
        )

    async def start(self, flow: Flow) -> None:
        """Enqueue a flow, all of it or nothing.

        Its documents are written first, out of every worker's sight; one call then lets
        it begin. If that call is never made, they expire.

        Raises:
            Unserializable: An argument has no form in JSON.
            FlowNotStarted: They had expired, or the server had lost them.
        """
        with sending(self._queue, jobs_of(flow), flow=flow.id):
            fields = await self._fields(flow)
            members = list(enumerate(flow.jobs))
            for group in in_groups(members, GROUP):
                await self._stage(flow, group)
            args = [flow.id, len(flow.jobs), *fields]
            if not await self._start(keys=self._queue.keys.flows, args=args):
                raise FlowNotStarted(flow.id)
        self._queue.heard_of(flow.jobs)

    async def progress(self, flow_id: str) -> FlowProgress | None:
        """Return how far a flow has got; None when nothing is known of it."""
        names = ["total", "done", "failed", "canceled"]
        key = f"{self._queue.keys.flow}{flow_id}"
        counts = await self._redis.hmget(key, names)  # type: ignore[misc]
        return None if counts[0] is None else FlowProgress(*map(int, counts))

    async def first_lost(self, flow_id: str) -> int | None:
        """Return the number of the first member that has ended and not completed."""
        ends = await self._redis.get(f"{self._queue.keys.flow}{flow_id}:ends")
        lost = (n for n, end in enumerate(ends or b"") if end in b"fc")
        return next(lost, None)

    async def cancel(self, flow_id: str, *, reason: str = "canceled") -> bool:
        """Cancel the members that wait, and have those that run stopped.

        Returns:
            False when all had ended, or nothing is known of the flow.
        """
        args = [flow_id, reason]
        word = await self._cancel(keys=self._queue.keys.flows, args=args)
        return int(word) == 1

    async def _stage(self, flow: Flow, members: Sequence[tuple[int, saq.Job]]) -> None:
        # Of a chain, the server says when it is each one's turn.
        queued = 0 if flow.kind == "chain" else epoch_ms()
        async with self._redis.pipeline(transaction=False) as pipe:
            for number, job in members:
                key = member_key(flow.id, number)
                document = await self._document(job, key, queued=queued)
                pipe.set(job.id, document, ex=STAGED_SECONDS)
            await pipe.execute()

    async def _fields(self, flow: Flow) -> list[str | bytes | int]:
        fields: list[str | bytes | int] = ["ttl", flow.ttl, "stops", int(flow.stops)]
        fields += ["stub", self._stub(flow)]
        after = {"then": flow.then, "catch": flow.catch, "finally": flow.finally_}
        for which, what in after.items():
            if isinstance(what, Flow):
                fields += [which, await self._packed(what)]
            elif what is not None:
                fields += [which, await self._document(what, f"{flow.id}.{which}")]
        return fields

    async def _packed(self, flow: Flow) -> bytes:
        """Return all that is to be known of a flow that begins later."""
        documents = [
            (await self._document(job, member_key(flow.id, number))).decode()
            for number, job in enumerate(flow.jobs)
        ]
        fields = [
            one.decode() if isinstance(one, bytes) else str(one)
            for one in await self._fields(flow)
        ]
        # A list, which is how the server tells it from a job's document.
        return encode([flow.id, documents, fields])

    async def _document(self, job: saq.Job, key: str, *, queued: int = 0) -> bytes:
        """Return what is stored of a job.

        Args:
            job: The job.
            key: What it is called as a part of the flow.
            queued: When it is enqueued, in epoch milliseconds; 0 if the server is to
                say so when it is.
        """
        job.key = key
        # What a dispatch does with a job, but for putting it where workers look.
        await self._queue._prepare(job)  # noqa: SLF001 - a part of the queue
        job.queued = queued
        return self._queue._entry(job).document  # noqa: SLF001

    def _stub(self, flow: Flow) -> bytes:
        """Return what is kept of a canceled member, but for its key and the reason."""
        function = flow.jobs[0].function if flow.jobs else ""
        parts = {"function": function, "queue": self._queue.name, "ttl": flow.ttl}
        return encode({**parts, "status": Status.ABORTED})
