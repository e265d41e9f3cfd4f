from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from rich.box import SQUARE
from rich.cells import cell_len
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

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
    widths = _measure_columns(columns, rows)
    folded = choose_folded(widths, foldable, room=console.width)
    # Better lines that the terminal breaks than columns of one letter.
    console.width = max(console.width, _measure_table(widths, folded))
    console.print(make_table(title, columns, rows, folded=folded))


def make_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    folded: Sequence[str],
) -> Group:
    """Return a table with its title, to be printed on a console.

    Args:
        title: Stands above it.
        columns: The headings.
        rows: The cells, as many as columns.
        folded: The columns whose cells may go on in the next line.
    """
    table = Table(box=SQUARE)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column not in folded)
    for row in rows:
        # A Text is shown as it is: a name may look like markup.
        table.add_row(*(Text(cell) for cell in row))
    return Group(Text(title, style="bold"), table)


def fits(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, foldable: Sequence[str]
) -> bool:
    """Tell whether there is room for a table, with the columns folded that may be."""
    widths = _measure_columns(columns, rows)
    return _measure_table(widths, foldable) <= open_console().width


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
        if _measure_table(widths, foldable[:count]) <= room:
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
    return {column[0]: max(map(_measure_cell, column)) for column in cells}


def _measure_cell(cell: str) -> int:
    return max(map(cell_len, cell.split("\n")))


def _measure_table(widths: Mapping[str, int], folded: Sequence[str]) -> int:
    cells = (
        min(width, NARROWEST) if name in folded else width
        for name, width in widths.items()
    )
    return sum(cells) + FRAME_PER_COLUMN * len(widths) + 1
