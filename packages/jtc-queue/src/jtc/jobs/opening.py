from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import lagom

from jtc.jobs import container as process
from jtc.jobs.dishka_scope import DishkaScope
from jtc.jobs.lagom_scope import LagomScope
from jtc.jobs.resolving_scope import NoScope, ResolvingScope
from jtc.jobs.scope import Scope


def open_scope() -> Scope:
    """Open the scope of one attempt on the container of this process.

    It has to be closed; nothing is made before it is asked for.
    """
    global _known  # noqa: PLW0603 - found out once for each container
    container, known = process.current_container(), _known
    if known[0] is not container:
        # One assignment: jobs may run in several threads.
        _known = known = (container, _opener_for(container))
    return known[1]()


def _opener_for(container: Any) -> Callable[[], Scope]:
    if container is None:
        return NoScope
    if isinstance(container, lagom.Container):
        return partial(LagomScope, container, {})
    if process.is_dishka(container):
        return partial(DishkaScope, container)
    return partial(ResolvingScope, container)


_known: tuple[Any, Callable[[], Scope]] = (None, NoScope)
