from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path

from watchfiles import Change, awatch

from jtc.cli.errors import CannotWatch
from jtc.cli.shown_path import shown_path
from jtc.cli.sources import Snapshot, Sources, find_changes
from jtc.cli.supervisor import Supervisor

logger = logging.getLogger(__name__)

QUIET = 100
"""Milliseconds without a change after which somebody has saved all there is."""
LONGEST_QUIET = 1600
LOOK_AGAIN = 2000
"""Milliseconds; a folder may appear with files in it before anybody watches it."""
NAMED = 3
"""How many files a line names."""


async def run_reloading(supervisor: Supervisor, sources: Sources) -> int:
    """Run worker processes, and replace them when their code changes.

    Returns:
        What the supervisor does.

    Raises:
        CannotWatch: The system refuses to tell of changes.
    """
    # As it is before the first worker reads it.
    known = sources.take_snapshot()
    watching = asyncio.create_task(_watch(sources, known, supervisor))
    running = asyncio.create_task(supervisor.run())
    await asyncio.wait([running, watching], return_when=asyncio.FIRST_COMPLETED)
    if not running.done():
        # A worker whose code nobody watches is not what was asked for.
        supervisor.stop()
    status = await running
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    return status


async def _watch(sources: Sources, known: Snapshot, supervisor: Supervisor) -> None:
    while True:
        folders = sources.folders()
        try:
            async for _ in _events(folders):
                now = sources.take_snapshot()
                if changed := find_changes(known, now):
                    _report(changed, is_running=supervisor.replace())
                known = now
                if sources.folders() != folders:
                    break
        except FileNotFoundError:
            # A folder has gone just now; the others are watched anew.
            continue
        except OSError as error:
            raise CannotWatch(len(folders), error) from error


def _events(folders: frozenset[Path]) -> AsyncIterator[object]:
    return awatch(
        *folders,
        watch_filter=_may_matter,
        debounce=LONGEST_QUIET,
        step=QUIET,
        rust_timeout=LOOK_AGAIN,
        yield_on_timeout=True,
        recursive=False,
    )


def _may_matter(change: Change, path: str) -> bool:  # noqa: ARG001 - watchfiles' way
    # What has no suffix may be a folder.
    return Path(path).suffix in {".py", ".toml", ""}


def _report(changed: Sequence[Path], *, is_running: bool) -> None:
    names = [shown_path(path) for path in changed[:NAMED]]
    more = len(changed) - len(names)
    logger.info(
        "%s changed: the worker is started again%s.",
        ", ".join(names) + (f" and {more} more" if more else ""),
        " once its running jobs have ended" if is_running else "",
        extra={"action": "code_changed", "files": [str(path) for path in changed]},
    )
