from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

JOB = "saq:job:default:"
Start = Callable[..., subprocess.CompletedProcess[str]]


class Story:
    """A made-up run, written down as a real one is."""

    def __init__(self, folder: Path, start: Start) -> None:
        self.folder = folder
        self._start = start
        self._notes: dict[str, list[str]] = {}
        self._commands: list[bytes] = []
        self.logs: list[dict[str, str]] = []
        self.facts: dict[str, Any] = {
            "lease": 3,
            "tasks": {"task": 1},
            "history": {},
            "keys": [
                ["saq:job:default:one", "string", 0, 9],
                ["jtc:default:due", "zset", 1, -1],
            ],
        }
        self.note(0, "driver", "server up")
        for worker in ("w1", "w2"):
            self.note(0, "driver", "born", worker=worker)
        self.job("one")
        for second in (10, 11, 12):
            self.job(f"task@2026-11-22T09:00:{second}Z", acknowledged=False)

    def note(self, at: float, by: str, what: str, **facts: Any) -> None:
        line = json.dumps({"at": at, "by": by, "what": what, **facts})
        self._notes.setdefault(by, []).append(line)

    def command(self, *words: str) -> None:
        parts = [word.encode() for word in words]
        texts = [b"$%d\r\n%s\r\n" % (len(part), part) for part in parts]
        self._commands.append(b"*%d\r\n" % len(parts) + b"".join(texts))

    def job(self, key: str, *, acknowledged: bool = True) -> None:
        """Let a job go its normal way."""
        if acknowledged:
            self.dispatch(key)
        self.enqueue(key)
        self.run(key)
        self.end(key)

    def dispatch(self, key: str, *, not_before: float = 0) -> None:
        facts = {"job": JOB + key, "fails": 0, "not_before": not_before}
        self.note(1, "p0", "acknowledged", **facts)

    def enqueue(self, key: str) -> None:
        self.command("ZADD", "saq:default:incomplete", "0", JOB + key)

    def run(
        self,
        key: str,
        *,
        worker: str = "w1",
        claim: str = "1",
        start: float = 2,
        end: float = 3,
        how: str = "done",
    ) -> None:
        facts = {"job": JOB + key, "claim": f"{worker} {claim}", "attempt": 1}
        self.command("HSET", "jtc:default:claims", JOB + key, f"{worker} {claim}")
        self.note(start, worker, "start", **facts, wall=100 + start)
        self.note(end, worker, "end", **facts, how=how)

    def end(self, key: str, *, result: str = "w1 1", **facts: Any) -> None:
        document = {"status": "complete", "result": result, "attempts": 1, **facts}
        self.command("SET", JOB + key, json.dumps(document), "PXAT", "1")
        self.command("ZREM", "saq:default:incomplete", JOB + key)

    def audit(self) -> subprocess.CompletedProcess[str]:
        for worker in ("w1", "w2"):
            self.note(98, "driver", "told to stop", worker=worker)
            self.note(99, "driver", "died", worker=worker, how="stopped", status=0)
        for name in ("notes", "logs", "server/appendonlydir"):
            (self.folder / name).mkdir(parents=True)
        for by, lines in self._notes.items():
            (self.folder / f"notes/{by}.jsonl").write_text("\n".join(lines))
        lines = [json.dumps({"error": "", **record}) for record in self.logs]
        (self.folder / "logs/w1.jsonl").write_text("\n".join(lines))
        path = self.folder / "server/appendonlydir/appendonly.aof.1.incr.aof"
        path.write_bytes(b"".join(self._commands))
        (self.folder / "facts.json").write_text(json.dumps(self.facts))
        return self._start("audit.py", str(self.folder))


@pytest.fixture
def story(tmp_path: Path, start: Start) -> Story:
    return Story(tmp_path, start)


def test_a_run_in_which_all_went_well_passes(story: Story) -> None:
    audit = story.audit()
    assert audit.stdout.endswith("verdict: all is well\n"), audit.stdout + audit.stderr
    assert audit.returncode == 0


def lose(story: Story) -> None:
    story.dispatch("lost")


def enqueue_twice(story: Story) -> None:
    story.enqueue("one")
    story.end("one")


def end_twice(story: Story) -> None:
    story.end("one")


def fail(story: Story) -> None:
    story.enqueue("two")
    story.run("two")
    story.end("two", status="failed", error="poison: 3 workers died")


