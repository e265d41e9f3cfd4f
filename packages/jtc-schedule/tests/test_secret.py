from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, NewType, TypedDict

import pytest

from jtc.schedule import InvalidTask, ScheduledTask, Secret, TaskOptions
from jtc.schedule.errors import InvalidTaskOption
from jtc.schedule.secret import holds_secret, secret_parameters
from jtc.schedule.services import service_names

if TYPE_CHECKING:
    from decimal import Decimal as Elsewhere


@dataclasses.dataclass
class Card:
    holder: str
    number: Secret[str]
    partner: Card | None = None


class Door(TypedDict):
    code: Secret[int]


@dataclasses.dataclass
class Node:
    inner: list[Node]


Key = NewType("Key", Secret[str])


@pytest.mark.parametrize(
    "hint",
    [
        Secret[str],
        Secret[str] | None,
        list[Secret[bytes]],
        dict[str, tuple[int, Secret[str]]],
        Annotated[Secret[str], "of the shop"],
        Secret[Card],
        Card,
        list[Card] | None,
        Door,
        Key,
        "jobs.Secret[str] | None",
    ],
    ids=repr,
)
def test_a_secret_is_found_anywhere_in_a_type(hint: Any) -> None:
    assert holds_secret(hint)


@pytest.mark.parametrize(
    "hint", [str, Node, dict[str, Any], None, Any, "Secretary"], ids=repr
)
def test_a_type_without_a_secret_has_none(hint: Any) -> None:
    assert not holds_secret(hint)


def test_the_parameters_of_a_function_say_which_are_secret() -> None:
    async def sync(ctx: Any, *, region: str, token: Secret[str] | None) -> None: ...

    assert secret_parameters(sync) == ("token",)
    assert secret_parameters(functools.partial(sync, region="eu")) == ("token",)


def test_what_cannot_be_resolved_is_read_as_it_is_written() -> None:
    async def sync(ctx: Any, *, other: Elsewhere, token: Secret[str]) -> None: ...

    assert secret_parameters(sync) == ("token",)


def test_a_secret_is_a_value_and_no_service() -> None:
    async def sync(ctx: Any, *, token: Secret[str]) -> None: ...

    assert service_names(sync) == ()
    with pytest.raises(InvalidTask, match="token"):
        ScheduledTask(sync, 60)


@pytest.mark.parametrize("value", [{1, 2}, ("s3cret",), float("nan")])
def test_the_error_about_a_payload_does_not_show_its_values(value: Any) -> None:
    derive: Callable[..., Any] = TaskOptions().derive

    with pytest.raises(InvalidTaskOption) as caught:
        derive({"payload": {"token": "s3cret", "other": value}})

    assert "s3cret" not in str(caught.value)
    assert "'other'" in str(caught.value)
