from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import redis

from jtc.cli.discovery import discover
from jtc.jobs import JobManager, known_jobs
from jtc.queue import RedisQueue

Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., subprocess.Popen[str]]
Write = Callable[[str, str], Path]
Ask = Callable[[Callable[[RedisQueue], Any]], Any]

TOKEN = "s3cret token"
PASSWORD = "pa@ss:w0rd"

JOBS = """
import logging
import sys
import warnings

from jtc.jobs import Discard, Fail, Job, Release, Retry, Secret

logger = logging.getLogger("shop")


class Odd:
    def __repr__(self):
        raise RuntimeError("no words")


class Fine(Job):
    token: Secret[str]

    async def handle(self):
        logger.info("Line one\\nline two \\u2028 of %s", self.token, extra={
            "odd": Odd(), "ring": sys.modules, "level": 3, "half": "\\ud800",
        })
        logger.info("%d", "no number")


class Fails(Job, tries=2, backoff=0):
    token: Secret[str]

    def handle(self):
        try:
            raise KeyError(self.token)
        except KeyError as error:
            raise ConnectionError(f"no\\nroute for {self!r}, {self.token}") from error

    async def failed(self, exception):
        raise ValueError(self.token)


class Asks(Job, tries=1):
    what: str

    async def handle(self):
        raise {"fail": Fail, "discard": Discard, "retry": Retry}[self.what]("so it is")


class Exits(Job, tries=1):
    async def handle(self):
        logger.warning("on the way", exc_info=True, stack_info=True)
        sys.exit("done")
"""


@pytest.fixture
def dispatched(server_url: str, queue_name: str, write: Write) -> None:
    """Jobs that end in every way."""
    write("jobs.py", JOBS)
    discover()

    async def dispatch() -> None:
        JobManager.initialize(server_url, queue_name)
        known = known_jobs.get_all()
        # Other tests of this process have left theirs.
        names = [name for name in known if name.startswith("jobs.")]
        jobs = {name.removeprefix("jobs."): known[name] for name in names}
        try:
            await jobs["Fine"].dispatch(token=TOKEN)
            await jobs["Fails"].dispatch(token=TOKEN)
            for what in ("fail", "discard", "retry"):
                await jobs["Asks"].dispatch(what=what)
            await jobs["Exits"].dispatch()
            await JobManager.get_queue().enqueue("unknown", key="nobody-knows-it")
        finally:
            await JobManager.close()

    asyncio.run(dispatch())


def read(text: str) -> list[dict[str, Any]]:
    """Return the objects; fail if a line is none."""
    assert "\x1b" not in text
    lines = [
        json.loads(line, parse_constant=pytest.fail) for line in text.split("\n")[:-1]
    ]
    assert text.endswith("\n")
    for line in lines:
        assert {"time", "level", "logger", "message"} <= line.keys()
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    return lines


@pytest.mark.usefixtures("dispatched")
@pytest.mark.parametrize("processes", [None, 2])
def test_every_line_of_a_worker_under_failures_is_an_object(
    run: Run, server_url: str, queue_name: str, processes: int | None
) -> None:
    # When a worker runs all there is
    words = ["queue", "work", "--burst", "--log-format", "json", "--log-level", "debug"]
    words += ["--processes", str(processes)] if processes else []
    done = run(*words, REDIS_URL=server_url, QUEUE_NAME=queue_name)

    # Then standard error is nothing but objects
    lines = read(done.stderr)
    assert done.returncode == 0
    assert done.stdout == ""
    assert all("action" in one for one in lines if one["logger"].startswith("jtc."))

    # And they say what happened, to which job, and where
    by_action = {one["action"]: one for one in lines if "action" in one}
    assert by_action.keys() >= {
        "worker_started",
        "attempt_completed",
        "attempt_retry",
        "attempt_failed",
        "attempt_discard",
        "failed_hook_failed",
        "worker_stopped",
    }
    failed = next(
        one
        for one in lines
        if one.get("action") == "attempt_failed"
        and one.get("job_class") == "jobs.Fails"
    )
    assert (failed["queue"], failed["attempt"], failed["level"]) == (
        queue_name,
        2,
        "ERROR",
    )
    assert failed["duration"] >= 0
    assert failed["worker"]
    assert failed["exception"]["type"] == "ConnectionError"
    assert failed["exception"]["traceback"].count("\n") > 5
    ours = [one for one in lines if one["logger"] == "shop"]
    assert {one["job_class"] for one in ours} == {"jobs.Fine", "jobs.Exits"}
    if processes:
        assert {one.get("process") for one in lines} <= {None, 1, 2}
        assert "process" in failed

    # And nothing of it is secret
    assert TOKEN not in done.stderr


