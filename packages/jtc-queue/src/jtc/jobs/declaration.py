from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any, ClassVar, ForwardRef, get_origin, get_type_hints

from typing_extensions import Format, get_annotations

from jtc.jobs.errors import InvalidDeclaration

if TYPE_CHECKING:
    from jtc.jobs.job import Job

_CLASS_VAR = re.compile(r"\s*(?:\w+\s*\.\s*)*ClassVar\b")
_QUOTED = re.compile(r"""(?P<quote>["'])(?P<text>[^"']*)(?P=quote)""")
# As Python shows `Secret[str]`.
_SECRET = re.compile(r"typing\.Annotated\[(?P<text>.*?), Secret\]")
_MISSING = object()


@dataclasses.dataclass(frozen=True, slots=True)
class DeclaredField:
    """A payload value that a class announces by an annotated attribute."""

    name: str
    annotation: Any
    owner: type[Job]

    @property
    def type_text(self) -> str:
        """The annotation as it was written."""
        if isinstance(self.annotation, str):
            quoted = _QUOTED.fullmatch(self.annotation)
            return quoted["text"] if quoted else self.annotation
        text = inspect.formatannotation(self.annotation)
        return _SECRET.sub(r"Secret[\g<text>]", text)

    def resolve(self) -> Any:
        """Return the type that the annotation means.

        Raises:
            InvalidDeclaration: It names something that its module does not have.
        """
        module = sys.modules.get(self.owner.__module__)
        namespace = {"__annotations__": {self.name: self.annotation}}
        nested = {k: v for k, v in vars(self.owner).items() if isinstance(v, type)}
        # Those of `class Import[T](Job)`; nothing else knows them by name.
        variables = {v.__name__: v for v in getattr(self.owner, "__type_params__", ())}
        try:
            return get_type_hints(
                type(self.owner.__name__, (), namespace),
                globalns=vars(module) if module else {},
                localns={self.owner.__name__: self.owner, **variables, **nested},
                include_extras=True,
            )[self.name]
        except Exception as error:
            raise InvalidDeclaration(
                self.owner.__name__,
                self.name,
                f"cannot resolve its annotation {self.type_text!r} ({error}); import "
                f"or define the type at the top level of {self.owner.__module__}",
            ) from error


def declared_fields(job_class: type[Job]) -> dict[str, DeclaredField]:
    """Return the annotated attributes of a class and its bases, by name.

    Left out are names that start with `_`, class variables, and parameters of
    `__init__`, which are injected.
    """
    injected = injected_parameters(job_class)
    found: dict[str, DeclaredField] = {}
    for owner in reversed(job_class.__mro__):
        if hasattr(owner, "__jtc__"):
            found |= {field.name: field for field in _own_fields(owner)}
    return {name: field for name, field in found.items() if name not in injected}


def check_declaration(job_class: type[Job]) -> None:
    """Refuse payload fields that would hide what the class needs.

    Raises:
        InvalidDeclaration: Naming the class and the field.
    """
    for name in declared_fields(job_class):
        value = _class_attribute(job_class, name)
        if _hides_behavior(job_class, name):
            why = "a payload field may not have the name of a method or property"
            raise InvalidDeclaration(job_class.__name__, name, why)
        if isinstance(value, dataclasses.Field):
            why = "write the default itself instead of field(); each job gets a copy"
            raise InvalidDeclaration(job_class.__name__, name, why)
    _check_handle(job_class)


def defaults_of(job_class: type[Job], names: Mapping[str, Any]) -> dict[str, Any]:
    """Return the class attributes that are defaults of the fields `names`."""
    values = {name: _class_attribute(job_class, name) for name in names}
    return {
        name: value
        for name, value in values.items()
        if value is not _MISSING and not isinstance(value, MemberDescriptorType)
    }


def reserved_names(job_class: type[Job]) -> frozenset[str]:
    """Return what no payload value may be called: methods and injected services."""
    behavior = {
        name
        for owner in job_class.__mro__
        for name in vars(owner)
        if _is_behavior(_class_attribute(job_class, name))
    }
    return frozenset(behavior) | injected_parameters(job_class)


def injected_parameters(job_class: type[Job]) -> frozenset[str]:
    """Return the names of the parameters of `__init__`, which the container fills."""
    return frozenset(parameter.name for parameter in constructor_parameters(job_class))


def has_constructor(job_class: type[Job]) -> bool:
    """Tell whether a class has an `__init__` that is not the one of `Job`."""
    definers = (owner for owner in job_class.__mro__ if "__init__" in vars(owner))
    return next(definers) is not _root(job_class)


