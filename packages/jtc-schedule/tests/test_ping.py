from __future__ import annotations

import pickle
from typing import Any

import pytest

from jtc.schedule import InvalidTaskOption, Ping, Schedule, TaskOptions
from jtc.schedule.ping import ping_of


def test_one_url_stands_for_the_three_of_a_check() -> None:
    assert ping_of("ping", "https://hc-ping.com/5af") == Ping(
        start="https://hc-ping.com/5af/start",
        success="https://hc-ping.com/5af",
        failure="https://hc-ping.com/5af/fail",
    )


def test_what_is_behind_the_path_stays_there() -> None:
    ping = ping_of("ping", "http://checks:8000/5af/?create=1")
    assert ping.start == "http://checks:8000/5af/start?create=1"
    assert ping.success == "http://checks:8000/5af/?create=1"
    assert ping.failure == "http://checks:8000/5af/fail?create=1"


def test_one_of_several_is_enough() -> None:
    ping = Ping(failure="https://status.example/down")
    assert ping_of("ping", ping) is ping
    assert (ping.start, ping.success) == (None, None)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (5, "give the URL as text"),
        ("", "give a URL such as"),
        ("hc-ping.com/5af", "give a URL such as"),
        ("file:///etc/passwd", "give a URL such as"),
        ("ftp://beat.example/5af", "give a URL such as"),
        ("https:///5af", "give a URL such as"),
        ("https://beat.example:port/5af", "give a URL such as"),
        ("https://beat.example:70000/5af", "give a URL such as"),
        ("https://[beat/5af", "give a URL such as"),
        ("https://beat.example/5 af", "only visible ASCII letters"),
        ("https://beat.example/5af\n", "only visible ASCII letters"),
        ("https://bücher.example/5af", "only visible ASCII letters"),
        ("https://ann:pw@beat.example/5af", "it names a user"),
    ],
)
def test_what_cannot_be_called_is_refused(url: Any, words: str) -> None:
    with pytest.raises(InvalidTaskOption, match=words) as caught:
        Ping(success=url)
    assert "5af" not in str(caught.value)


def test_a_ping_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidTaskOption, match=r"ping=Ping\(\): give a URL for at"):
        Ping()


def test_nothing_but_the_host_is_shown() -> None:
    options = TaskOptions().derive({"ping": "https://hc-ping.com/5af"})
    assert "5af" not in repr(options)
    assert "success='https://hc-ping.com/...'" in repr(options)
    assert "start=" not in repr(Ping(success="https://hc-ping.com/5af"))


def test_it_is_refused_at_the_decorator() -> None:
    with pytest.raises(InvalidTaskOption, match=r"ping='ftp://beat/...'"):
        Schedule.daily(ping="ftp://beat/5af")


def test_it_survives_a_process_boundary() -> None:
    ping = Ping(success="https://hc-ping.com/5af")
    assert pickle.loads(pickle.dumps(ping)) == ping
