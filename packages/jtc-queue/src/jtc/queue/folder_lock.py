from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jtc.queue.errors import EmbeddedFolderInUse

if sys.platform != "win32":  # absent there, where no embedded server exists either
    import fcntl

LOCK_NAME = "lock"
# Seconds to wait for an owner that looks alive: one that was killed does so until its
# own parent has asked for its exit status.
BRIEFLY = 1.0


@dataclass(frozen=True, slots=True)
class Holder:
    """Who last locked a folder; only the lock itself says whether they still do."""

    owner: int
    pid: int = 0
    url: str = ""

    def __str__(self) -> str:
        server = f"pid {self.pid}" if self.pid else "starting"
        return f"{server}, run by process {self.owner}"


def lock_folder(folder: Path, *, patience: float) -> int:
    """Lock a folder and return the descriptor that holds the lock.

    The kernel drops the lock when the last copy of the descriptor is closed, in this
    process or in one that inherited it, so it cannot outlive those who hold it.

    Args:
        folder: An existing folder.
        patience: Seconds to wait for a server whose owner is dead and which is
            therefore about to stop.

    Raises:
        EmbeddedFolderInUse: Somebody else holds the lock.
    """
    descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    began = time.monotonic()
    while not _try_lock(descriptor):
        holder = read_holder(folder)
        limit = min(BRIEFLY, patience) if _is_alive(holder) else patience
        if time.monotonic() - began > limit:
            os.close(descriptor)
            raise EmbeddedFolderInUse(folder, str(holder), holder.url)
        time.sleep(0.05)
    return descriptor


def write_holder(descriptor: int, holder: Holder) -> None:
    """Leave a note for those who find the folder locked."""
    text = json.dumps(asdict(holder)).encode()
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text, 0)


def read_holder(folder: Path) -> Holder:
    """Return the note of the last one to lock the folder.

    Without one, as between locking a folder and leaving the note, all of it is unknown.
    """
    try:
        note: Any = json.loads((folder / LOCK_NAME).read_bytes())
        return Holder(int(note["owner"]), int(note["pid"]), str(note["url"]))
    except (OSError, ValueError, TypeError, LookupError):
        return Holder(owner=0)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_alive(holder: Holder) -> bool:
    if not holder.owner:
        return False
    try:
        os.kill(holder.owner, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # alive, and another user's
        return True
    return True
