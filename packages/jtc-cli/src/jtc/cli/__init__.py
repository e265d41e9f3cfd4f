from __future__ import annotations

import typing

if typing.TYPE_CHECKING:
    from jtc.cli.application import app

__all__ = ["app"]


def __getattr__(name: str) -> object:
    if name != "app":
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message, name=name)
    # At its first use: a probe runs without it.
    from jtc.cli.application import app  # noqa: PLC0415

    return globals().setdefault(name, app)
