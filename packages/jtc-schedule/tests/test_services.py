from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Literal

import pytest

from jtc.schedule import (
    InvalidTask,
    NoSupplier,
    ScheduledTask,
    ScheduleRegistry,
    services,
)
from jtc.schedule.running import run_task, run_task_by_name
from jtc.schedule.services import TaskServices, service_names, set_supplier


class Mailer: ...


async def asks(ctx: Any, mailer: Mailer, *, other: Mailer | None) -> Any:
    return mailer


class Asking:
    def method(self, ctx: Any, mailer: Mailer) -> None: ...

    def __call__(self, ctx: Any, mailer: Mailer) -> None: ...


def wrapping(func: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return func(*args, mailer="its own", **kwargs)

    return wrapper


@pytest.fixture(autouse=True)
def _supplier() -> Iterator[None]:
    """Supply texts, and forget it for the tests that follow."""
    before = services._supplier

    async def supply(
        task: ScheduledTask, wanted: Mapping[str, Any], run: Callable[..., Any]
    ) -> Any:
        made: Awaitable[Any] = run(**{name: f"a {t}" for name, t in wanted.items()})
        return await made

    set_supplier(supply)
    yield
    set_supplier(before)


@pytest.mark.parametrize(
    ("func", "names"),
    [
        (asks, ("mailer", "other")),
        (lambda ctx: None, ()),
        (lambda *args, **kwargs: None, ()),
        (Asking().method, ("mailer",)),
        (Asking(), ("mailer",)),
        (functools.partial(asks, other=None), ("mailer",)),
        (wrapping(asks), ()),
        (max, ()),
    ],
)
def test_parameters_with_a_type_and_no_default_are_services(
    func: Any, names: tuple[str, ...]
) -> None:
    assert service_names(func) == names


def test_what_the_payload_gives_is_no_service() -> None:
    assert service_names(asks, {"mailer"}) == ("other",)


VALUES = [
    "str",
    "int | None",
    "list[Mailer]",
    "Literal[1]",
    "dt.datetime",
    "Any",
    "typing.Any",
    "'str'",
]


@pytest.mark.parametrize(
    "annotation", [*VALUES, str, dict[str, int], Any, Literal["a"]], ids=repr
)
def test_a_value_is_not_injected_but_missed_at_the_decorator(annotation: Any) -> None:
    def report(ctx, region): ...  # type: ignore[no-untyped-def]

    report.__annotations__["region"] = annotation

    with pytest.raises(InvalidTask, match="missing a required argument: 'region'"):
        ScheduledTask(report, 60)
    assert ScheduledTask(report, 60, payload={"region": "eu"}).name == "report"


def test_a_parameter_without_a_type_is_refused_at_the_decorator() -> None:
    def report(ctx, mailer): ...  # type: ignore[no-untyped-def]

    with pytest.raises(InvalidTask) as caught:
        ScheduledTask(report, 60)

    assert str(caught.value).endswith(
        "Further parameters have the type of a service, a default, or a value in the "
        "payload."
    )


def test_a_service_that_cannot_be_given_by_name_is_refused() -> None:
    def report(ctx: Any, mailer: Mailer, /) -> None: ...

    with pytest.raises(InvalidTask, match="missing a required"):
        ScheduledTask(report, 60)


def test_a_mistake_in_the_payload_is_told_as_before() -> None:
    with pytest.raises(InvalidTask, match=r"The payload of 'mailr' does not fit"):
        ScheduledTask(asks, 60, payload={"mailr": "x"})


async def test_services_are_supplied_by_their_types() -> None:
    task = ScheduledTask(asks, 60)

    assert await run_task(task, {}) == f"a {Mailer}"


async def test_nobody_is_asked_for_what_the_payload_gives() -> None:
    task = ScheduledTask(asks, 60, payload={"mailer": "mine", "other": None})

    set_supplier(None)

    assert await run_task(task, {}) == "mine"


async def test_without_a_supplier_it_is_told_who_is_one() -> None:
    set_supplier(None)
    with ScheduleRegistry.scoped():
        ScheduleRegistry.register(ScheduledTask(asks, 60))

        with pytest.raises(NoSupplier, match=r"'asks' asks for services \(mailer, oth"):
            await run_task_by_name("asks")


def test_the_types_of_a_partial_are_those_of_its_function() -> None:
    task = ScheduledTask(functools.partial(asks, other=None), 60, "report")

    assert TaskServices(task).wanted() == {"mailer": Mailer}


def test_a_decorator_may_say_the_signature() -> None:
    def report(*args: Any, **kwargs: Any) -> None: ...

    vars(report)["__signature__"] = inspect.Signature(
        parameters=[
            inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD),
            inspect.Parameter(
                "mailer", inspect.Parameter.KEYWORD_ONLY, annotation=Mailer
            ),
        ]
    )

    assert TaskServices(ScheduledTask(report, 60)).wanted() == {"mailer": Mailer}
