"""A process that stops a server once nobody is left who wants it.

It is run by its path in an interpreter without site-packages, hence the standard
library only: importing `jtc.queue` would cost it half a second and 40 MB.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

# The pipe wakes the guard at once. This often, in seconds, it looks for what the pipe
# cannot tell: a signal, a dead server, an owner whose forked child keeps the pipe open.
LOOK_EVERY = 0.2


def guard(
    command: Sequence[str], *, owner: int, pipe: int, lock: int, patience: float
) -> int:
    """Run a server for as long as its owner lives, then stop it.

    The server's pid is written to standard output, what the server writes goes to
    standard error.

    Args:
        command: The server's command line.
        owner: The process this one was started by.
        pipe: A descriptor that reads end-of-file once the owner lets go of it.
        lock: A locked descriptor. The server inherits it, so the lock is held for
            exactly as long as a server, or a child of one, is alive.
        patience: Seconds between asking the server to stop and killing it.

    Returns:
        The server's exit status, as `subprocess` counts it.
    """
    leaving = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # A handler that raised could do so before the server is in a try block.
        signal.signal(number, lambda *_: leaving.set())
    server = subprocess.Popen(  # noqa: S603 - the command comes from EmbeddedServer
        command, stdin=subprocess.DEVNULL, stdout=sys.stderr, pass_fds=[lock]
    )
    sys.stdout.write(f"{server.pid}\n")
    sys.stdout.flush()
    while server.poll() is None and os.getppid() == owner and not leaving.is_set():
        readable, _, _ = select.select([pipe], [], [], LOOK_EVERY)
        if readable:
            break
    return _stop(server, patience=patience)


def _stop(server: subprocess.Popen[bytes], *, patience: float) -> int:
    server.terminate()
    try:
        return server.wait(patience)
    except subprocess.TimeoutExpired:
        server.kill()
        return server.wait()


if __name__ == "__main__":
    _owner, _lock, _patience, *_command = sys.argv[1:]
    _status = guard(
        _command,
        owner=int(_owner),
        pipe=sys.stdin.fileno(),
        lock=int(_lock),
        patience=float(_patience),
    )
    sys.exit(1 if _status else 0)
