from __future__ import annotations

import asyncio
import math
from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest

from jtc.jobs import Exponential, InvalidOption, Job, JobOptions
from jtc.jobs.option_rules import _RULES
from jtc.jobs.options import JobKeywords


def test_class_keywords_are_the_options() -> None:
    class SendInvoice(
        Job,
        queue="mail",
        timeout=60,
        tries=5,
        backoff=2.0,
        name="send_invoice",
        result_ttl=0,
        retry_until=timedelta(hours=1),
        retry_on=OSError,
        discard_on=(KeyError, ValueError),
    ):
        async def handle(self) -> None: ...

    assert SendInvoice.__jtc__.options == JobOptions(
        queue="mail",
        timeout=60,
        tries=5,
        backoff=2.0,
        name="send_invoice",
        result_ttl=0,
        retry_until=3600,
        retry_on=(OSError,),
        discard_on=(KeyError, ValueError),
    )


def test_a_class_without_keywords_has_the_defaults() -> None:
    class Plain(Job):
        async def handle(self) -> None: ...

    assert Plain.__jtc__.options == JobOptions(None, 300, 1, 0, None, 600)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (0.5, 0.5),
        ([1, 5, 30], (1, 5, 30)),
        ((0,), (0,)),
        (Exponential(1, cap=600), Exponential(1, cap=600)),
    ],
)
def test_a_back_off_is_kept_in_a_form_that_cannot_be_changed(
    given: Any, kept: Any
) -> None:
    class Patient(Job, tries=3, backoff=given):
        async def handle(self) -> None: ...

    class Child(Patient): ...

    assert Patient.__jtc__.options.backoff == kept
    assert Child.__jtc__.options.backoff == kept
    assert hash(Patient.__jtc__.options)


def test_a_subclass_takes_back_what_it_inherits() -> None:
    class Base(Job, tries=3, retry_until=60, retry_on=OSError, discard_on=KeyError):
        async def handle(self) -> None: ...

    class Plain(Base, tries=1, retry_until=None, retry_on=None, discard_on=()): ...

    class Once(Base, tries=1): ...

    assert Plain.__jtc__.options == JobOptions()
    assert Once.__jtc__.options.retry_until == 60


def test_a_time_for_tries_is_refused_where_there_is_only_one() -> None:
    with pytest.raises(InvalidOption, match="given together with tries=2 or more"):

        class Once(Job, retry_until=60):
            async def handle(self) -> None: ...


def test_every_option_has_a_rule_and_a_keyword() -> None:
    names = [field.name for field in fields(JobOptions)]

    assert list(JobKeywords.__annotations__) == names
    assert list(_RULES) == names


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
        ("backoff", []),
        ("backoff", [1, -1]),
        ("backoff", [1, True]),
        ("backoff", "30"),
        ("backoff", {1, 2}),
        ("backoff", timedelta(seconds=1)),
        ("backoff", None),
        ("retry_until", 0),
        ("retry_until", -1),
        ("retry_until", timedelta(days=1000)),
        ("retry_until", "1h"),
        ("retry_on", ()),
        ("retry_on", [OSError]),
        ("retry_on", OSError()),
        ("retry_on", (OSError, 3)),
        ("retry_on", BaseException),
        ("discard_on", None),
        ("discard_on", "KeyError"),
        ("discard_on", (asyncio.CancelledError,)),
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