def constructor_parameters(job_class: type[Job]) -> list[inspect.Parameter]:
    """Return the named parameters of `__init__` without `self`."""
    return _named_parameters(job_class.__init__)


def services_of(job_class: type[Job]) -> dict[str, Any]:
    """Return the types of the services that `handle` takes, by parameter.

    Raises:
        InvalidDeclaration: An annotation cannot be resolved.
    """
    return _injected_types(job_class, inspect.unwrap(job_class.handle))


def constructor_services(job_class: type[Job]) -> dict[str, Any]:
    """Return the types of the services that `__init__` takes, by parameter.

    Raises:
        InvalidDeclaration: An annotation is missing or cannot be resolved.
    """
    return _injected_types(job_class, job_class.__init__)


def only_services(job_class: type[Job]) -> dict[str, Any] | None:
    """Return what `constructor_services` does; None if that is not all of `__init__`.

    Who calls it has to know more then: of a default, or of what has no type.
    """
    _, *parameters = inspect.signature(job_class.__init__).parameters.values()
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    if not all(one.kind in by_name and _is_injected(one) for one in parameters):
        return None
    try:
        return constructor_services(job_class)
    except InvalidDeclaration:
        return None


def is_class_variable(annotation: object) -> bool:
    """Tell whether an annotation, resolved or not, is a `ClassVar`."""
    if isinstance(annotation, ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        return _CLASS_VAR.match(annotation) is not None
    return annotation is ClassVar or get_origin(annotation) is ClassVar


def _root(job_class: type[Job]) -> type[Any]:
    """Return `Job`, which cannot be imported here."""
    return [owner for owner in job_class.__mro__ if "__jtc__" in vars(owner)][-1]


def _check_handle(job_class: type[Job]) -> None:
    fields = declared_fields(job_class)
    for parameter in _named_parameters(inspect.unwrap(job_class.handle)):
        name = parameter.name
        if name in fields:
            why = f"its parameter {name!r} is a payload field; read self.{name}"
        elif not _is_injected(parameter):
            continue
        elif parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            why = f"its parameter {name!r} cannot be given by name; remove the '/'"
        elif parameter.annotation is inspect.Parameter.empty:
            why = (
                f"its parameter {name!r} has no type to inject by; annotate it with a "
                "service's type, or declare it as an attribute of the class if it is "
                "payload"
            )
        else:
            continue
        raise InvalidDeclaration(job_class.__name__, "handle", why)


def _injected_types(job_class: type[Job], method: Any) -> dict[str, Any]:
    wanted = [one for one in _named_parameters(method) if _is_injected(one)]
    if not wanted:
        return {}
    try:
        hints = get_type_hints(method, include_extras=True)
    except Exception as error:
        why = (
            f"cannot resolve the types of its parameters ({error}); import or define "
            f"them at the top level of {job_class.__module__}"
        )
        raise InvalidDeclaration(job_class.__name__, method.__name__, why) from error
    for one in wanted:
        if one.name not in hints:
            why = f"its parameter {one.name!r} has no type to inject by"
            raise InvalidDeclaration(job_class.__name__, method.__name__, why)
    return {one.name: hints[one.name] for one in wanted}


def _is_injected(parameter: inspect.Parameter) -> bool:
    return parameter.default is inspect.Parameter.empty


def _named_parameters(method: Any) -> list[inspect.Parameter]:
    """Return the parameters of a method without `self`, `*args` and `**kwargs`."""
    _, *parameters = inspect.signature(method).parameters.values()
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [one for one in parameters if one.kind not in variadic]


def _own_fields(owner: type[Any]) -> Iterator[DeclaredField]:
    # Unresolved, for they may name what is imported for type checking only.
    for name, annotation in get_annotations(owner, format=Format.FORWARDREF).items():
        if not name.startswith("_") and not is_class_variable(annotation):
            yield DeclaredField(name, annotation, owner)


def _class_attribute(job_class: type[Job], name: str) -> object:
    for owner in job_class.__mro__:
        if name in vars(owner):
            return vars(owner)[name]
    return _MISSING


def _hides_behavior(job_class: type[Job], name: str) -> bool:
    # Also where a default stands in front of it.
    owners = (owner for owner in job_class.__mro__ if name in vars(owner))
    return any(_is_behavior(vars(owner)[name]) for owner in owners)


def _is_behavior(value: object) -> bool:
    if isinstance(value, MemberDescriptorType):
        return False
    return isinstance(value, type) or hasattr(value, "__get__")
