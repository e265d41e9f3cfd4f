from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What the command line says of a worker; what is None comes from the settings.

    Attributes:
        queue: The queue, or several in their order.
        redis: The server's URL.
        concurrency: Jobs at once.
        grace: Seconds that running jobs get to end.
        apps: The modules to import.
        burst: Whether to end when the queues are empty.
        max_jobs: How many jobs a worker begins before it ends.
        max_time: Seconds that it works before it ends.
        max_memory: Bytes of memory that it takes before it ends.
        strict: Whether not to start where jtc doctor finds errors of the server.
        log_format: How a worker writes what it says: `text` or `json`.
    """

    queue: str | None = None
    redis: str | None = field(default=None, repr=False)
    concurrency: int | None = None
    grace: float | None = None
    apps: tuple[str, ...] = ()
    burst: bool = False
    max_jobs: int | None = None
    max_time: float | None = None
    max_memory: int | None = None
    strict: bool = False
    log_format: str = "text"


@dataclass(frozen=True, slots=True)
class ProcessOrder:
    """What one of several worker processes is told when it starts.

    Attributes:
        number: Which one it is, from 1.
        processes: How many there are.
        introduces: Whether it says what it found, for all of them.
        log_level: The lowest level that is shown.
        options: What the command line says.
        reloads: Whether it is the only one, and replaced when its code changes.
        tells: Whether it says again and again how it is.
    """

    number: int
    processes: int
    introduces: bool
    log_level: str
    options: WorkerOptions
    reloads: bool = False
    tells: bool = False

    def as_line(self) -> bytes:
        """Write the order as one line.

        Example:
            >>> order = ProcessOrder(1, 4, True, "info", WorkerOptions(apps=("shop",)))
            >>> ProcessOrder.read(order.as_line()) == order
            True
        """
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> ProcessOrder:
        """Read what `as_line` has written."""
        fields = json.loads(line)
        options = fields.pop("options")
        apps = tuple(options.pop("apps"))
        return cls(**fields, options=WorkerOptions(**options, apps=apps))
