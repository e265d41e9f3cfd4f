from __future__ import annotations

import asyncio
import logging
from collections import deque
from functools import partial
from http import HTTPStatus
from urllib.error import HTTPError
from urllib.parse import urlsplit

from jtc.queue.background import background_for
from jtc.queue.ping_call import call_url
from jtc.queue.threads import run_in_thread
from jtc.schedule import Ping

logger = logging.getLogger(__name__)

WAITS = (1.0, 3.0)
"""Seconds before each further try."""
# Of a host that does not answer the oldest pings are dropped: the newest say how it is.
_MOST_WAITING = 10
_WORTH_TRYING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)

# What does not answer: hosts, and tasks whose URL a host refuses.
_troubled: set[tuple[str, str]] = set()


class Pings:
    """Calls the URLs of a task, one after the other and beside everything else.

    Args:
        name: The task's name.
        ping: The URLs.
    """

    def __init__(self, name: str, ping: Ping) -> None:
        self._name = name
        self._ping = ping
        self._waiting: deque[tuple[str, bytes | None]] = deque(maxlen=_MOST_WAITING)
        self._sending: asyncio.Task[None] | None = None

    def started(self) -> None:
        """Say that a tick starts."""
        self._add(self._ping.start)

    def succeeded(self) -> None:
        """Say that a tick has run."""
        self._add(self._ping.success)

    def failed(self, text: str) -> None:
        """Say that a tick has failed, and what with."""
        self._add(self._ping.failure, text.encode("utf-8", "replace"))

    def _add(self, url: str | None, body: bytes | None = None) -> None:
        if url is None:
            return
        self._waiting.append((url, body))
        if not self._is_sending():
            # In their order: a start that came behind the success would be an alarm.
            sending = self._send_all()
            what = f"a ping of task {self._name}"
            self._sending = background_for("pings").start(sending, what)

    def _is_sending(self) -> bool:
        sending = self._sending
        if sending is None or sending.done():
            return False
        return sending.get_loop() is asyncio.get_running_loop()

    async def _send_all(self) -> None:
        while self._waiting:
            await self._send(*self._waiting.popleft())

    async def _send(self, url: str, body: bytes | None) -> None:
        host = urlsplit(url).hostname or ""
        error = await self._call(url, body)
        # A host that is known to be away is asked once for each.
        for wait in () if (host, "") in _troubled else WAITS:
            if error is None or not _is_worth_trying(error):
                break
            await asyncio.sleep(wait)
            error = await self._call(url, body)
        if error is None:
            _troubled.difference_update({(host, ""), (host, self._name)})
        else:
            self._report(host, error)

    async def _call(self, url: str, body: bytes | None) -> Exception | None:
        try:
            await run_in_thread(partial(call_url, url, body), is_job=False)
        except Exception as error:
            return error
        return None

    def _report(self, host: str, error: Exception) -> None:
        trouble = (host, "" if _is_worth_trying(error) else self._name)
        if trouble in _troubled:
            return
        _troubled.add(trouble)
        logger.warning(
            "Could not ping %s for task %s: %s. This is not said again until it "
            "answers.",
            host,
            self._name,
            _reason(error),
            extra={"action": "ping_failed", "task": self._name},
        )


def _is_worth_trying(error: Exception) -> bool:
    """Tell whether it is the host that fails, not the URL that is refused."""
    if not isinstance(error, HTTPError):
        return True
    is_its_fault = error.code >= HTTPStatus.INTERNAL_SERVER_ERROR
    return is_its_fault or error.code in _WORTH_TRYING


def _reason(error: Exception) -> str:
    # Neither its text nor that of what it redirects to: the URL is a secret.
    if isinstance(error, HTTPError):
        return f"it answered {error.code}"
    reason = getattr(error, "reason", None)
    return str(reason) if isinstance(reason, OSError) else type(error).__name__
