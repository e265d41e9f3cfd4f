from __future__ import annotations

import logging

logger = logging.getLogger(__name__)


class Reach:
    """Logs that the server is away, and that it is back: once, not for each page."""

    def __init__(self) -> None:
        self._is_away = False

    def lost(self, error: Exception) -> None:
        """Note that a page could not be made for want of the server."""
        if not self._is_away:
            logger.warning(
                "The server cannot be asked: %s",
                str(error) or type(error).__name__,
                extra={"action": "dashboard_away"},
            )
        self._is_away = True

    def found(self) -> None:
        """Note that a page could be made."""
        if self._is_away:
            logger.info("The server is back.", extra={"action": "dashboard_back"})
        self._is_away = False
