from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class DishkaGraph:
    """What a container of dishka's would make for a type; nothing is made.

    dishka checks the same when it makes a container, unless that was turned off, but
    does not know what jobs and tasks will ask for.

    Args:
        container: The one of the scope in which an attempt runs.
    """

    container: Any
    _seen: set[Any] = field(default_factory=set)

    def flaws(self, wanted: Any) -> list[str]:
        """Return what stands against making `wanted`, each with the types up to it."""
        return list(self._visit(key_of(wanted), ()))

    def _visit(self, key: Any, path: tuple[str, ...]) -> Iterator[str]:
        path = (*path, _name(key.type_hint))
        if key in self._seen:
            return
        self._seen.add(key)
        found = self._find(key)
        if found is None:
            where = f" of component {key.component!r}" if key.component else ""
            yield f"{' → '.join(path)}: no provider{where} offers it in this scope"
            return
        for needed in (*found.dependencies, *found.kw_dependencies.values()):
            yield from self._visit(needed, path)

    def _find(self, key: Any) -> Any:
        container = self.container
        while container is not None:
            if (factory := container.registry.get_factory(key)) is not None:
                return factory
            container = container.parent_container
        return None


def key_of(wanted: Any) -> Any:
    """Return what dishka looks a type up by; `Annotated` may name a component."""
    # Whoever gave a container of dishka's has it installed.
    from dishka.entities.component import DEFAULT_COMPONENT  # noqa: PLC0415
    from dishka.entities.key import hint_to_dependency_key  # noqa: PLC0415

    return hint_to_dependency_key(wanted).with_component(DEFAULT_COMPONENT)


def _name(hint: Any) -> str:
    return inspect.formatannotation(hint).rpartition(".")[2]
