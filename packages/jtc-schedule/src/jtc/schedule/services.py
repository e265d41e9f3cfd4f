"""What a task asks for beside the context and its payload."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, get_type_hints

from jtc.schedule.errors import InvalidTask, NoSupplier
from jtc.schedule.secret import holds_secret

if TYPE_CHECKING:
    from jtc.schedule.task import ScheduledTask

# What is a value wherever it stands, and nothing that anybody would inject.
_TYPING = {"Any", "Literal", "None", "object"}
_NUMBERS = {"bool", "complex", "float", "int"}
_TEXTS = {"bytearray", "bytes", "str"}
_COLLECTIONS = {"dict", "frozenset", "list", "set", "tuple"}
_MOMENTS = {"date", "datetime", "time", "timedelta"}
_VALUES = _TYPING | _NUMBERS | _TEXTS | _COLLECTIONS | _MOMENTS
_LAST_WORD = re.compile(r"^['\"]?(?:\w+\s*\.\s*)*(\w+)")
_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Supplier(Protocol):
    """What makes services, as `jtc.jobs` does."""

    def __call__(
        self,
        task: ScheduledTask,
        wanted: Mapping[str, Any],
        run: Callable[..., Awaitable[Any]],
        /,
    ) -> Awaitable[Any]:
        """Call `run` with the services `wanted`, by parameter, and close them."""
        ...


class TaskServices:
    """The services that a task's function asks for by the types of its parameters.

    Args:
        task: The task.
    """

    def __init__(self, task: ScheduledTask) -> None:
        self._task = task
        self._annotations = _service_annotations(task.func)
        self._types: Mapping[str, Any] = {}

    def wanted(self, given: Collection[str] = ()) -> dict[str, Any]:
        """Return the types of what has to be made, by parameter.

        Args:
            given: The names in the payload, which come first.

        Raises:
            InvalidTask: A type cannot be resolved.
        """
        names = [name for name in self._annotations if name not in given]
        if names and not self._types:
            # What a decorator says of the signature alone has no hints.
            self._types = {**self._annotations, **_types_of(self._task)}
        return {name: self._types[name] for name in names}

    async def call(
        self,
        function: Callable[..., Awaitable[Any]],
        ctx: Any,
        payload: Mapping[str, Any],
    ) -> Any:
        """Call the task's function, in its asynchronous form, with all that it takes.

        Raises:
            NoSupplier: It asks for services and nothing here makes them.
            InvalidTask: The type of one cannot be resolved.
            Exception: Whatever making them or the function raised.
        """
        if not self._annotations or not (wanted := self.wanted(payload)):
            return await function(ctx, **payload)
        if _supplier is None:
            raise NoSupplier(self._task.name, list(wanted))
        return await _supplier(self._task, wanted, partial(function, ctx, **payload))


def set_supplier(supplier: Supplier | None) -> None:
    """Let `supplier` make the services of all tasks; None unsets it."""
    global _supplier  # noqa: PLW0603 - one for the process, like its registry
    _supplier = supplier


def service_names(
    func: Callable[..., Any], given: Collection[str] = ()
) -> tuple[str, ...]:
    """Return the parameters after the context that have a service's type, no default.

    Args:
        func: A task's function. What a decorator hides is not looked for.
        given: The names in the payload, which are left out.
    """
    return tuple(name for name in _service_annotations(func) if name not in given)


def _service_annotations(func: Callable[..., Any]) -> dict[str, Any]:
    try:
        signature = inspect.signature(func, follow_wrapped=False)
    except Exception:  # from C code, or annotations that cannot be evaluated
        return {}
    parameters = list(signature.parameters.values())
    if parameters and parameters[0].kind is not inspect.Parameter.KEYWORD_ONLY:
        del parameters[0]
    return {
        one.name: one.annotation
        for one in parameters
        if one.kind in _BY_NAME
        and one.default is inspect.Parameter.empty
        and _is_service(one.annotation)
    }


def _is_service(annotation: Any) -> bool:
    if annotation is inspect.Parameter.empty or holds_secret(annotation):
        return False
    is_text = isinstance(annotation, str)
    text = annotation if is_text else inspect.formatannotation(annotation)
    match = _LAST_WORD.match(text)
    return match is not None and match[1] not in _VALUES


def _types_of(task: ScheduledTask) -> dict[str, Any]:
    func: Any = task.func
    while isinstance(func, partial):
        func = func.func
    body = func if inspect.isroutine(func) else type(func).__call__
    try:
        return get_type_hints(body, include_extras=True)
    except Exception as error:
        problem = (
            f"the types of its parameters cannot be resolved ({error}); import or "
            "define them at the top level of its module"
        )
        verdict = "cannot be given its services"
        raise InvalidTask(f"Task {task.name!r}", problem, verdict=verdict) from error


_supplier: Supplier | None = None
