from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import lagom
from lagom.container import UNRESOLVABLE_TYPES
from lagom.definitions import (
    Alias,
    PlainInstance,
    SingletonWrapper,
    UnresolvableTypeDefinition,
)
from lagom.util.reflection import FunctionSpec, reflect, remove_optional_type

from jtc.jobs.errors import ScopedInSingleton
from jtc.jobs.scoped import Scoped

Path = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a type cannot be made.

    Attributes:
        path: The types down to the one that is to blame.
        why: What is wrong with that one.
    """

    path: Path
    why: str

    def __str__(self) -> str:
        return f"{' → '.join(map(_name, self.path))}: {self.why}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to be done before a container can make a type.

    Attributes:
        scoped: What has to be made for the attempt.
        is_whole: Whether that is all; a function may ask for more.
    """

    scoped: tuple[Scoped, ...]
    is_whole: bool

    @property
    def is_plain(self) -> bool:
        """Whether nothing has to be done."""
        return self.is_whole and not self.scoped


HIDDEN = Plan((), is_whole=False)


@dataclass(slots=True)
class LagomGraph:
    """What a container of lagom's would make for a type; nothing is made.

    It sees what type hints and definitions say. What a function does that defines a
    type, it does not see.
    """

    container: lagom.Container
    _scoped: dict[Scoped, None] = field(default_factory=dict)
    _flaws: list[Flaw] = field(default_factory=list)
    _seen: set[Any] = field(default_factory=set)
    _kept: dict[Scoped, Any] = field(default_factory=dict)
    _is_whole: bool = True

    def plan(self, wanted: Any) -> Plan:
        """Return what has to be made for the attempt before `wanted`.

        Raises:
            ScopedInSingleton: Something that lives longer would keep one.
        """
        self._visit(wanted, ())
        for definition, keeper in self._kept.items():
            raise ScopedInSingleton(_name(keeper), definition.name)
        return Plan(tuple(self._scoped), is_whole=self._is_whole)

    def flaws(self, wanted: Any) -> list[Flaw]:
        """Return what stands against making `wanted`."""
        self._visit(wanted, ())
        return [*self._flaws, *self._kept_flaws(wanted)]

    def _kept_flaws(self, wanted: Any) -> Iterator[Flaw]:
        for definition, keeper in self._kept.items():
            why = str(ScopedInSingleton(_name(keeper), definition.name))
            yield Flaw((wanted,), why)

    def _visit(
        self,
        wanted: Any,
        path: Path,
        *,
        keeper: Any = None,
        skips_definition: bool = False,
    ) -> None:
        if wanted in path:
            self._flaws.append(Flaw((*path, wanted), "it needs itself"))
            return
        path = (*path, wanted)
        if (wanted, keeper) in self._seen:
            return
        self._seen.add((wanted, keeper))
        definition = None if skips_definition else self.container.get_definition(wanted)
        if definition is not None:
            self._visit_definition(definition, path, keeper)
        elif (inner := remove_optional_type(wanted)) is not None:
            self._visit_optional(inner, path, keeper)
        else:
            self._visit_class(wanted, path, keeper)

    def _visit_definition(self, definition: Any, path: Path, keeper: Any) -> None:
        if isinstance(definition, Scoped):
            self._visit_scoped(definition, path, keeper)
        elif isinstance(definition, Alias):
            target = definition.alias_type
            self._seen.discard((target, keeper))
            self._visit(
                target,
                path[:-1] if target is path[-1] else path,
                keeper=keeper,
                skips_definition=definition.skip_definitions,
            )
        elif isinstance(definition, SingletonWrapper):
            self._visit_definition(definition.singleton_type, path, keeper or path[-1])
        elif isinstance(definition, UnresolvableTypeDefinition):
            self._flaws.append(Flaw(path, _refusal_of(definition, self.container)))
        elif not isinstance(definition, PlainInstance):
            self._is_whole = False

    def _visit_scoped(self, definition: Scoped, path: Path, keeper: Any) -> None:
        if keeper is not None:
            self._kept[definition] = keeper
        self._scoped[definition] = None
        try:
            services = definition.services
        except Exception as error:
            self._flaws.append(Flaw(path, str(error)))
            return
        for service in services.values():
            self._visit(service, path)

    def _visit_optional(self, inner: Any, path: Path, keeper: Any) -> None:
        # What cannot be made is left out then.
        flaws = list(self._flaws)
        self._visit(inner, path, keeper=keeper)
        self._flaws = flaws

    def _visit_class(self, wanted: Any, path: Path, keeper: Any) -> None:
        why = self._why_not(wanted)
        spec = None
        if why is None:
            try:
                spec = reflect(wanted.__init__)
                why = _why_not_called(wanted, spec)
            except Exception as error:
                why = f"the parameters of its __init__ cannot be read ({error})"
        if why is not None or spec is None:
            self._flaws.append(Flaw(path, why or ""))
            return
        for name, service in spec.annotations.items():
            has_value = service in UNRESOLVABLE_TYPES and name in spec.defaults
            if service not in (Any, wanted) and not has_value:
                self._visit(service, path, keeper=keeper)

    def _why_not(self, wanted: Any) -> str | None:
        if isinstance(self.container, lagom.ExplicitContainer):
            return "the container was not told of it"
        if wanted in UNRESOLVABLE_TYPES:
            return "it is a value, which no type hint tells"
        if not isinstance(wanted, type):
            return "it is no class"
        if inspect.isabstract(wanted) or getattr(wanted, "_is_protocol", False):
            return "it is abstract; tell the container which class stands for it"
        return None


def _why_not_called(wanted: Any, spec: FunctionSpec) -> str | None:
    try:
        parameters = inspect.signature(wanted).parameters.values()
    except ValueError:  # from C code
        return None
    for one in parameters:
        is_required = one.default is inspect.Parameter.empty
        is_variadic = one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
        if is_required and not is_variadic and one.name not in spec.annotations:
            return f"the parameter {one.name!r} of its __init__ has no type"
    return None


def _refusal_of(definition: Any, container: lagom.Container) -> str:
    try:
        definition.get_instance(container)
    except Exception as error:
        return str(error) or "the container refuses to make it"
    return ""


def _name(wanted: Any) -> str:
    return inspect.formatannotation(wanted).rpartition(".")[2] or repr(wanted)
