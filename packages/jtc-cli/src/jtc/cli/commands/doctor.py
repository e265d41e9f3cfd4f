from __future__ import annotations

import typer

from jtc.cli.commands.failed import Json, RedisUrl
from jtc.cli.place import Place


def doctor(*, redis: RedisUrl = None, as_json: Json = False) -> None:
    """Look whether versions and server are as they should be, and say how to mend it.

    The exit status is 1 if there is an error.
    """
    # Only who asks for it pays for the import.
    from jtc.cli.commands.diagnosis import show_diagnosis  # noqa: PLC0415

    if show_diagnosis(Place(None, redis), as_json=as_json):
        raise typer.Exit(1)
