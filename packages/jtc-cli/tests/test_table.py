from __future__ import annotations

import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jtc.cli.cells import break_cell, measure_cell, share_width
from jtc.cli.table import NARROWEST, choose_folded, print_table

COLUMNS = ("Name", "Schedule", "Description")
ROWS = [
    ("hourly_cleanup", "0 * * * *", "Clean up temporary files of every tenant."),
    ("[red]markup[/red]", "60s", "Sync the cache."),
]
FOLDABLE = ("Description", "Name")


@pytest.fixture
def width(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> int:
    monkeypatch.setenv("COLUMNS", str(request.param))
    return int(request.param)


def test_a_piped_table_is_80_columns_wide(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table("Title", COLUMNS, [("n", "s", "word " * 40)], foldable=FOLDABLE)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Title"
    assert {len(line) for line in lines[1:]} == {80}


@pytest.mark.parametrize("columns", ["", "wide", "0"])
def test_a_width_that_is_none_is_ignored(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    columns: str,
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    test_a_piped_table_is_80_columns_wide(capsys)


@pytest.mark.parametrize("width", [20, 60, 80, 200], indirect=True)
def test_a_table_loses_no_letter_at_any_width(
    capsys: pytest.CaptureFixture[str], width: int
) -> None:
    print_table("Title", COLUMNS, ROWS, foldable=FOLDABLE)
    lines = capsys.readouterr().out.splitlines()[4:-1]
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines]
    letters = ["".join(column).replace(" ", "") for column in zip(*cells, strict=True)]
    assert letters == [
        "".join(row[index] for row in ROWS).replace(" ", "") for index in range(3)
    ]


@pytest.mark.parametrize("width", [80], indirect=True)
def test_a_name_is_folded_only_after_the_description(
    capsys: pytest.CaptureFixture[str], width: int
) -> None:
    row = ("a" * 40, "0 * * * *", "words " * 10)
    print_table("Title", COLUMNS, [row], foldable=FOLDABLE)
    assert "a" * 40 in capsys.readouterr().out


def test_a_terminal_without_unicode_gets_ascii(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", errors="backslashreplace")
    monkeypatch.setattr(sys, "stdout", stream)
    print_table("Title", COLUMNS, [("täsk", "60s", "")], foldable=FOLDABLE)
    stream.flush()
    text = raw.getvalue().decode("ascii")
    assert "+---" in text
    assert "t\\xe4sk" in text


@given(st.lists(st.integers(1, 60), min_size=1, max_size=6), st.integers(1, 200))
def test_as_few_columns_as_possible_are_folded(sizes: list[int], room: int) -> None:
    widths = {str(index): size for index, size in enumerate(sizes)}
    foldable = list(widths)

    def needed(folded: list[str]) -> int:
        cells = (min(NARROWEST, w) if n in folded else w for n, w in widths.items())
        return sum(cells) + 3 * len(widths) + 1

    folded = list(choose_folded(widths, foldable, room=room))
    assert folded == foldable[: len(folded)]
    assert needed(folded) <= room or folded == foldable
    assert not folded or needed(folded[:-1]) > room


def test_names_are_broken_between_their_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    row = ("nightly_report_of_all_the_shops", "30 2 * * * America/New_York", "w " * 30)
    print_table("Title", COLUMNS, [row], foldable=("Description", "Schedule", "Name"))
    out = capsys.readouterr().out
    cells = [line.split("│")[1].strip() for line in out.splitlines()[4:-1]]
    words = set(row[0].split("_"))
    assert {word for cell in cells for word in cell.split("_") if word} == words


@given(st.text(" _.abä世", max_size=40), st.integers(4, 20))
def test_a_broken_cell_has_all_its_letters_and_is_no_wider(
    text: str, width: int
) -> None:
    broken = break_cell(text, width)
    assert measure_cell(broken) <= width
    assert "".join(broken.split()) == "".join(text.split())


@given(
    st.lists(st.tuples(*[st.integers(1, 40)] * 3).map(sorted).map(tuple), min_size=1),
    st.integers(0, 200),
)
def test_room_is_shared_without_any_left_or_too_much(
    sizes: list[tuple[int, int, int]], room: int
) -> None:
    wishes = {str(index): size for index, size in enumerate(sizes)}
    widths = share_width(room, wishes)
    least, most = (sum(size[index] for size in sizes) for index in (0, 2))
    assert sum(widths.values()) == max(least, min(room, most))
    assert all(wishes[n][0] <= width <= wishes[n][2] for n, width in widths.items())
