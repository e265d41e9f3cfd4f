from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Place:
    """Which queue is meant and where it is; what is None comes from the settings.

    Attributes:
        queue: The queue's name.
        redis: The server's URL.
    """

    queue: str | None = None
    redis: str | None = field(default=None, repr=False)
