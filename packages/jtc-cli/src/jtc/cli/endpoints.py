from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

ANYWHERE = "0.0.0.0"  # noqa: S104 - asked for; Prometheus and probes are elsewhere


class Address(NamedTuple):
    """Where a port is opened; port 0 is any that is free."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a worker can be asked how it is, by HTTP.

    Attributes:
        metrics: Where Prometheus is answered.
        health: Where probes are.
    """

    metrics: Address | None = None
    health: Address | None = None

    def __bool__(self) -> bool:
        return self.metrics is not None or self.health is not None


def open_at(host: str, port: int | None) -> Address | None:
    """Return an address; None without a port."""
    return None if port is None else Address(host, port)
