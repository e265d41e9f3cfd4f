from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any, TypeVar

import lagom
import pytest

from jtc.jobs import (
    Container,
    ContainerNotSet,
    InjectionFailed,
    Job,
    NotAContainer,
    default_container,
    get_container,
    runner,
    set_container,
)

if TYPE_CHECKING:
    from decimal import Decimal as NotImportedAtRunTime

T = TypeVar("T")


class Mailer:
    def __init__(self) -> None:
        self.sent: list[str] = []


class Newsletter:
    def __init__(self, mailer: Mailer) -> None:
        self.mailer = mailer


class NeedsText:
    def __init__(self, url: str) -> None: ...


class Deep:
    def __init__(self, target: NeedsText) -> None: ...


class Misfit:
    def __init__(self) -> None:
        message = "no such unit"
        raise TypeError(message)


class Misfits:
    def __init__(self, misfit: Misfit) -> None: ...


class Unreachable:
    def __init__(self) -> None:
        message = "no route to host"
        raise OSError(message)


class SelfMade:
    """A container of somebody else's."""

    def __init__(self) -> None:
        self.asked: list[type] = []

    def resolve(self, dep_type: type[T]) -> T:
        self.asked.append(dep_type)
        return dep_type()


class Later:
    async def resolve(self, dep_type: type[T]) -> T:
        return dep_type()


def test_the_container_that_was_set_is_returned() -> None:
    container = SelfMade()

    set_container(container)

    assert get_container() is container


@pytest.mark.parametrize("error", [ContainerNotSet, RuntimeError])
def test_without_a_container_asking_for_it_is_an_error(
    error: type[Exception],
) -> None:
    set_container(None)

    with pytest.raises(error, match=r"^Container not set\. Call set_container"):
        get_container()


def test_whatever_resolves_types_is_a_container() -> None:
    assert isinstance(default_container(), Container)
    assert isinstance(SelfMade(), Container)
    assert not isinstance(object(), Container)


def test_the_default_container_wires_classes_without_registration() -> None:
    newsletter = default_container().resolve(Newsletter)

    assert newsletter.mailer.sent == []


async def test_parameters_of_init_are_injected_by_type() -> None:
    class Send(Job):
        text: str

        def __init__(self, newsletter: Newsletter) -> None:
            self.newsletter = newsletter

        async def handle(self) -> list[str]:
            self.newsletter.mailer.sent.append(self.text)
            return self.newsletter.mailer.sent

    set_container(default_container())

    assert await _run(Send, text="hello") == ["hello"]


async def test_an_injected_service_may_also_be_annotated_on_the_class() -> None:
    class Send(Job):
        mailer: Mailer
        text: str

        def __init__(self, mailer: Mailer) -> None:
            self.mailer = mailer

        async def handle(self) -> tuple[Mailer, str]:
            return self.mailer, self.text

    set_container(default_container())

    mailer, text = await _run(Send, text="hello")
    assert isinstance(mailer, Mailer)
    assert text == "hello"


async def test_what_the_container_was_told_of_a_job_class_is_done() -> None:
    class Send(Job):
        text: str

        def __init__(self, mailer: Mailer) -> None:
            self.mailer = mailer

        async def handle(self) -> list[str]:
            return self.mailer.sent

    told = Mailer()
    told.sent.append("told")
    container = default_container()
    set_container(container)
    assert await _run(Send, text="hello") == []

    container[Send] = lambda: Send(told)

    assert await _run(Send, text="hello") == ["told"]


async def test_a_container_that_wires_nothing_by_itself_is_left_so() -> None:
    class Send(Job):
        text: str

        def __init__(self, mailer: Mailer) -> None:
            self.mailer = mailer

        async def handle(self) -> None: ...

    container = lagom.ExplicitContainer()
    container[Mailer] = Mailer()
    set_container(container)

    with pytest.raises(InjectionFailed, match="was not told of it"):
        await _run(Send, text="hello")


async def test_a_service_with_a_default_is_injected_all_the_same() -> None:
    class Send(Job):
        text: str

        def __init__(self, mailer: Mailer, newsletter: Newsletter | None = None):
            self.mailer = mailer
            self.newsletter = newsletter

        async def handle(self) -> bool:
            return isinstance(self.newsletter, Newsletter)

    set_container(default_container())

    assert await _run(Send, text="hello")


async def test_a_container_of_ones_own_makes_a_job_that_takes_services() -> None:
    class Simple(Job):
        def __init__(self) -> None: ...

        async def handle(self, mailer: Mailer) -> list[str]:
            return mailer.sent

    container = SelfMade()
    set_container(container)

    assert await _run(Simple) == []
    assert container.asked == [Simple, Mailer]


