from __future__ import annotations

import math
from typing import Any

import pytest

from jtc.jobs import InvalidOption, Job, JobOptions


def test_class_keywords_are_the_options() -> None:
    class SendInvoice(
        Job,
        queue="mail",
        timeout=60,
        tries=5,
        backoff=2.0,
        name="send_invoice",
        result_ttl=0,
    ):
        async def handle(self) -> None: ...

    assert SendInvoice.__jtc__.options == JobOptions(
        queue="mail",
        timeout=60,
        tries=5,
        backoff=2.0,
        name="send_invoice",
        result_ttl=0,
    )


def test_a_class_without_keywords_has_the_defaults() -> None:
    class Plain(Job):
        async def handle(self) -> None: ...

    assert Plain.__jtc__.options == JobOptions(None, 300, 1, 0, None, 600)


def test_subclasses_inherit_every_option_but_the_name() -> None:
    class Mail(Job, queue="mail", tries=5, name="mail"):
        async def handle(self) -> None: ...

    class Newsletter(Mail, tries=2): ...

    class Local(Newsletter, queue=None): ...

    assert Newsletter.__jtc__.options == JobOptions(queue="mail", tries=2)
    assert Local.__jtc__.options == JobOptions(queue=None, tries=2)
    assert Newsletter.__jtc__.name.endswith("Newsletter")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("queue", ""),
        ("queue", "a:b"),
        ("queue", 3),
        ("timeout", 0),
        ("timeout", -1),
        ("timeout", math.inf),
        ("timeout", "60"),
        ("timeout", True),
        ("timeout", None),
        ("tries", 0),
        ("tries", 1.5),
        ("tries", True),
        ("backoff", -0.1),
        ("backoff", math.nan),
        ("name", ""),
        ("name", "two words"),
        ("name", 5),
        ("result_ttl", -1),
        ("result_ttl", 1.5),
        ("retries", 3),
    ],
)
def test_an_unusable_option_is_refused_where_the_class_is_defined(
    option: str, value: Any
) -> None:
    keywords = {option: value}

    with pytest.raises(InvalidOption) as caught:

        class Broken(Job, **keywords):
            async def handle(self) -> None: ...

    assert f"class Broken: {option}={value!r}; it has to be" in str(caught.value)
    assert caught.value.option == option


def test_the_error_for_an_unknown_option_lists_the_known_ones() -> None:
    keywords: dict[str, Any] = {"retries": 3}

    with pytest.raises(ValueError, match=r"one of the options queue, timeout, tries"):

        class Broken(Job, **keywords):
            async def handle(self) -> None: ...
