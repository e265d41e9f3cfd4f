from __future__ import annotations

import os
import signal

import pytest

from jtc.cli.stopping import stop_at_sigterm


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
