from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from rich.cells import cell_len, chop_cells

_WORD = re.compile(r"\s*\S+")
# A name is best broken after what joins its words.
_PIECE = re.compile(r"\s*[^\s._/:-]+[._/:-]*|\s*[._/:-]+")


def measure_cell(text: str) -> int:
    """Return how wide the widest line of a cell is."""
    return max(map(cell_len, text.split("\n")))


def measure_piece(text: str) -> int:
    """Return how wide the widest part of a cell is that is best left in one piece.

    Example:
        >>> measure_piece("send_the_report every day")
        6
    """
    return max((cell_len(piece.strip()) for piece in _PIECE.findall(text)), default=0)


def break_cell(text: str, width: int) -> str:
    """Return a cell whose lines are no wider, broken between words if that can be.

    Example:
        >>> print(break_cell("nightly_report_of_all_shops", 14))
        nightly_
        report_of_all_
        shops
    """
    return "\n".join(row for line in text.split("\n") for row in _rows(line, width))


def share_width(
    room: int, wishes: Mapping[str, tuple[int, int, int]]
) -> dict[str, int]:
    """Return how wide columns are to be that have to share some room.

    Args:
        room: What there is for all of them.
        wishes: Of each the least, what its words need, and what it would like to have;
            what is left over goes to where more is missing.

    Example:
        >>> share_width(30, {"Name": (12, 14, 20), "Note": (12, 12, 40)})
        {'Name': 14, 'Note': 16}
    """
    widths = {name: least for name, (least, _, _) in wishes.items()}
    for step in (1, 2):
        missing = {
            name: max(0, wish[step] - widths[name]) for name, wish in wishes.items()
        }
        spare = max(0, room - sum(widths.values()))
        total = sum(missing.values())
        for name, wanted in missing.items():
            given = min(wanted, spare * wanted // max(total, 1))
            widths[name] += given
            spare, total = spare - given, total - wanted
    return widths


def _rows(line: str, width: int) -> Iterator[str]:
    row = ""
    for piece in _pieces(line, width):
        if row and cell_len(row + piece) > width >= cell_len(piece.strip()):
            yield row
            row = ""
        row += piece if row else piece.lstrip()
        # What is wider than the column has to be broken somewhere.
        *full, row = chop_cells(row, width) or [""]
        yield from full
    yield row


def _pieces(line: str, width: int) -> Iterator[str]:
    for word in _WORD.findall(line):
        if cell_len(word.strip()) <= width:
            yield word
        else:
            yield from _PIECE.findall(word)
