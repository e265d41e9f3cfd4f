from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping, Sequence

from rich.box import SQUARE
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from jtc.cli.cells import break_cell, measure_cell, measure_piece, share_width

PIPED_WIDTH = 80
# A folded column keeps this many letters: narrower ones are no longer legible.
NARROWEST = 12
# Two blanks and a line for each column, and one line more.
FRAME_PER_COLUMN = 3


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    foldable: Sequence[str],
) -> None:
    """Write a table that loses no letter, however narrow the place is.

    Args:
        title: Stands above it.
        columns: The headings.
        rows: The cells, as many as columns.
        foldable: The columns whose cells may go on in the next line, in the order in
            which they have to when there is no room.
    """
    console = open_console()
    widths = choose_widths(columns, rows, foldable=foldable, room=console.width)
    # Better lines that the terminal breaks than columns of one letter.
    console.width = max(console.width, measure_table(widths))
    console.print(make_table(title, columns, rows, widths=widths))


def make_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    widths: Sequence[int],
) -> Group:
    """Return a table with its title, to be printed on a console.

    Args:
        title: Stands above it.
        columns: The headings.
        rows: The cells, as many as columns.
        widths: How wide the columns are.
    """
    table = Table(box=SQUARE)
    for column, width in zip(columns, widths, strict=True):
        heading = Text(break_cell(column, width))
        table.add_column(heading, width=width, no_wrap=True)
    for row in rows:
        cells = zip(row, widths, strict=True)
        # A Text is shown as it is: a name may look like markup.
        table.add_row(*(Text(break_cell(cell, width)) for cell, width in cells))
    return Group(Text(title, style="bold"), table)


def choose_widths(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    foldable: Sequence[str],
    room: int,
) -> list[int]:
    """Return how wide columns are to be, so that a table fits if that can be.

    Args:
        columns: The headings.
        rows: The cells, as many as columns.
        foldable: As for `print_table`.
        room: The width of the place.
    """
    widths = _measure_columns(columns, rows)
    folded = choose_folded(widths, foldable, room=room)
    fixed = {name: width for name, width in widths.items() if name not in folded}
    wishes = {
        name: (
            min(widths[name], NARROWEST),
            max(map(measure_piece, (name, *cells))),
            widths[name],
        )
        for name, *cells in zip(columns, *rows, strict=True)
        if name in folded
    }
    left = room - _measure_frame(columns) - sum(fixed.values())
    shared = share_width(left, wishes)
    return [(fixed | shared)[name] for name in columns]


def measure_table(widths: Sequence[int]) -> int:
    """Return how wide a table is whose columns are so wide."""
    return sum(widths) + _measure_frame(widths)


def fits(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, foldable: Sequence[str]
) -> bool:
    """Tell whether there is room for a table, with the columns folded that may be."""
    widths = _measure_columns(columns, rows)
    return _measure_folded(widths, foldable) <= open_console().width


def choose_folded(
    widths: Mapping[str, int], foldable: Sequence[str], *, room: int
) -> Sequence[str]:
    """Return the columns to fold so that a table fits, as few as possible.

    Args:
        widths: The width that each column would like to have.
        foldable: The columns that may be folded, the first to be so first.
        room: The width of the place.

    Example:
        >>> choose_folded({"Name": 20, "Description": 60}, ["Description"], room=80)
        ['Description']
    """
    for count in range(len(foldable)):
        if _measure_folded(widths, foldable[:count]) <= room:
            return foldable[:count]
    return foldable


def open_console() -> Console:
    """Return a console that writes data, as wide as the place it goes to."""
    # rich would take the width of any terminal it finds, also that of another stream.
    width = None if sys.stdout.isatty() else _piped_width()
    return Console(file=sys.stdout, width=width, highlight=False)


def _piped_width() -> int:
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdecimal() and int(columns) else PIPED_WIDTH


def _measure_columns(
    columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> dict[str, int]:
    cells = zip(columns, *rows, strict=True)
    return {column[0]: max(map(measure_cell, column)) for column in cells}


def _measure_folded(widths: Mapping[str, int], folded: Sequence[str]) -> int:
    cells = (
        min(width, NARROWEST) if name in folded else width
        for name, width in widths.items()
    )
    return sum(cells) + _measure_frame(widths)


def _measure_frame(columns: Collection[object]) -> int:
    return FRAME_PER_COLUMN * len(columns) + 1