async def test_a_container_may_answer_with_an_awaitable() -> None:
    class Simple(Job):
        async def handle(self, mailer: Mailer) -> list[str]:
            return mailer.sent

    later: Any = Later()
    set_container(later)

    assert await _run(Simple) == []


@pytest.mark.parametrize("value", [object(), {}, lagom.Container, "lagom"])
def test_what_cannot_resolve_is_no_container(value: Any) -> None:
    if value is lagom.Container:
        value = value.clone

    with pytest.raises(NotAContainer, match=r"it has no method resolve\(type\)"):
        set_container(value)


async def test_a_parameter_of_init_that_cannot_be_made_is_named_with_its_type() -> None:
    class Send(Job):
        def __init__(self, mailer: Mailer, target: NeedsText) -> None: ...

        async def handle(self) -> None: ...

    error = await _injection_error(Send)

    assert error.parameter == "target: NeedsText"
    assert str(error).startswith(
        f"Cannot build {Send.__jtc__.name}: the container failed for the parameter "
        "target: NeedsText of __init__ (NeedsText → str: it is a value, which no type "
        "hint tells)."
    )


async def test_a_parameter_of_handle_that_cannot_be_made_is_named_with_its_type() -> (
    None
):
    class Send(Job):
        async def handle(self, mailer: Mailer, target: Deep) -> None: ...

    error = await _injection_error(Send)

    assert error.parameter is not None
    assert error.parameter.endswith("Deep")
    assert "of handle (Deep → NeedsText → str: it is a value" in str(error)


async def test_a_constructor_that_does_not_fit_is_named_with_what_python_says() -> None:
    class Send(Job):
        async def handle(self, misfits: Misfits) -> None: ...

    error = await _injection_error(Send)

    assert "(Misfits → Misfit: TypeError: no such unit)" in str(error)


async def test_a_parameter_with_a_default_is_not_blamed() -> None:
    class Send(Job):
        def __init__(self, size: int = 3, target: NeedsText | None = None) -> None:
            message = "own mistake"
            raise LookupError(message)

        async def handle(self) -> None: ...

    error = await _injection_error(Send)

    assert error.parameter is None
    assert isinstance(error.__cause__, LookupError)


async def test_a_parameter_without_a_type_is_named() -> None:
    class Send(Job):
        def __init__(self, mailer) -> None: ...  # type: ignore[no-untyped-def]

        async def handle(self) -> None: ...

    assert (await _injection_error(Send)).parameter == "mailer, which has no type"


async def test_a_parameter_whose_type_does_not_exist_is_named() -> None:
    class Send(Job):
        def __init__(self, price: NotImportedAtRunTime) -> None: ...

        async def handle(self) -> None: ...

    error = await _injection_error(Send)

    assert error.parameter == "price: NotImportedAtRunTime"


async def test_an_error_inside_a_service_is_the_cause() -> None:
    class Send(Job):
        def __init__(self, mailer: Unreachable) -> None: ...

        async def handle(self) -> None: ...

    error = await _injection_error(Send)

    assert error.parameter == "mailer: Unreachable"
    assert isinstance(error.__cause__, OSError)


@pytest.mark.parametrize("method", ["__init__", "handle"])
async def test_a_service_needs_a_container(method: str) -> None:
    class Constructed(Job):
        def __init__(self, mailer: Mailer) -> None: ...

        async def handle(self) -> None: ...

    class Handed(Job):
        async def handle(self, mailer: Mailer) -> None: ...

    with pytest.raises(ContainerNotSet):
        await _run(Constructed if method == "__init__" else Handed)


async def test_a_job_without_services_needs_no_container() -> None:
    class Simple(Job):
        async def handle(self) -> str:
            return "done"

    assert await _run(Simple) == "done"


def test_dishka_is_not_imported_by_who_does_not_use_it() -> None:
    program = (
        "import sys, jtc.jobs, jtc.providers\n"
        "jtc.jobs.set_container(jtc.jobs.default_container())\n"
        "print('dishka' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert done.stdout == "False\n"


async def _injection_error(job_class: type[Job]) -> InjectionFailed:
    set_container(default_container())
    with pytest.raises(RuntimeError) as caught:
        await _run(job_class)
    assert isinstance(caught.value, InjectionFailed)
    return caught.value


async def _run(job_class: type[Job], **payload: object) -> Any:
    return await runner({}, job_class=job_class.__jtc__.name, payload=payload)
