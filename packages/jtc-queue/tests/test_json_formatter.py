from __future__ import annotations

import json
import logging
import socket
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jtc.queue import JsonFormatter


class Hostile:
    """Fails whatever it is asked."""

    def __repr__(self) -> str:
        raise RuntimeError("not even that")

    __str__ = __repr__


def lines(text: str, *args: Any, **extra: Any) -> dict[str, Any]:
    record = logging.getLogger("shop").makeRecord(
        "shop", logging.INFO, __file__, 1, text, args, None, extra=extra
    )
    written = JsonFormatter().format(record)
    assert "\n" not in written
    assert written.isascii()
    read: dict[str, Any] = json.loads(written, parse_constant=pytest.fail)
    return read


def test_a_record_is_one_object() -> None:
    read = lines("Sent %d.", 3, action="sent", user={"id": 7})

    at = datetime.fromisoformat(read.pop("time"))
    assert at.utcoffset() == UTC.utcoffset(None)
    assert read == {
        "level": "INFO",
        "logger": "shop",
        "message": "Sent 3.",
        "action": "sent",
        "user": {"id": 7},
    }


def test_milliseconds_have_three_digits() -> None:
    record = logging.makeLogRecord({"created": 1772355600.0079})

    read = json.loads(JsonFormatter().format(record))

    assert read["time"] == "2026-03-01T09:00:00.007Z"


def test_what_was_given_to_the_formatter_is_in_each_line() -> None:
    record = logging.makeLogRecord({"msg": "x"})

    read = json.loads(JsonFormatter(service="billing", tier=2).format(record))

    assert (read["service"], read["tier"]) == ("billing", 2)


def test_an_exception_is_told_in_parts() -> None:
    try:
        socket.inet_aton("no\naddress")
    except OSError:
        info = sys.exc_info()
    record = logging.makeLogRecord({"msg": "x", "exc_info": info})

    read = json.loads(JsonFormatter().format(record))

    assert read["exception"]["type"] == "OSError"
    assert read["exception"]["message"] == str(info[1])
    assert read["exception"]["traceback"].startswith("Traceback (most recent call")


def test_a_text_that_does_not_fit_its_arguments_is_still_told() -> None:
    assert "%d jobs" in lines("%d jobs", "many")["message"]


def test_an_extra_that_has_the_name_of_a_field_stands_beside_it() -> None:
    read = lines("x", level=3, time="now", stack=1)

    assert (read["level"], read["level_"], read["time_"]) == ("INFO", 3, "now")


def test_what_json_cannot_carry_is_written_as_text() -> None:
    ring: list[Any] = []
    ring.append(ring)
    read = lines(
        "x",
        nan=float("nan"),
        deep={"n": [float("inf")]},
        half="\ud800",
        raw=b"\xff",
        when=datetime(2026, 3, 1, tzinfo=UTC),
        ring=ring,
        kind=int,
        hostile=Hostile(),
        keys={(1, 2): Hostile()},
        big=10**400,
    )

    assert read["nan"] == "nan"
    assert read["when"] == "2026-03-01T00:00:00+00:00"
    assert read["hostile"] == "<Hostile>"
    assert read["half"] == "\ud800"


def test_hostile_messages_and_errors_cost_no_line() -> None:
    class Mute(Exception):
        __str__ = Hostile.__repr__

    record = logging.makeLogRecord({"msg": Hostile(), "exc_info": (Mute, Mute(), None)})

    read = json.loads(JsonFormatter().format(record))

    assert read["message"] == "<Hostile> ()"
    assert read["exception"]["type"].endswith("Mute")


json_like = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.datetimes(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.integers() | st.text(), inner)
        | st.tuples(inner)
        | st.frozensets(st.integers())
    ),
    max_leaves=20,
)


@given(st.text(), st.dictionaries(st.text(min_size=1), json_like, max_size=5))
def test_any_extra_makes_one_line(text: str, extra: dict[str, Any]) -> None:
    taken = {*vars(logging.makeLogRecord({})), "message", "asctime"}

    lines(text, **{name: value for name, value in extra.items() if name not in taken})