def take_a_stale_outcome(story: Story) -> None:
    story.enqueue("two")
    story.run("two", worker="w2", start=1.5, end=1.6, how="canceled")
    story.run("two")
    story.end("two", result="w2 1")


def run_beside_itself(story: Story) -> None:
    story.run("one", worker="w2", start=2.5, end=3.5)


def run_again(story: Story) -> None:
    story.run("one", worker="w2", start=5, end=6)


def spend_a_try(story: Story) -> None:
    story.enqueue("two")
    story.run("two")
    story.end("two", attempts=2)


def start_early(story: Story) -> None:
    story.job("two", acknowledged=False)
    story.dispatch("two", not_before=103)


def double_a_tick(story: Story) -> None:
    story.job("task@2026-11-22T09:00:11Z", acknowledged=False)


def miss_a_tick(story: Story) -> None:
    story.job("task@2026-11-22T09:00:14Z", acknowledged=False)


def leave_a_key(story: Story) -> None:
    story.facts["keys"].append(["jtc:default:claims", "hash", 1, -1])


def leave_a_job(story: Story) -> None:
    story.enqueue("two")


def wait_in_vain(story: Story) -> None:
    story.note(50, "driver", "gave up", on="every job ended")


def die(story: Story) -> None:
    story.note(5, "driver", "born", worker="w3")
    story.note(6, "driver", "died", worker="w3", how="by itself", status=1)


def flood(story: Story) -> None:
    story.logs += [{"action": "", "text": "again"}] * 100


def tell_an_outage_twice(story: Story) -> None:
    story.logs += [{"action": "redis_away"}, {"action": "redis_back"}] * 2


def log_an_error(story: Story) -> None:
    story.logs.append({"action": "", "text": "!", "error": "KeyError", "trace": "…"})


def grow(story: Story) -> None:
    story.note(7, "driver", "weighed", worker="w1", kilobytes=1_000_000)


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (lose, "each dispatch is in the queue once"),
        (enqueue_twice, "each dispatch is in the queue once"),
        (end_twice, "each job ends once"),
        (fail, "each job ends once"),
        (take_a_stale_outcome, "the last claim decides"),
        (run_beside_itself, "no job runs beside itself"),
        (run_again, "nothing runs again without a reason"),
        (spend_a_try, "only failing spends tries"),
        (start_early, "nothing starts early"),
        (double_a_tick, "each tick is enqueued once"),
        (miss_a_tick, "each tick is enqueued once"),
        (leave_a_key, "nothing is left behind"),
        (leave_a_job, "nothing is left behind"),
        (wait_in_vain, "it came to its end"),
        (die, "workers end as told"),
        (flood, "workers say little"),
        (tell_an_outage_twice, "workers say little"),
        (log_an_error, "workers say little"),
        (grow, "workers do not grow"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_must_not_be_is_found(
    story: Story, wrong: Callable[[Story], None], rule: str
) -> None:
    wrong(story)
    audit = story.audit()
    assert f"NOT SO: {rule}:" in audit.stdout, audit.stdout + audit.stderr
    assert audit.returncode == 1


def test_a_body_that_goes_on_after_its_lease_was_lost_is_counted_and_not_forbidden(
    story: Story,
) -> None:
    # Given a worker that stands still while it runs a job, for longer than its lease
    story.job("two")
    story.enqueue("three")
    story.run("three", worker="w2", claim="1", start=10, end=20, how="canceled")
    story.note(11, "driver", "frozen", worker="w2")
    # When another runs it meanwhile, and is not done when the first goes on
    story.run("three", start=18, end=21)
    story.end("three")
    story.note(19, "driver", "thawed", worker="w2")
    # Then
    audit = story.audit()
    text = "runs beside another after their worker had lost its lease: 1, the longest"
    assert f"{text} for 1.00 s" in audit.stdout, audit.stdout + audit.stderr
    assert audit.returncode == 0


def test_a_job_that_was_parked_for_three_dead_workers_is_no_violation(
    story: Story,
) -> None:
    story.enqueue("two")
    for n in range(3):
        name = f"dead{n}"
        story.note(4 + n, "driver", "born", worker=name)
        story.run("two", worker=name, start=4 + n, end=4.1 + n, how="canceled")
        story.note(4.2 + n, "driver", "killed", worker=name)
        story.note(4.3 + n, "driver", "died", worker=name, how="killed", status=-9)
    story.end("two", status="failed", error="poison: 3 workers died")
    audit = story.audit()
    assert audit.returncode == 0, audit.stdout + audit.stderr
