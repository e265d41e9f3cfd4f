from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jtc.queue import InvalidQueueName, RedisQueue, open_client
from jtc.queue.keys import QueueKeys


@pytest.mark.parametrize("name", ["default", "mail.bulk", "a-b_c", "{app}", "x" * 100])
def test_a_plain_name_is_taken(name: str) -> None:
    keys = QueueKeys(name)
    assert keys.queued == f"saq:{name}:queued"
    assert keys.claims == f"jtc:{name}:claims"


@pytest.mark.parametrize(
    "name", ["", "a:b", "a b", "a*", "a?", "[a]", "ä", "a\n", "x" * 101, None, 7]
)
@pytest.mark.fault("H26")
def test_a_name_that_is_not_safe_inside_a_key_is_refused(name: str) -> None:
    with pytest.raises(InvalidQueueName, match="cannot name a queue"):
        QueueKeys(name)


def test_a_queue_refuses_the_name_before_anything_else() -> None:
    with pytest.raises(InvalidQueueName):
        RedisQueue(open_client("redis://localhost:1"), "app:mail")


@given(st.text(min_size=1, max_size=120))
def test_no_name_that_is_taken_has_glob_or_key_characters(name: str) -> None:
    try:
        QueueKeys(name)
    except InvalidQueueName:
        return
    assert not set(name) & set(":*?[]\\ \n")


def test_the_keys_are_those_of_saqs_layout() -> None:
    queue = RedisQueue(open_client("redis://localhost:1"))
    layout = (queue._incomplete, queue._queued, queue._active)
    assert (queue.keys.incomplete, queue.keys.queued, queue.keys.active) == layout
