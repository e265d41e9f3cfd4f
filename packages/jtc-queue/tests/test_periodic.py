from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from jtc.queue.periodic import Duty

Eventually = Callable[..., Awaitable[Any]]


async def test_a_duty_can_be_woken_in_the_moment_in_which_its_pause_ends(
    eventually: Eventually,
) -> None:
    # Given a duty that pauses
    rounds: list[None] = []
    errors: list[Exception] = []
    stop = asyncio.Event()

    async def step() -> float:
        rounds.append(None)
        return 0.05

    duty = Duty(step, stop=stop)
    running = asyncio.create_task(duty.run())
    await eventually(lambda: duty._pause)

    def wake() -> None:
        try:
            duty.wake()
        except Exception as error:
            errors.append(error)

    # When the loop is held up until the pause and a call that wakes it are both due
    loop = asyncio.get_running_loop()
    loop.call_later(0.06, wake)
    threading.Event().wait(0.2)
    # Then
    await eventually(lambda: len(rounds) > 2)
    stop.set()
    await running
    assert errors == []