@pytest.mark.usefixtures("dispatched")
def test_neither_the_text_nor_the_commands_show_a_secret(
    run: Run, server_url: str, queue_name: str
) -> None:
    environ = {"REDIS_URL": server_url, "QUEUE_NAME": queue_name}
    worked = run("queue", "work", "--burst", "--log-level", "debug", **environ)
    assert "no\nroute for Fails(token='***'), ***" in worked.stderr

    listed = run("queue", "failed", "--json", **environ)
    ids = [one["id"] for one in json.loads(listed.stdout)]
    outputs = [worked.stderr, listed.stdout, run("queue", "failed", **environ).stdout]
    for one in ids:
        outputs += [
            run("queue", "show", one, **environ).stdout,
            run("queue", "show", one, "--json", **environ).stdout,
        ]

    assert len(ids) >= 3
    assert any('"token": "***"' in text for text in outputs)
    assert not [text for text in outputs if TOKEN in text]


def test_an_error_that_ends_the_command_is_an_object(run: Run, write: Write) -> None:
    write("tasks.py", "raise RuntimeError('broken\\nmodule')")

    done = run("queue", "work", REDIS_URL="redis://127.0.0.1:1", JTC_LOG_FORMAT="json")

    (line,) = read(done.stderr)
    assert done.returncode == 1
    assert (line["level"], line["action"]) == ("ERROR", "command_failed")
    assert "redis://127.0.0.1:1" in line["message"]


def test_an_error_that_nobody_expected_is_an_object(
    run: Run, server_url: str, write: Write
) -> None:
    # Given a module that lets discovery itself fail, with all details wanted
    write("tasks.py", "raise RuntimeError('broken\\nmodule')")

    done = run(
        "queue",
        "work",
        *("--log-format", "json", "--log-level", "debug"),
        REDIS_URL=server_url,
    )

    assert done.returncode == 1
    line = read(done.stderr)[-1]
    assert (line["level"], line["action"]) == ("CRITICAL", "crashed")
    assert line["exception"]["type"].endswith("ModuleImportFailed")


URLS = [
    f"redis://ann:{quote(PASSWORD)}@127.0.0.1:1/0",
    f"redis://:{PASSWORD}@127.0.0.1:1/0",
    f"rediss://:{quote(PASSWORD)}@127.0.0.1:1/0",
    f"unix:///no/such.sock?password={PASSWORD}&db=1",
    f"redis://127.0.0.1:1/0?db=0&password={PASSWORD}",
    f"redis://:{PASSWORD}/x@127.0.0.1:1/0",
    f"redis://:12#{PASSWORD}@127.0.0.1:1",
    f"redis://:{PASSWORD}@127.0.0.1:port",
    "redis://pa@ssw0rd@127.0.0.1:1",
    f"rediss://127.0.0.1:1?ssl_password={PASSWORD}",
    f"rediss://:{PASSWORD}@127.0.0.1:1?ssl_cert_reqs=bogus",
    f"rediss://:{PASSWORD}@127.0.0.1:1?ssl_ca_certs=/no/such.pem",
    f"http://:{PASSWORD}@127.0.0.1:1",
    f":{PASSWORD}@127.0.0.1:1",
]

