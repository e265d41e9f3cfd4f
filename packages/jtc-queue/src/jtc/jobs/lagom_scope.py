from __future__ import annotations

import inspect
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import lagom
from lagom.exceptions import LagomException, UnresolvableType

from jtc.jobs.errors import CircularFactory, NotInScope
from jtc.jobs.lagom_graph import HIDDEN, LagomGraph, Plan
from jtc.jobs.scope import Scope, make
from jtc.jobs.scoped import Scoped, asking

T = TypeVar("T")

Plans = dict[Any, Plan]


class LagomScope(Scope):
    """Makes the services of one attempt by a container of lagom's.

    The container resolves without awaiting anything. So what `scoped` has defined is
    made before the container is asked for what needs it.

    Args:
        container: As it was set; it is neither copied nor changed.
        plans: What is known of the types that were asked for before.
    """

    __slots__ = ("_container", "_made", "_opening", "_plans", "_stack")

    def __init__(self, container: lagom.Container, plans: Plans) -> None:
        self._container = container
        self._plans = plans
        self._made: dict[Scoped, Any] = {}
        self._opening: list[Scoped] = []
        self._stack: AsyncExitStack | None = None

    @property
    def is_open(self) -> bool:
        """Whether something was made that may have to be closed."""
        return self._stack is not None

    async def get(self, wanted: type[T]) -> T:
        """Return an instance of `wanted`.

        Raises:
            ScopedInSingleton: Something that lives longer would keep a service.
            Exception: Whatever the container raised.
        """
        plan = self._plans.get(wanted)
        if plan is None:
            plan = self._plans[wanted] = LagomGraph(self._container).plan(wanted)
        if plan.is_plain:
            try:
                return await make(self._container, wanted)
            except NotInScope:
                # The container was told more since.
                self._plans[wanted] = HIDDEN
        return await self._get_scoped(wanted, plan)

    def wires(self, wanted: type[Any]) -> bool:
        """Tell whether the container would go by the type hints of `wanted`."""
        container = self._container
        # A class derived from it may do anything.
        is_plain = type(container) is lagom.Container
        return is_plain and container.get_definition(wanted) is None

    def instance_of(self, definition: Scoped) -> Any:
        """Return what was made by `definition`.

        Raises:
            _NotOpened: Nothing yet: a function of the user's has asked for it, into
                which nobody can look beforehand.
        """
        try:
            return self._made[definition]
        except KeyError:
            raise _NotOpened(definition) from None

    def flaws(self, wanted: Any) -> list[str]:
        """Say what stands against making `wanted`, as far as type hints tell."""
        return [str(flaw) for flaw in LagomGraph(self._container).flaws(wanted)]

    def explain(self, wanted: Any, error: Exception) -> str | None:
        """Say why `wanted` could not be made, with the types down to the culprit."""
        if not isinstance(error, LagomException):
            return None
        flaws = LagomGraph(self._container).flaws(wanted)
        return str(flaws[0]) if flaws else _chain_of(error)

    async def _close(self, error: BaseException | None) -> None:
        stack, self._stack = self._stack, None
        if stack is None:
            return
        self._made.clear()
        trace = None if error is None else error.__traceback__
        await stack.__aexit__(None if error is None else type(error), error, trace)

    async def _get_scoped(self, wanted: type[T], plan: Plan) -> T:
        for definition in plan.scoped:
            await self._open(definition)
        while True:
            token = asking.set(self)
            try:
                return await make(self._container, wanted)
            except _NotOpened as signal:
                missing = signal.definition
            finally:
                asking.reset(token)
            await self._open(missing)

    async def _open(self, definition: Scoped) -> None:
        if definition in self._made:
            return
        if definition in self._opening:
            raise CircularFactory([one.name for one in self._opening], definition.name)
        self._opening.append(definition)
        try:
            services = {
                name: await self.get(service)
                for name, service in definition.services.items()
            }
            self._made[definition] = await self._enter(definition.call(services))
        finally:
            self._opening.pop()

    async def _enter(self, made: Any) -> Any:
        if self._stack is None:
            self._stack = AsyncExitStack()
        # A pool of connections may be both.
        if inspect.isawaitable(made) and not hasattr(made, "__aenter__"):
            made = await made
        if hasattr(made, "__aenter__"):
            return await self._stack.enter_async_context(made)
        if hasattr(made, "__enter__"):
            return self._stack.enter_context(made)
        return made


class _NotOpened(BaseException):
    """Leaves the container, which cannot wait, to open a service first.

    Not an `Exception`: no function of the user's is to take it for a failure.
    """

    def __init__(self, definition: Scoped) -> None:
        self.definition = definition


def _chain_of(error: BaseException) -> str | None:
    """Tell what lagom has noted on its way up from an error in a constructor."""
    # It notes one type twice, where its constructor and what called it have failed.
    types: dict[str, None] = {}
    root = error
    while isinstance(root, UnresolvableType):
        types[root.dep_type] = None
        # Compiled, lagom loses the causes that it states.
        below = root.__cause__ or root.__context__
        if below is None:
            break
        root = below
    if root is error:
        return None
    return f"{' → '.join(types)}: {type(root).__name__}: {root}"
