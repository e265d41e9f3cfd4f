from __future__ import annotations

import re
from typing import Any

import redis as blocking
from redis import asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from jtc.queue.connection import PACKING
from jtc.queue.errors import InvalidRedisUrl

# A reply that does not come within this time means a connection that is dead without
# having been closed. Longer than any command that waits on purpose.
SOCKET_TIMEOUT = 15.0
CONNECT_TIMEOUT = 5.0

# What both kinds of client understand, so that one can be made after the other.
_SHARED_OPTIONS = frozenset(
    {
        "host",
        "port",
        "path",
        "db",
        "username",
        "password",
        "credential_provider",
        "protocol",
        "socket_keepalive",
        "ssl_keyfile",
        "ssl_certfile",
        "ssl_cert_reqs",
        "ssl_ca_certs",
        "ssl_ca_data",
        "ssl_ca_path",
        "ssl_check_hostname",
        "ssl_min_version",
        "ssl_ciphers",
    }
)


# The key may be written in percent codes as well.
_IN_QUERY = re.compile(r"([?&][^=&]*(?:password|%70assword)=)[^&\s]*", re.IGNORECASE)
# Also without a colon: who forgets it has written the password in the user's place.
_BEHIND_SCHEME = re.compile(r"(?<=://)([^:@/]*:)?(?(1).*|[^:/?]+)@")
_AT_START = re.compile(r"^((?:[\w+.-]+:/)?[^:@/]*:).*@")


def open_client(url: str) -> aioredis.Redis:
    """Make a client for `url`; the connection is made by the first command.

    The client does not repeat a command whose reply was lost: the queue knows which of
    its steps may be repeated, the client cannot.

    Args:
        url: `redis://`, `rediss://` (TLS) or `unix://`, with credentials and database.

    Raises:
        InvalidRedisUrl: The URL cannot be understood; a password in it is masked.

    Example:
        >>> client = open_client("redis://localhost:6379/1")
        >>> client.connection_pool.connection_kwargs["db"]
        1
    """
    # A unix socket has no keep-alive, and the client refuses to be asked for it.
    _check_password(str(url))
    tcp_options = {} if url.startswith("unix") else {"socket_keepalive": True}
    try:
        client = aioredis.Redis.from_url(
            url,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=SOCKET_TIMEOUT,
            socket_connect_timeout=CONNECT_TIMEOUT,
            **tcp_options,
        )
    except (ValueError, AttributeError, TypeError) as error:
        raise InvalidRedisUrl(mask_url(str(url)), _first_line(error, url)) from None
    pool = client.connection_pool
    pool.connection_class = PACKING[pool.connection_class]
    return client


def open_blocking_twin(client: aioredis.Redis) -> blocking.Redis:
    """Make a client for threads that reaches the same server as `client`."""
    pool = client.connection_pool
    options: dict[str, Any] = {
        name: value
        for name, value in pool.connection_kwargs.items()
        if name in _SHARED_OPTIONS
    }
    names = [base.__name__ for base in pool.connection_class.__mro__]
    kind = next(
        getattr(blocking.connection, name)
        for name in names
        if hasattr(blocking.connection, name)
    )
    return blocking.Redis(
        connection_pool=blocking.ConnectionPool(
            connection_class=kind,
            socket_timeout=CONNECT_TIMEOUT,
            socket_connect_timeout=CONNECT_TIMEOUT,
            **options,
        )
    )


def mask_url(url: str) -> str:
    """Return `url` with its passwords replaced, fit to be shown.

    Example:
        >>> mask_url("redis://worker:s3cret@host:6379/0")
        'redis://worker:***@host:6379/0'
        >>> mask_url("rediss://host?ssl_password=s3cret&db=1")
        'rediss://host?ssl_password=***&db=1'
    """
    shown = _IN_QUERY.sub(r"\1***", url)
    # What goes wrong with a URL may be that it has no scheme.
    where = _BEHIND_SCHEME if "://" in shown else _AT_START
    return where.sub(r"\1***@", shown)


def _check_password(url: str) -> None:
    """Refuse a password that would be taken for the end of the address."""
    if url.startswith("unix"):
        return
    _, _, rest = _IN_QUERY.sub(r"\1***", url).partition("://")
    _, *parts = re.split(r"[/?#&]", rest)
    if any("@" in part and "=" not in part for part in parts):
        why = "its password has a /, ?, # or &: write %2F, %3F, %23 or %26"
        raise InvalidRedisUrl(mask_url(url), why)


def _first_line(error: Exception, url: str) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return mask_url(text.replace(url, mask_url(url)))
