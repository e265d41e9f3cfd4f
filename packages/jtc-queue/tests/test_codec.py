from __future__ import annotations

import datetime as dt
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jtc.queue.codec import as_json, decode, encode

documents: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(documents)
def test_a_document_comes_back_as_it_was(document: Any) -> None:
    assert decode(encode(document)) == document


@given(documents)
def test_saq_reads_what_we_write_and_we_what_saq_writes(document: Any) -> None:
    assert json.loads(encode(document)) == document
    assert decode(json.dumps(document)) == document


def test_the_numbers_of_the_standard_library_are_read() -> None:
    document = decode('{"a": NaN, "b": -Infinity}')
    assert math.isnan(document["a"])
    assert document["b"] == -math.inf


@pytest.mark.parametrize("text", [b"", b"{", b"nil", b"\xff"])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the parser's own words
        decode(text)


def test_what_json_cannot_carry_becomes_its_text() -> None:
    assert as_json([1, 1 + 2j]) == [1, "(1+2j)"]


def test_text_that_no_encoding_has_becomes_ascii() -> None:
    assert as_json("\udc80") == "'\\udc80'"


def test_a_value_that_contains_itself_becomes_its_text() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert as_json(endless) == "[[...]]"


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("inside", ["n", {"deep": ["n", None]}, ("n", 1)])
def test_a_number_that_json_does_not_know_is_written_as_saq_does_or_refused(
    number: float, inside: Any
) -> None:
    def put_in(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: put_in(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(map(put_in, value))
        return number if value == "n" else value

    document = {"kwargs": put_in(inside), "when": dt.date(2024, 2, 29)}
    assert repr(decode(encode(document))) == repr(
        json.loads(json.dumps(document | {"when": "2024-02-29"}))
    )
    with pytest.raises(ValueError, match=f"{number} has no form in JSON"):
        encode(document, strict=True)


def test_nothing_is_no_number() -> None:
    document = {"kwargs": {"a": None, "b": [None, 1.5]}}
    assert encode(document, strict=True) == b'{"kwargs":{"a":null,"b":[null,1.5]}}'


class _Mute:
    def __repr__(self) -> str:
        raise RuntimeError("no text form")


def test_a_value_without_a_text_form_becomes_the_name_of_its_type() -> None:
    assert as_json({"a": 1, "b": _Mute()}) == {"a": 1, "b": "<_Mute>"}
    assert as_json(["\udc80", _Mute()]) == "<list>"