COMMANDS = [
    ("queue", "work"),
    ("queue", "work", "--log-level", "debug"),
    ("queue", "failed"),
    ("queue", "stats"),
    ("queue", "health"),
    ("queue", "show", "some-job"),
    ("schedule", "trigger", "some-task"),
    ("doctor",),
    ("doctor", "--json"),
]

EACH = """
import json, sys
from jtc.cli.main import main

urls, commands = json.loads(sys.argv[1])
for number, url in enumerate(urls):
    for words in commands:
        print("#", number, *words, flush=True)
        sys.argv = ["jtc", *words, "--redis", url]
        try:
            main()
        except SystemExit as end:
            print("status", end.code, flush=True)
        except Exception:
            import traceback
            traceback.print_exc()
            print("status crashed", flush=True)
"""


def test_no_command_shows_the_password_of_a_url(
    run: Run, write: Write, tasks: Path
) -> None:
    # When each command is told each URL, at which nobody is
    write("each.py", EACH)
    words = ("each.py", json.dumps([URLS, COMMANDS]))
    done = run(*words, program="python", PYTHONWARNINGS="default")

    # Then all have failed, and none has said the password
    output = done.stdout + done.stderr
    statuses = re.findall(r"^status (.*)", done.stdout, re.MULTILINE)
    assert len(statuses) == len(URLS) * len(COMMANDS)
    assert "0" not in statuses
    assert "***" in output
    for part in ("w0rd", quote(PASSWORD), "pa@ss", "pa%40"):
        assert part not in output


@pytest.mark.parametrize(
    "more", [("--processes", "2"), ("--log-format", "json")], ids=" ".join
)
@pytest.mark.parametrize("url", [URLS[0], URLS[5]], ids=["away", "invalid"])
def test_no_worker_shows_the_password_of_a_url(
    run: Run, tasks: Path, more: tuple[str, ...], url: str
) -> None:
    done = run("queue", "work", "--redis", url, *more)

    assert done.returncode == 1
    assert "***" in done.stderr
    assert "w0rd" not in done.stdout + done.stderr


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_worker_says_where_its_server_is_without_the_password(
    run: Run, server_url: str, queue_name: str, tasks: Path, form: str
) -> None:
    # Given a server on which somebody has that password
    with redis.Redis.from_url(server_url) as client:
        client.execute_command(
            "ACL", "SETUSER", "ann", "on", f">{PASSWORD}", "~*", "&*", "+@all"
        )
    place = f"ann:{quote(PASSWORD)}@"
    url = server_url.replace("://", f"://{place}")

    # When she runs a worker and asks
    said = ("--redis", url, "--queue", queue_name)
    worked = run("queue", "work", "--burst", "--log-format", form, *said)
    asked = run("doctor", "--redis", url)

    # Then the user is named and the password is not
    assert worked.returncode == 0
    for output in (worked.stderr, asked.stdout):
        assert "ann:***@" in output
        assert "w0rd" not in output


def test_settings_do_not_show_the_password(run: Run, write: Write) -> None:
    write("pyproject.toml", f"[tool.jtc]\nredis_url = ['redis://:{PASSWORD}@host']")

    done = run("queue", "stats")

    assert done.returncode == 1
    assert "redis_url is" in done.stderr
    assert "w0rd" not in done.stderr + done.stdout


def test_a_task_that_fails_here_does_not_show_its_secret(
    run: Run, write: Write, server_url: str
) -> None:
    write(
        "tasks.py",
        "from jtc.schedule import Schedule, Secret\n\n\n"
        f"@Schedule.every(60, payload={{'token': {TOKEN!r}}})\n"
        "async def sync(ctx, *, token: Secret[str]):\n"
        "    raise ValueError(f'{token} is wrong')\n",
    )

    done = run("schedule", "run", "sync", REDIS_URL=server_url)

    assert done.returncode == 1
    assert "ValueError: *** is wrong" in done.stderr
    assert TOKEN not in done.stderr
