from __future__ import annotations

import importlib
import traceback
from collections.abc import Iterator
from pathlib import Path

import jtc


def format_user_traceback(error: BaseException) -> str:
    """Return a traceback with the frames of the user's code and its libraries only.

    Those of the import machinery and of jtc say how the user's module was reached,
    which the message says already.
    """
    report = traceback.TracebackException.from_exception(error)
    for part in _parts(report):
        frames = [frame for frame in part.stack if not _is_ours(frame.filename)]
        part.stack = traceback.StackSummary.from_list(frames)
    return "".join(report.format()).rstrip()


def format_user_place(error: BaseException) -> str:
    """Return an error, and the last line of the user's code on the way to it."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not _is_ours(frame.filename)]
    return "\n".join([*traceback.format_list(theirs[-1:]), str(error)])


def _parts(
    report: traceback.TracebackException | None,
) -> Iterator[traceback.TracebackException]:
    if report is None:
        return
    yield report
    for part in (report.__cause__, report.__context__, *(report.exceptions or ())):
        yield from _parts(part)


def _is_ours(filename: str) -> bool:
    # The import system, and the metaclass through which a declaration goes.
    if filename.startswith("<frozen "):
        return True
    machinery = str(Path(importlib.__file__).parent)
    folders = (machinery, *jtc.__path__)
    return any(Path(filename).is_relative_to(folder) for folder in folders)
