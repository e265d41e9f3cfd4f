from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from starlette.requests import Request

from jtc.dashboard.security.user import User

HERE = User("local")
# Whoever sends one of these speaks for somebody else, who may be anywhere.
PROXIED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


async def admit_local(request: Request) -> User | None:
    """Let in who asks from this machine, under a name of this machine.

    A browser that was led here by a name that a stranger's server resolves to this
    machine says that name; a proxy says that it is one.
    """
    client = request.client
    if client is None or not is_loopback(client.host):
        return None
    if not is_loopback(host_of(request.headers)):
        return None
    return None if any(name in request.headers for name in PROXIED) else HERE


def is_loopback(host: str) -> bool:
    """Tell whether a name or an address can only be this machine's.

    Example:
        >>> [is_loopback(host) for host in ("localhost", "127.0.0.1", "::1", "0.0.0.0")]
        [True, True, True, False]
    """
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def host_of(headers: Mapping[str, str]) -> str:
    """Return what a request calls this machine, without the port.

    Example:
        >>> host_of({"host": "[::1]:8080"}), host_of({"host": "localhost"})
        ('[::1]', 'localhost')
    """
    host = headers.get("host", "")
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
