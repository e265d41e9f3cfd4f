from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus

from jtc.cli.census import Census
from jtc.cli.endpoints import Address, Endpoints
from jtc.cli.errors import MetricsMissing
from jtc.cli.http_port import Answer, HttpPort, Page
from jtc.cli.output import say
from jtc.cli.probes import Checks, are_ok, check_alive, check_ready
from jtc.cli.snapshot_sum import Snapshot

Check = Callable[..., Checks]


@contextmanager
def serving(endpoints: Endpoints, census: Census) -> Iterator[None]:
    """Answer Prometheus and probes for as long as the context lasts.

    Args:
        endpoints: Where; both may have the same port.
        census: Says what there is to tell.

    Raises:
        PortRefused: A port is in use, or not ours to take.
        MetricsMissing: The extra is not installed.
    """
    ports: dict[Address, dict[str, Page]] = {}
    if endpoints.metrics is not None:
        pages = ports.setdefault(endpoints.metrics, {})
        pages["/metrics"] = _metrics_page(census)
    if endpoints.health is not None:
        pages = ports.setdefault(endpoints.health, {})
        pages["/livez"] = _health_page(lambda: _look(census, check_alive))
        pages["/readyz"] = _health_page(lambda: _readiness(census))
    with ExitStack() as opened:
        for address, pages in ports.items():
            port = opened.enter_context(HttpPort(address, pages))
            say(f"Answering at {port.url}: {', '.join(pages)}.", action="port_opened")
        yield


def _metrics_page(census: Census) -> Page:
    try:
        # Only who wants it needs the extra, and pays for the import.
        from jtc.metrics.exposition import Exposition  # noqa: PLC0415
    except ImportError as error:
        raise MetricsMissing from error
    exposition = Exposition(census.total)
    return lambda accept: Answer(HTTPStatus.OK, *exposition.write(accept))


def _health_page(look: Callable[[], dict[str, Checks]]) -> Page:
    def answer(accept: str) -> Answer:  # noqa: ARG001 - it is JSON in any case
        found = look()
        is_well = are_ok(found)
        status = HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE
        body = {"status": "ok" if is_well else "failing", "processes": found}
        text = f"{json.dumps(body, indent=2)}\n"
        return Answer(status, "application/json", text.encode())

    return answer


def _readiness(census: Census) -> dict[str, Checks]:
    found = _look(census, check_ready)
    numbers = map(str, range(1, census.processes + 1))
    return {number: found.get(number, {"worker": "is not there"}) for number in numbers}


def _look(census: Census, check: Check) -> dict[str, Checks]:
    now = time.monotonic()
    known: dict[int, Snapshot | None] = dict(census.by_number())
    return {str(n): check(known[n], now=now) for n in sorted(known)}
