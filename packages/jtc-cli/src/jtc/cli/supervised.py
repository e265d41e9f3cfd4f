"""What each process of `jtc queue work --processes N` or `--reload` runs."""

from __future__ import annotations

import signal
import socket
import sys

from jtc.cli.leash import Leash
from jtc.cli.logs import LogFormat, LogLevel, set_up_logging
from jtc.cli.output import label_lines, prepare_streams
from jtc.cli.reporting import report_errors, report_warnings
from jtc.cli.stopping import SIGNALS, ignore

RECYCLED = 75
"""Exit status of a worker that is to be replaced; sysexits.h calls it TEMPFAIL."""


def main() -> None:
    """Run a worker until the process that started this one says so, or is gone."""
    leash = Leash(socket.socket(fileno=int(sys.argv[1])))
    order = leash.read_order()
    prepare_streams()
    report_warnings()
    if order.reloads:
        # A file that changes twice in a second and keeps its size would be taken from
        # what was compiled first.
        sys.dont_write_bytecode = True
    else:
        label_lines(str(order.number))
    with report_errors():
        from jtc.cli.commands.worker import run_supervised  # noqa: PLC0415 - it takes
        # a while, and what it raises is to be reported

        set_up_logging(
            LogLevel(order.log_level),
            LogFormat(order.options.log_format),
            process=None if order.reloads else order.number,
        )
        has_reached_limit = run_supervised(order, leash)
    # On the way out there is nothing left to stop.
    for signum in SIGNALS:
        signal.signal(signum, ignore)
    sys.exit(RECYCLED if has_reached_limit else 0)


if __name__ == "__main__":
    main()
