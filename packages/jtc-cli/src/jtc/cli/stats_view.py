from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

from rich.console import Group
from rich.text import Text

from jtc.cli.durations import describe_duration
from jtc.cli.facts import describe_facts
from jtc.cli.output import print_text
from jtc.cli.pauses import describe_pause
from jtc.cli.table import choose_widths, make_table, measure_table, print_table
from jtc.queue import QueueStats

COLUMNS = (
    "Queue",
    "Queued\noldest",
    "Delayed",
    "Running",
    "Failed",
    "Per minute",
    "Workers",
)
FOLDABLE = ("Queue",)


def show_table(found: Sequence[QueueStats]) -> None:
    """Print how queues stand, for people."""
    print_table(_title(found), COLUMNS, _rows(found), foldable=FOLDABLE)
    for line in _remarks(found):
        print_text(line)


def render_stats(
    found: Sequence[QueueStats], *, width: int, trouble: str = ""
) -> Group:
    """Return the same for a screen.

    Args:
        found: How the queues stood when they were last seen; maybe nothing yet.
        width: How many columns the screen has.
        trouble: Why they could not be seen now.
    """
    parts: list[Group | Text] = []
    if found:
        parts += _table_or_list(found, width)
        parts += map(Text, _remarks(found))
    if trouble:
        parts += (Text(), Text(f"{trouble} Trying again.", style="yellow"))
    return Group(*parts, Text(), Text("Ctrl+C ends this."[:width]))


def _table_or_list(found: Sequence[QueueStats], width: int) -> list[Group | Text]:
    rows = _rows(found)
    widths = choose_widths(COLUMNS, rows, foldable=FOLDABLE, room=width)
    if measure_table(widths) <= width:
        return [make_table(_title(found), COLUMNS, rows, widths=widths)]
    # Rather than columns that are cut off: a number without its end is another one.
    headings = [column.replace("\n", ", ") for column in COLUMNS]
    texts = (describe_facts(dict(zip(headings, row, strict=True))) for row in rows)
    return [Text(_title(found), style="bold"), *map(Text, texts)]


def _title(found: Sequence[QueueStats]) -> str:
    return f"Queues (at {found[0].at:%Y-%m-%d %H:%M:%S} UTC)"


def _rows(found: Sequence[QueueStats]) -> list[tuple[str, ...]]:
    return [
        (
            stats.name,
            f"{stats.queued}\n{_age(stats.oldest)}".rstrip(),
            str(stats.delayed),
            str(stats.running),
            str(stats.failed),
            _throughput(stats),
            str(stats.workers),
        )
        for stats in found
    ]


def _age(seconds: float | None) -> str:
    return "" if seconds is None else describe_duration(seconds)


def _throughput(stats: QueueStats) -> str:
    done, failed = stats.completed_per_minute, stats.failed_per_minute
    lines = [f"{_round(done)} done"] + [f"{_round(failed)} failed"] * bool(failed)
    return "\n".join(lines)


def _round(number: float) -> str:
    if 0 < number < 10:  # noqa: PLR2004 - a tenth still tells something
        return f"{max(number, 0.1):.1f}"
    return f"{number:.0f}"


def _remarks(found: Sequence[QueueStats]) -> list[str]:
    return [
        *(
            describe_pause(stats.name, stats.paused, now=stats.at, zone=UTC)
            for stats in found
            if stats.paused
        ),
        *(
            f"Nobody works on {stats.name}."
            for stats in found
            if not stats.workers and (stats.queued or stats.delayed)
        ),
    ]
