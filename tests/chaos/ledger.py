from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hiredis

JOB = "saq:job:default:"
INCOMPLETE = b"saq:default:incomplete"
CLAIMS = b"jtc:default:claims"
OVER = ("complete", "failed", "aborted")
Command = list[bytes]


@dataclass(slots=True)
class Entry:
    """What the server wrote about one job.

    Attributes:
        enqueued: How often it became incomplete.
        claims: Under which claims it was held, in order.
        endings: Its document each time that it was written as ended.
    """

    enqueued: int = 0
    claims: list[str] = field(default_factory=list)
    endings: list[dict[str, Any]] = field(default_factory=list)


class Ledger:
    """The server's own record of a run, read from its append-only file.

    It holds every change of state in order, whatever workers said or logged about it.
    """

    def __init__(self) -> None:
        self.jobs: dict[str, Entry] = defaultdict(Entry)
        self.incomplete: set[str] = set()

    def enter(self, command: Command) -> None:
        """Take one write command into account."""
        name, key = command[0].upper(), command[1] if len(command) > 1 else b""
        if name == b"ZADD" and key == INCOMPLETE:
            self._begin([word.decode() for word in command[3::2]])
        elif name == b"ZREM" and key == INCOMPLETE:
            self.incomplete -= {word.decode() for word in command[2:]}
        elif name in (b"HSET", b"HMSET") and key == CLAIMS:
            for job, claim in zip(command[2::2], command[3::2], strict=True):
                self.jobs[job.decode()].claims.append(claim.decode())
        elif name in (b"SET", b"SETEX") and key.startswith(JOB.encode()):
            self._write(key.decode(), command[3] if name == b"SETEX" else command[2])

    def _begin(self, jobs: list[str]) -> None:
        for job in jobs:
            if job not in self.incomplete:
                self.incomplete.add(job)
                self.jobs[job].enqueued += 1

    def _write(self, job: str, text: bytes) -> None:
        document = json.loads(text)
        if document.get("status") in OVER:
            self.jobs[job].endings.append(document)


def read_ledger(folder: Path) -> Ledger:
    """Read the append-only file of a server that has ended."""
    ledger = Ledger()
    for command in read_commands(folder):
        ledger.enter(command)
    return ledger


def read_commands(folder: Path) -> Iterator[Command]:
    """Yield the write commands of all increments of an append-only file."""
    files = folder.glob("appendonlydir/*.incr.aof")
    for path in sorted(files, key=lambda path: int(path.name.split(".")[-3])):
        reader = hiredis.Reader()
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                reader.feed(chunk)
                while (command := reader.gets()) is not False:
                    yield command
