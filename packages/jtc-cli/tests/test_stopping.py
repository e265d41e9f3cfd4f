from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

import pytest

from jtc.cli.stopping import SIGNALS, holding_back_signals, stop_at_sigterm


@contextlib.contextmanager
def holding_former_handlers() -> Iterator[None]:
    former = {signum: signal.getsignal(signum) for signum in SIGNALS}
    try:
        yield
    finally:
        for signum, handler in former.items():
            signal.signal(signum, handler)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_before_the_worker_works_ends_it(
    signum: signal.Signals,
) -> None:
    after: list[str] = []
    with stop_at_sigterm():
        os.kill(os.getpid(), signum)
        after.append("not reached")
    assert after == []


def test_the_former_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with stop_at_sigterm():
        assert signal.getsignal(signal.SIGTERM) != before[0]
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_other_errors_pass() -> None:
    with pytest.raises(LookupError), stop_at_sigterm():
        raise LookupError


def test_a_signal_that_was_held_back_is_heard_afterwards() -> None:
    after: list[str] = []
    with stop_at_sigterm():
        with holding_back_signals():
            # To this thread: another one of the process would not hold it back.
            signal.raise_signal(signal.SIGINT)
            after.append("held back")
        after.append("not reached")
    assert after == ["held back"]


def test_where_signals_come_twice_the_second_is_ignored() -> None:
    with holding_former_handlers():
        cleaned_up: list[str] = []
        with stop_at_sigterm(once=True):
            try:
                with holding_back_signals():
                    signal.raise_signal(signal.SIGINT)
                    signal.raise_signal(signal.SIGTERM)
            finally:
                cleaned_up.append("yes")
        assert cleaned_up == ["yes"]
        os.kill(os.getpid(), signal.SIGTERM)
