from __future__ import annotations

from dataclasses import dataclass, field

from starlette.requests import Request

from jtc.dashboard.reach import Reach
from jtc.dashboard.rendering import Rendering
from jtc.dashboard.security.secret import Secret
from jtc.dashboard.security.signing import Signing
from jtc.dashboard.shown_queues import ShownQueues, choose_queue
from jtc.queue import RedisQueue


@dataclass(frozen=True, slots=True)
class Board:
    """What all pages of one dashboard share.

    Attributes:
        queues: What is shown.
        rendering: Writes pages.
        secret: What forms are signed with.
        reach: Whether the server could be asked lately.
    """

    queues: ShownQueues
    rendering: Rendering
    secret: Secret
    reach: Reach = field(default_factory=Reach)

    async def signing(self) -> Signing:
        """Return what signs forms.

        Raises:
            ConnectionError: The server is away.
        """
        return Signing(await self.secret.get(self.queues.redis))

    async def queue(self, name: str | None) -> RedisQueue:
        """Return a queue that is shown; the first one when none is named.

        Raises:
            NothingThere: There is no such queue.
        """
        return choose_queue(await self.queues.all(), name)


def board_of(request: Request) -> Board:
    """Return the dashboard that a request is for."""
    board: Board = request.app.state.board
    return board
