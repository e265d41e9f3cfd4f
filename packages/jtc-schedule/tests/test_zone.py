from __future__ import annotations

import struct
import sys
import zoneinfo
from collections.abc import Iterator
from datetime import UTC
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jtc.schedule import InvalidTimezone
from jtc.schedule.zone import zone_name


@pytest.fixture
def no_zone_database(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in {"tzdata", *(name for name in sys.modules if "tzdata" in name)}:
        monkeypatch.setitem(sys.modules, name, None)
    former = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(to=[])
    ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath(to=former)


@pytest.mark.parametrize("name", ["UTC", "Europe/Lisbon", "America/New_York"])
def test_a_known_zone_keeps_its_name(name: str) -> None:
    assert zone_name(name) == name
    assert zone_name(ZoneInfo(name)) == name


@pytest.mark.parametrize(
    "name", ["", "Europe", "../UTC", "/etc/localtime", "a\0b", "\ud800", "Mars/Base"]
)
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidTimezone, match=r"^Time zone .*: unknown"):
        zone_name(name)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("Europe/Lisbonn", "Europe/Lisbon"),
        ("Berlin", "Europe/Berlin"),
        ("America/New York", "America/New_York"),
    ],
)
def test_a_refusal_names_zones_that_are_near(name: str, near: str) -> None:
    with pytest.raises(ValueError, match=f"near to it are .*{near}"):
        zone_name(name)


@pytest.mark.parametrize("value", [5, UTC, b"UTC"])
def test_what_has_no_zone_name_is_refused(value: Any) -> None:
    with pytest.raises(InvalidTimezone, match="give an IANA name"):
        zone_name(value)


def test_a_zone_from_a_file_has_no_name() -> None:
    # A file in the first version of the format, with one offset and no changes.
    header = b"TZif" + bytes(16) + struct.pack(">6l", 0, 0, 0, 0, 1, 4)
    offset = struct.pack(">lbb", 0, 0, 0) + b"UTC\0"
    nameless = ZoneInfo.from_file(BytesIO(header + offset))

    with pytest.raises(InvalidTimezone, match="give an IANA name"):
        zone_name(nameless)


@pytest.mark.usefixtures("no_zone_database")
def test_a_machine_without_zones_is_told_to_install_them() -> None:
    with pytest.raises(InvalidTimezone, match="install tzdata"):
        zone_name("Europe/Lisbon")
