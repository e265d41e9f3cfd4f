from __future__ import annotations

import os
import re
import struct
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[6]
PAGE = ROOT / "docs" / "dashboard.md"
IMAGES = ROOT / "docs" / "images"
LARGEST = 150_000
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
PICTURES: dict[str, dict[str, Any]] = {
    "dashboard-overview.png": {"path": "/"},
    "dashboard-overview-dark.png": {"path": "/", "theme": "dark"},
    "dashboard-failed.png": {"path": "/failed"},
    "dashboard-failed-by-error.png": {"path": "/failed?by=group"},
    "dashboard-job.png": {"path": "/job?id=charge-1041"},
    "dashboard-schedules.png": {"path": "/schedules"},
    "dashboard-phone.png": {"path": "/", "viewport": PHONE},
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_in_the_docs_shows_the_dashboard_as_it_is(
    stocked: Any, visit: Any, tmp_path: Path, name: str
) -> None:
    """To take them anew: JTC_SCREENSHOTS=1 in the environment."""
    # Given
    wish = PICTURES[name]
    theme, size = wish.get("theme", "light"), wish.get("viewport", DESK)
    page = visit(viewport=size, color_scheme=theme, reduced_motion="reduce").page
    page.goto(wish["path"])

    # When
    folder = IMAGES if os.environ.get("JTC_SCREENSHOTS") else tmp_path
    folder.mkdir(exist_ok=True)
    page.screenshot(path=folder / name)

    # Then
    kept = IMAGES / name
    assert dimensions(folder / name) == (size["width"], size["height"])
    assert dimensions(kept) == dimensions(folder / name)
    assert kept.stat().st_size < LARGEST


def test_the_docs_name_the_pictures_that_there_are() -> None:
    named = re.findall(r"\(images/(dashboard[^)]*\.png)\)", PAGE.read_text("utf-8"))

    assert sorted(named) == sorted(PICTURES)
    assert sorted(path.name for path in IMAGES.glob("dashboard*")) == sorted(PICTURES)


def dimensions(picture: Path) -> tuple[int, int]:
    """Return width and height, which stand at the beginning of a PNG."""
    with picture.open("rb") as file:
        beginning = file.read(24)
    assert beginning.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", beginning[16:])
    return width, height
