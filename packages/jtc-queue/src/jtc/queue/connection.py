from __future__ import annotations

from typing import Any

import hiredis
from redis.asyncio import connection


class _PacksInC:
    """Packs a command in C, as redis-py does for threads but not for asyncio.

    A settled batch has hundreds of arguments; packing them was a third of its cost.
    """

    def pack_command(self, *args: Any) -> list[bytes]:
        name, *rest = args
        words = name.split() if isinstance(name, str | bytes) else [name]
        return [hiredis.pack_command((*words, *rest))]


class PackingConnection(_PacksInC, connection.Connection):
    """A TCP connection."""


class PackingSSLConnection(_PacksInC, connection.SSLConnection):
    """A TLS connection."""


class PackingUnixConnection(_PacksInC, connection.UnixDomainSocketConnection):
    """A unix socket."""


PACKING: dict[type[Any], type[Any]] = {
    connection.Connection: PackingConnection,
    connection.SSLConnection: PackingSSLConnection,
    connection.UnixDomainSocketConnection: PackingUnixConnection,
}
"""The packing twin of each of redis-py's connections."""
