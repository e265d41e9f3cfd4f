"""The chaos run: many workers, many jobs, and everything goes wrong all the time.

It starts a server of its own, producers and workers, kills and freezes them for a
while, and checks at the end that nothing was lost and nothing happened twice.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from audit import tell
from fleet import Fleet, Process
from havoc import Havoc
from journal import Journal
from ledger import JOB
from server import Server

PRODUCERS, WORKERS = 5, 6
TASKS = {"a": 1, "b": 1, "c": 2, "d": 2, "e": 3, "f": 5}
LOOK_EVERY = 0.05
RECORD_EVERY = 2.0


class Chaos:
    """One run, in a folder that holds everything about it.

    Args:
        folder: Where to put it.
        seconds: How long to do damage.
        jobs: How many are to be acknowledged.
        lease: How long a lease lasts, in seconds; 13 outside of tests.
        patience: How long to wait for what is left at the end.
        seed: Decides what the driver and the producers do, as far as they decide.
    """

    def __init__(
        self,
        folder: Path,
        *,
        seconds: float,
        jobs: int,
        lease: float,
        patience: float,
        seed: int,
    ) -> None:
        self._folder, self._seconds, self._jobs = folder, seconds, jobs
        self._lease, self._patience, self._seed = lease, patience, seed
        self._journal = Journal(folder / "notes", "driver")
        self.server = Server(folder / "server", self._journal)
        self.fleet = Fleet(
            self.server.url,
            folder,
            self._journal,
            size=WORKERS,
            lease=lease,
            grace=lease,
            concurrency=10,
            tasks=TASKS,
            fires=True,
        )
        self.havoc = Havoc(
            self.server, self.fleet, lease=lease, chance=random.Random(seed)
        )
        self._producers: list[Process] = []
        self._history: dict[str, set[int]] = {task: set() for task in TASKS}
        self._recorded = 0.0

    def run(self) -> None:
        """Do damage, then let everything come to its end."""
        self.server.start()
        try:
            self._start_producers()
            end = time.monotonic() + self._seconds
            while time.monotonic() < end:
                self._look(havoc=True)
            self.havoc.end()
            self._wait_until(self._producers_have_ended, "the producers ended")
            self._wait_until(self._only_ticks_are_left, "every job ended")
            self.fleet.stop_all(within=self._patience)
            self._clear_up()
            self._write_facts()
        finally:
            for process in (*self._producers, *self.fleet.workers):
                process.end()
            self.server.stop()

    def _start_producers(self) -> None:
        for number in range(PRODUCERS):
            share = (self._jobs + number) // PRODUCERS
            options = {
                "jobs": share,
                "seconds": self._seconds * 0.9,
                "seed": self._seed,
            }
            name = f"p{number}"
            arguments = [self.server.url, str(self._folder), name, json.dumps(options)]
            self._producers.append(
                Process("producer.py", arguments, folder=self._folder, name=name)
            )

    def _look(self, *, havoc: bool) -> None:
        if havoc:
            self.havoc.step()
        if not self.havoc.server_is_away:
            self.fleet.tend()
            if time.monotonic() > self._recorded + RECORD_EVERY:
                self._recorded = time.monotonic()
                self.fleet.weigh()
                self._record_history()
        time.sleep(LOOK_EVERY)

    def _record_history(self) -> None:
        """Keep what the server keeps of ticks that did not run: it drops old lines."""
        with self.server.client() as client:
            for task, recorded in self._history.items():
                lines: Any = client.lrange(f"jtc:default:history:{task}", 0, -1)
                found = (json.loads(line) for line in lines)
                recorded |= {
                    tick
                    for line in found
                    if line["outcome"].startswith(("missed", "skipped"))
                    for tick in stretch(line, TASKS[task])
                }

    def _wait_until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + self._patience
        while not condition():
            if time.monotonic() > deadline:
                self._journal.note("gave up", on=what)
                return
            self._look(havoc=False)

    def _producers_have_ended(self) -> bool:
        return all(process.poll() is not None for process in self._producers)

    def _only_ticks_are_left(self) -> bool:
        with self.server.client() as client:
            left: Any = client.zrange("saq:default:incomplete", 0, -1)
        return all(b"@" in job for job in left)

    def _clear_up(self) -> None:
        """Let a last worker, which fires no ticks, run what the others left.

        It stays until the leases of those who were killed have run out: a lease is
        removed by whoever finds it.
        """
        self.fleet.shrink(1, fires=False)
        self._wait_until(self._nothing_is_left, "the last ticks and leases ended")
        self.fleet.stop_all(within=self._patience)

    def _nothing_is_left(self) -> bool:
        with self.server.client() as client:
            waiting: Any = client.zcard("saq:default:incomplete")
            leases: Any = client.zrange("jtc:default:workers", 0, -1)
        living = [worker.name.encode() for worker in self.fleet.workers]
        return bool(waiting == 0 and leases == living)

    def _write_facts(self) -> None:
        self._record_history()
        with self.server.client() as client:
            keys = [describe(client, key) for key in client.scan_iter(count=1000)]
        facts = {
            "lease": self._lease,
            "tasks": TASKS,
            "history": {task: sorted(found) for task, found in self._history.items()},
            "keys": keys,
        }
        (self._folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")


def describe(client: Any, key: bytes) -> tuple[str, str, int, int]:
    """Return name, type, size and time to live of a key."""
    name = key.decode()
    if name.startswith(JOB):
        return name, "string", 0, client.ttl(key)
    kind = client.type(key).decode()
    sizes = {"list": "llen", "hash": "hlen", "zset": "zcard", "set": "scard"}
    size = getattr(client, sizes.get(kind, "strlen"))(key)
    return name, kind, size, client.ttl(key)


def stretch(record: Mapping[str, Any], step: int) -> range:
    """Return the ticks of a record: it stands for several in a row."""
    first = int(record["tick"])
    return range(first, int(record.get("until", first)) + 1, step)


def main() -> int:
    """Run as the command line says; return 0 if all is well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="of damage")
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--lease", type=float, default=3, help="seconds; 13 is real")
    parser.add_argument("--patience", type=float, default=120)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--keep", type=Path, help="folder to leave the evidence in")
    options = vars(parser.parse_args())
    keep = options.pop("keep")
    folder = keep or Path(tempfile.mkdtemp(prefix="chaos-"))
    print(f"seed {options['seed']}, {options['jobs']} jobs, in {folder}", flush=True)
    began = time.monotonic()
    chaos = Chaos(folder, **options)
    chaos.run()
    print(f"{time.monotonic() - began:.0f} s: {dict(chaos.havoc.done)}")
    is_well = tell(folder)
    if is_well and keep is None:
        shutil.rmtree(folder)
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
