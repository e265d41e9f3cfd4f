from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jtc.queue import InvalidQueueName, InvalidQueueOrder, QueueOrder

STRICT = QueueOrder.parse("high,default,low")
WEIGHTED = QueueOrder.parse("high=3,default=1")


def claims_of(
    order: QueueOrder, ready: Sequence[str], *, rooms: Sequence[int]
) -> Counter[str]:
    """Deal out room after room, where all queues that are ready are full."""
    claims: Counter[str] = Counter()
    credit: Mapping[str, int] = {}
    for room in rooms:
        deal = order.deal(room, ready, credit)
        credit = deal.credit
        for name, share in deal.shares:
            claims[name] += share
    return claims


# What may be written


@pytest.mark.parametrize(
    ("text", "names", "weights"),
    [
        ("mail", ("mail",), ()),
        ("high,default,low", ("high", "default", "low"), ()),
        (" high , low ", ("high", "low"), ()),
        ("high=3,default=1", ("high", "default"), (3, 1)),
        ("high = 1000, low = 1", ("high", "low"), (1000, 1)),
        ("one=7", ("one",), (7,)),
    ],
)
def test_names_and_weights_are_read(
    text: str, names: tuple[str, ...], weights: tuple[int, ...]
) -> None:
    order = QueueOrder.parse(text)
    assert (order.names, order.weights) == (names, weights)
    assert QueueOrder.parse(str(order)) == order


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "a name is missing"),
        ("high,", "a name is missing"),
        ("high,,low", "a name is missing"),
        ("=3", "a name is missing"),
        ("high,low,high", "it names a queue twice"),
        ("high=1,high=2", "it names a queue twice"),
        ("high=3,low", "some queues have a weight and some have none"),
        ("high,low=1", "some queues have a weight and some have none"),
        ("high=0,low=1", "the weight of high is 0 and has to be"),
        ("high=,low=1", "the weight of high is '' and has to be"),
        ("high=-1,low=1", "the weight of high is '-1' and has to be"),
        ("high=1.5,low=1", "the weight of high is '1.5' and has to be"),
        ("high=²,low=1", "the weight of high is '²' and has to be"),
        ("high=2=3", "the weight of high is '2=3' and has to be"),
        ("high=1001", "the weight of high is 1001 and has to be"),
        (f"high={'9' * 5000}", "has to be a whole number from 1 to 1000"),
    ],
)
def test_what_says_no_order_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(InvalidQueueOrder) as refused:
        QueueOrder.parse(text)
    assert why in str(refused.value)
    assert "'high,default,low'" in str(refused.value)


@pytest.mark.parametrize("text", ["a b", "high;low", "high:1", "ä,b"])
def test_a_name_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidQueueName):
        QueueOrder.parse(text)


@pytest.mark.parametrize(
    ("names", "weights"),
    [((), ()), (("a", "a"), ()), (("a", "b"), (1,)), (("a",), (1, 2))],
)
def test_an_order_without_sense_cannot_be_made(
    names: tuple[str, ...], weights: tuple[int, ...]
) -> None:
    with pytest.raises(InvalidQueueOrder):
        QueueOrder(names, weights)


@pytest.mark.parametrize("weight", [True, 0, "3", 1.0])
def test_a_weight_that_is_none_cannot_be_given(weight: int) -> None:
    with pytest.raises(InvalidQueueOrder, match="whole number from 1 to 1000"):
        QueueOrder(("a",), (weight,))


@pytest.mark.parametrize(
    ("text", "home"),
    [("mail", "mail"), ("high,low", "high"), ("high,default,low", "default")],
)
def test_jobs_that_name_no_queue_have_a_home(text: str, home: str) -> None:
    assert QueueOrder.parse(text).home == home


# Who gets how much


def test_in_strict_order_the_first_may_take_everything() -> None:
    deal = STRICT.deal(10, ["low", "default", "high"])
    assert deal.shares == (("high", 10), ("default", 10), ("low", 10))


def test_a_queue_that_is_empty_is_not_asked() -> None:
    assert STRICT.deal(4, ["low"]).shares == (("low", 4),)
    assert WEIGHTED.deal(4, ["default"]).shares == (("default", 4),)
    assert WEIGHTED.deal(4, []).shares == ()


def test_weights_are_shares_of_what_is_free() -> None:
    assert WEIGHTED.deal(8, ["high", "default"]).shares == (("high", 6), ("default", 2))


@pytest.mark.parametrize("room", [1, 2, 3, 7, 10])
def test_over_many_claims_each_queue_gets_its_weight(room: int) -> None:
    claims = claims_of(WEIGHTED, ["high", "default"], rooms=[room] * 400)
    assert claims == {"high": 300 * room, "default": 100 * room}


def test_one_free_slot_at_a_time_is_given_in_turns() -> None:
    order, turns = QueueOrder.parse("a=200,b=100"), []
    credit: Mapping[str, int] = {}
    for _ in range(6):
        deal = order.deal(1, ["a", "b"], credit)
        credit = deal.credit
        turns += [name for name, _ in deal.shares]
    # Weights with a common divisor do not make for longer turns.
    assert turns == ["a", "a", "b"] * 2


def test_a_queue_that_was_empty_for_long_does_not_make_up_for_it() -> None:
    alone = WEIGHTED.deal(10_000, ["high"])
    both = WEIGHTED.deal(100, ["high", "default"], alone.credit)
    assert abs(dict(both.shares)["default"] - 25) <= 1


orders = st.integers(1, 5).flatmap(
    lambda n: st.tuples(
        st.just(tuple(f"q{i}" for i in range(n))),
        st.lists(st.integers(1, 20), min_size=n, max_size=n).map(tuple),
    )
)


@given(orders, st.lists(st.tuples(st.integers(0, 50), st.integers(0, 31)), max_size=30))
def test_nothing_is_left_idle_and_nobody_starves(
    parts: tuple[tuple[str, ...], tuple[int, ...]], rounds: list[tuple[int, int]]
) -> None:
    order = QueueOrder(*parts)
    credit: Mapping[str, int] = {}
    without: Counter[str] = Counter()
    for room, mask in rounds:
        ready = [name for i, name in enumerate(order.names) if mask >> i & 1]
        deal = order.deal(room, ready, credit)
        credit = deal.credit
        shares = dict(deal.shares)
        # All slots go to queues that are ready
        assert sum(shares.values()) == (room if ready else 0)
        assert set(shares) <= set(ready)
        # and no queue that is ready waits for longer than two turns of the others
        for name in order.names:
            missed = sum(n for other, n in shares.items() if other != name)
            is_waiting = name in ready and name not in shares
            without[name] = without[name] + missed if is_waiting else 0
            assert without[name] <= 2 * sum(order.weights)
