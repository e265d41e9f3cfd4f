from __future__ import annotations

import base64
import json
import traceback
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jtc.queue.veil import NO_VEIL, Veil

SECRET = 'p"\\ä\nword s3cret'


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except type(error) as caught:
        return caught


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        repr(SECRET),
        repr(SECRET.encode()),
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        f"https://shop/?key={quote(SECRET)}",
    ],
)
def test_a_secret_is_hidden_in_every_form_that_a_text_gives_it(form: str) -> None:
    text = Veil.over([SECRET]).text(f"no entry for {form}!")

    assert "s3cret" not in text
    assert text.startswith("no entry for ")
    assert text.endswith("!")


def test_parts_of_a_secret_are_hidden_too() -> None:
    veil = Veil.over([{"card": ["4111111111111111", 4111222233334444]}])

    assert veil.text("4111111111111111 4111222233334444") == "*** ***"


def test_bytes_are_hidden_as_python_shows_them() -> None:
    key = b"\x00raw key"

    veil = Veil.over([base64.b64encode(key).decode()])

    assert veil.text(f"bad {key!r}") == "bad b'***'"


@given(st.text(min_size=4), st.text(), st.text())
def test_no_text_shows_a_secret(secret: str, before: str, after: str) -> None:
    shown = Veil.over([secret]).text(f"{before}{secret}{after}")

    assert secret not in shown or set(secret) == {"*"}


def test_a_word_of_three_letters_is_let_through() -> None:
    assert Veil.over(["abc", 12345, None, True]).text("abc 12345") == "abc 12345"


def test_the_longer_of_two_secrets_is_hidden_whole() -> None:
    assert Veil.over(["secret", "secret-2"]).text("secret-2") == "***"


def test_an_error_reads_the_same_but_for_the_secret() -> None:
    # Given an error with all that an error may have
    try:
        try:
            {"other": 1}[SECRET]
        except KeyError as cause:
            raise ConnectionError(f"no door for {SECRET}") from cause
    except ConnectionError as error:
        error.add_note(f"It was {SECRET}.")
        original = error

    # When it is shown
    shown = Veil.over([SECRET]).error(original)
    text = "".join(traceback.format_exception(shown))

    # Then only the secret is gone
    plain = "".join(traceback.format_exception(original))
    assert "s3cret" not in text
    assert "KeyError: " in text
    assert "ConnectionError: no door for ***\nIt was ***." in text
    assert "direct cause" in text
    frames = [line for line in plain.splitlines() if line.startswith("  File")]
    assert [line for line in text.splitlines() if line.startswith("  File")] == frames


def test_the_errors_of_a_group_are_shown_without_the_secret() -> None:
    group = ExceptionGroup(f"all of {SECRET}", [ValueError(SECRET), OSError("no")])

    shown = Veil.over([SECRET]).error(raised(group))

    text = "".join(traceback.format_exception(shown))
    assert "s3cret" not in text
    assert "ValueError: ***" in text
    assert "OSError: no" in text


def test_errors_that_are_each_others_cause_are_shown() -> None:
    first, second = ValueError("s3cret one"), ValueError("two")
    first.__cause__, second.__context__ = second, first

    text = str(Veil.over(["s3cret"]).error(first))

    assert text == "*** one"


def test_of_more_causes_than_can_be_followed_the_last_error_is_shown() -> None:
    error = ValueError("the first")
    for _ in range(5000):
        another = ValueError("my s3cret")
        another.__cause__ = error
        error = another

    shown = Veil.over(["s3cret"]).error(raised(error))

    text = "".join(traceback.format_exception(shown))
    assert "ValueError: my ***" in text
    assert "s3cret" not in text


def test_an_error_that_cannot_say_how_it_reads_is_shown_all_the_same() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert str(Veil.over(["s3cret"]).error(Mute())) == ""


def test_without_secrets_an_error_stays_itself() -> None:
    error = ValueError("boom")

    assert NO_VEIL.error(error) is error


def test_values_of_json_are_hidden_wherever_they_are() -> None:
    value: Any = {"a": ["my s3cret", 1], "b": ("s3cret", None)}

    assert Veil.over(["s3cret"]).value(value) == {
        "a": ["my ***", 1],
        "b": ["***", None],
    }
