from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


def harmless(step: Callable[P, T]) -> Callable[P, T | None]:
    """Let what goes wrong with a span be logged: no job may suffer from it."""

    @functools.wraps(step)
    def take(*args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            return step(*args, **kwargs)
        except Exception:
            logger.exception("A span was not made.", extra={"action": "span_failed"})
            return None

    return take
