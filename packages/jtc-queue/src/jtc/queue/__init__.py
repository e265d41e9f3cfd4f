"""Every name is in `jtc.queue.api`, which is imported at the first use of one.

Who needs a part of the package alone, as a container's probe does, imports the module
of that part and does not wait for the others: the worker, the scheduler, SAQ.
"""

from __future__ import annotations

import importlib.util
import typing

if typing.TYPE_CHECKING:
    from jtc.queue.api import *  # noqa: F403 - its __all__ says what
else:

    def __getattr__(name: str) -> object:
        if importlib.util.find_spec(f"{__name__}.{name}"):
            # A module: `from jtc.queue import worker`.
            return importlib.import_module(f"{__name__}.{name}")
        api = importlib.import_module("jtc.queue.api")
        globals().update({one: getattr(api, one) for one in ("__all__", *api.__all__)})
        try:
            return globals()[name]
        except KeyError:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message, name=name) from None

    def __dir__() -> list[str]:
        return [*globals(), *importlib.import_module("jtc.queue.api").__all__]
