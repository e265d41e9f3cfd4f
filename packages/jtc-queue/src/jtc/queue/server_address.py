from __future__ import annotations

import hashlib
import os
import socket
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from jtc.queue.errors import EmbeddedServerFailed

LOOPBACK = "127.0.0.1"
SOCKET_NAME = "valkey.sock"
# The kernel's limit for the path of a socket is 104 bytes on macOS, 108 on Linux.
LONGEST_SOCKET_PATH = 100
# Another process may take a free port before the server does.
PORT_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where an embedded server listens: a port of the loopback interface or a socket.

    Example:
        >>> ServerAddress(socket="/home/me/my app/valkey.sock").url
        'unix:///home/me/my%20app/valkey.sock'
    """

    port: int = 0
    socket: str = ""

    @property
    def url(self) -> str:
        """The URL for clients."""
        if self.socket:
            return f"unix://{quote(self.socket)}"
        return f"redis://{LOOPBACK}:{self.port}"


def offer_ports(*, former_url: str = "") -> list[ServerAddress]:
    """Return addresses to try in turn: the former one if it is free, then free ones."""
    former = urlsplit(former_url).port
    ports = [former] if former and _is_free(former) else []
    ports += (_find_free_port() for _ in range(PORT_ATTEMPTS))
    return [ServerAddress(port=port) for port in ports]


def place_socket(folder: Path) -> ServerAddress:
    """Return the address of a socket in `folder`, or elsewhere if its path is too long.

    Raises:
        EmbeddedServerFailed: There is no place that is short enough and ours alone.
    """
    near = folder / SOCKET_NAME
    if _is_short(near):
        return ServerAddress(socket=str(near))
    # The same folder gets the same place again, so that a URL stays valid.
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    far = Path(tempfile.gettempdir()) / f"jtc-{digest}" / SOCKET_NAME
    if not _is_short(far):
        raise EmbeddedServerFailed(
            folder, f"{far} is too long a path for a socket; set TMPDIR to a short one"
        )
    _claim_place(far.parent, folder)
    return ServerAddress(socket=str(far))


def clear_place(address: ServerAddress, folder: Path) -> None:
    """Remove what `place_socket` made outside of `folder`."""
    place = Path(address.socket).parent
    if address.socket and place != folder:
        with suppress(OSError):
            place.rmdir()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the server does: a port whose last connections linger is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _find_free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as probe:
        return int(probe.getsockname()[1])


def _is_short(path: Path) -> bool:
    return len(os.fsencode(path)) <= LONGEST_SOCKET_PATH


def _claim_place(place: Path, folder: Path) -> None:
    place.mkdir(mode=0o700, exist_ok=True)
    found = place.lstat()
    is_private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
    # Anybody may write where temporary files go, and could listen there in our place.
    if not is_private or found.st_uid != os.getuid():
        raise EmbeddedServerFailed(
            folder, f"{place} belongs to somebody else; set TMPDIR to a folder of yours"
        )
