from __future__ import annotations

import logging
import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple, Self

from jtc.cli.endpoints import Address
from jtc.cli.errors import PortRefused

logger = logging.getLogger(__name__)

PATIENCE = 10.0
"""Seconds that who asks has to say what it wants, and to take the answer."""
STOP_WITHIN = 0.1


class Answer(NamedTuple):
    """What is sent back."""

    status: HTTPStatus
    content_type: str
    body: bytes


Page = Callable[[str], Answer]
"""Makes the answer from the request's `Accept` header."""


class HttpPort:
    """Answers GET and HEAD from threads of its own, also while the event loop does not.

    Args:
        address: Where.
        pages: What is there, by path.

    Raises:
        PortRefused: The port is in use, or not ours to take.
    """

    def __init__(self, address: Address, pages: Mapping[str, Page]) -> None:
        try:
            self._server = _Server(address, pages)
        except (OSError, OverflowError) as error:
            raise PortRefused(address.host, address.port, error) from error

    @property
    def url(self) -> str:
        """Where it is, without the path."""
        host, port, *_ = map(str, self._server.server_address)
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def __enter__(self) -> Self:
        threading.Thread(
            target=self._server.serve_forever,
            args=(STOP_WITHIN,),
            name="jtc-http",
            daemon=True,
        ).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    # Where it is full, who connects has to wait for a second at the least.
    request_queue_size = 64
    # Who is in the middle of a request does not hold up the end of the program.
    block_on_close = False

    def __init__(self, address: Address, pages: Mapping[str, Page]) -> None:
        if ":" in address.host:
            self.address_family = socket.AF_INET6
        self.pages = pages
        super().__init__((address.host, address.port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: it is one that did not wait for its answer."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "jtc"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE

    def do_GET(self) -> None:
        answer = self._try_to_answer()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(answer.body)

    do_HEAD = do_GET  # noqa: N815 - the base's name

    def log_message(self, *args: Any) -> None:
        """Log nothing: probes come every few seconds."""

    def _try_to_answer(self) -> Answer:
        try:
            return self._answer()
        except Exception:
            logger.exception(
                "Cannot answer %r.", self.path, extra={"action": "port_fault"}
            )
            text = b"This could not be answered; the log tells more.\n"
            return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain", text)

    def _answer(self) -> Answer:
        path = self.path.partition("?")[0]
        page = self.server.pages.get(path)
        if page is None:
            known = " ".join(sorted(self.server.pages))
            return Answer(HTTPStatus.NOT_FOUND, "text/plain", f"{known}\n".encode())
        return page(self.headers.get("Accept", ""))
