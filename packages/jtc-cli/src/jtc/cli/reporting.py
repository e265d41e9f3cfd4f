from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from jtc.cli.logs import shows_tracebacks
from jtc.cli.output import fail, warn
from jtc.cli.shown_path import shown_path


@contextmanager
def report_errors() -> Iterator[None]:
    """End the program with one message and status 1 at an error of ours."""
    try:
        yield
    except Exception as error:
        if not is_ours(error) or shows_tracebacks():
            raise
        fail(str(error))
        sys.exit(1)


def report_warnings() -> None:
    """Show warnings of ours as the commands show theirs, others as Python does."""
    shown = warnings.showwarning

    def show(  # noqa: PLR0917 - as Python calls it
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if category.__module__.startswith("jtc."):
            warn(f"{shown_path(filename)}:{lineno}: {message}")
        else:
            shown(message, category, filename, lineno, file, line)

    warnings.showwarning = show


def is_ours(error: BaseException) -> bool:
    """Tell whether an error was written to be read, without importing its class."""
    return any(kind.__module__.startswith("jtc.") for kind in type(error).__mro__)
