from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

SHOWN_AFTER = 1.0
"""Seconds that a command may take before it shows how far it is."""

Show = Callable[[int, int], object]


@contextmanager
def progress_bar(what: str) -> Iterator[Show]:
    """Show on a terminal how far a command is, once it has taken a second.

    Args:
        what: What it does, as in "Retrying".

    Returns:
        What is to be told how many are done, and of how many.
    """
    with ExitStack() as stack:
        yield _Bar(what, stack).show


class _Bar:
    def __init__(self, what: str, stack: ExitStack) -> None:
        self._what = what
        self._stack = stack
        self._begun = time.monotonic()
        self._update: Show | None = None

    def show(self, done: int, total: int) -> None:
        if self._update is None and self._is_wanted():
            self._update = self._open()
        if self._update is not None:
            self._update(done, total)

    def _is_wanted(self) -> bool:
        is_slow = time.monotonic() - self._begun >= SHOWN_AFTER
        return is_slow and sys.stderr.isatty()

    def _open(self) -> Show:
        # Nearly all are done before anybody has to pay for the import.
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import Progress  # noqa: PLC0415

        # Data may be on its way to standard output.
        progress = Progress(console=Console(file=sys.stderr), transient=True)
        bar = self._stack.enter_context(progress)
        task = bar.add_task(self._what)
        return lambda done, total: bar.update(task, completed=done, total=total)
