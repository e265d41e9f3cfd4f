from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from jtc.cli.logs import shows_tracebacks
from jtc.cli.output import fail


@contextmanager
def report_errors() -> Iterator[None]:
    """End the program with one message and status 1 at an error of ours."""
    try:
        yield
    except Exception as error:
        if not _is_ours(error) or shows_tracebacks():
            raise
        fail(str(error))
        sys.exit(1)


def _is_ours(error: Exception) -> bool:
    """Tell whether an error was written to be read, without importing its class."""
    return any(kind.__module__.startswith("jtc.") for kind in type(error).__mro__)
