from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from jtc.cli.place import Place

COMMAND = ["queue", "health"]


@dataclass(frozen=True, slots=True)
class Probe:
    """What `jtc queue health` was asked.

    A container runs it every few seconds, so it is read here without Typer, whose
    import alone takes as long as all the rest.
    """

    place: Place
    worker: str | None
    here: bool
    as_json: bool

    def is_healthy(self) -> bool:
        """Ask the server and print the answer; see `show_health`.

        Raises:
            QueueError: A setting is unfit.
        """
        from jtc.cli.commands.queue_health import show_health  # noqa: PLC0415 - main

        return show_health(
            self.place, worker=self.worker, here=self.here, as_json=self.as_json
        )


def read_probe(words: Sequence[str]) -> Probe | None:
    """Read a command line; None where it is another command, or Typer has to answer.

    Example:
        >>> read_probe(["queue", "health", "--here"]).here
        True
        >>> read_probe(["queue", "health", "--help"]) is None
        True
    """
    if words[:2] != COMMAND:
        return None
    try:
        said, rest = _parser().parse_known_args(words[2:])
    except _Misunderstood:
        return None
    if rest or (said.worker and said.here):
        return None
    place = Place(said.queue, said.redis)
    return Probe(place, worker=said.worker, here=said.here, as_json=said.as_json)


class _Misunderstood(Exception):
    """Raised when the options are not what they should be."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _Misunderstood(message)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("--queue", "-q")
    parser.add_argument("--redis")
    parser.add_argument("--worker")
    parser.add_argument("--here", action="store_true")
    parser.add_argument("--json", action="store_true", dest="as_json")
    return parser
