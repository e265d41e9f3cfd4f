from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jtc.jobs import Job


class Free(Job):
    async def handle(self) -> None: ...


texts = st.text()
integers = st.integers(-(2**200), 2**200)
floats = st.floats(allow_nan=False, allow_infinity=False)
plain = st.recursive(
    st.none() | st.booleans() | integers | floats | texts,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(texts.map(lambda text: f"x{text}"), plain, max_size=4))
def test_any_json_comes_back_equal_where_nothing_is_declared(
    values: dict[str, Any],
) -> None:
    form = Free.__jtc__.payload

    sent = json.dumps(form.encode(values))

    assert dict(form.decode(json.loads(sent))) == values


@given(st.dictionaries(texts, plain | st.binary() | st.datetimes(), max_size=3))
def test_whatever_is_dispatched_is_accepted_unchanged_or_refused(
    values: dict[str, Any],
) -> None:
    form = Free.__jtc__.payload
    try:
        sent = form.encode(values)
    except ValueError:
        return

    assert json.loads(json.dumps(sent)) == values
