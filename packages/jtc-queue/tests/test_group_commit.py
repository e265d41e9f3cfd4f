from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from jtc.queue.group_commit import GroupCommit


class Wire:
    """Notes what is sent and answers when it is told to."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.open = asyncio.Event()
        self.error: BaseException | None = None

    async def send(self, items: Sequence[int]) -> list[str]:
        self.groups.append(list(items))
        await self.open.wait()
        if self.error is not None:
            raise self.error
        return [f"reply {item}" for item in items]


async def test_a_lone_item_is_sent_at_once() -> None:
    wire = Wire()
    future = GroupCommit(wire.send).submit(1)
    await asyncio.sleep(0)
    assert wire.groups == [[1]]
    wire.open.set()
    assert await future == "reply 1"


async def test_what_arrives_during_a_call_goes_out_in_the_next() -> None:
    wire = Wire()
    commits = GroupCommit(wire.send)
    first = commits.submit(1)
    await asyncio.sleep(0)
    others = [commits.submit(n) for n in (2, 3, 4)]
    await asyncio.sleep(0)
    wire.open.set()
    assert await asyncio.gather(first, *others) == [f"reply {n}" for n in (1, 2, 3, 4)]
    assert wire.groups == [[1], [2, 3, 4]]


async def test_a_call_carries_no_more_than_the_limit() -> None:
    wire = Wire()
    wire.open.set()
    commits = GroupCommit(wire.send, limit=3)
    await asyncio.gather(*(commits.submit(n) for n in range(7)))
    assert wire.groups == [[0, 1, 2], [3, 4, 5], [6]]


async def test_an_error_reaches_everybody_in_the_call_and_nobody_else() -> None:
    wire = Wire()
    wire.open.set()
    wire.error = ConnectionError("away")
    commits = GroupCommit(wire.send)
    replies = await asyncio.gather(
        commits.submit(1), commits.submit(2), return_exceptions=True
    )
    assert [type(reply) for reply in replies] == [ConnectionError] * 2
    wire.error = None
    assert await commits.submit(3) == "reply 3"


async def test_an_item_whose_submitter_is_gone_is_sent_and_disturbs_nobody() -> None:
    wire = Wire()
    commits = GroupCommit(wire.send)
    gone, stays = commits.submit(1), commits.submit(2)
    gone.cancel()
    wire.open.set()
    assert await stays == "reply 2"
    wire.error = ConnectionError("away")
    gone, stays = commits.submit(3), commits.submit(4)
    gone.cancel()
    with pytest.raises(ConnectionError):
        await stays
    assert wire.groups == [[1, 2], [3, 4]]


async def test_a_canceled_call_cancels_those_who_wait_for_it() -> None:
    async def send(items: Sequence[int]) -> list[str]:
        raise asyncio.CancelledError

    future = GroupCommit(send).submit(1)
    with pytest.raises(asyncio.CancelledError):
        await future
