from __future__ import annotations

import signal
import sys

from jtc.cli.output import prepare_streams
from jtc.cli.probe import Probe, read_probe
from jtc.cli.reporting import report_errors, report_warnings


def main() -> None:
    """Run the command line; errors of ours end it with one message and status 1."""
    words = sys.argv[1:]
    prepare_streams()
    report_warnings()
    with report_errors():
        probe = read_probe(words)
        if probe is None:
            _run_command(words)
        else:
            _ask(probe)


def _ask(probe: Probe) -> None:
    try:
        sys.exit(0 if probe.is_healthy() else 1)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def _run_command(words: list[str]) -> None:
    # A probe has no use for these, and they take longer than all it does.
    from jtc.cli.application import app  # noqa: PLC0415
    from jtc.cli.branch import branch_of  # noqa: PLC0415

    branch_of(app, words)()
