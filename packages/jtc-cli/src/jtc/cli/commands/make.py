from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jtc.cli.commands.failed import Json

app = typer.Typer(
    help="Write the skeleton of a job or a task, and a test for it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="As in SendInvoice or send_invoice."),
]
Into = Annotated[
    Path, typer.Option("--into", metavar="FOLDER", help="Where the module goes.")
]
Tests = Annotated[
    Path, typer.Option("--tests", metavar="FOLDER", help="Where its test goes.")
]


@app.command()
def job(
    *,
    name: Name,
    into: Into = Path("jobs"),
    tests: Tests = Path("tests"),
    as_json: Json = False,
) -> None:
    """Write a job class and its test; nothing that is there is changed."""
    # Only who makes something pays for the import.
    from jtc.cli.commands.making import make  # noqa: PLC0415
    from jtc.cli.skeletons import JOB  # noqa: PLC0415

    make(JOB, name, into=into, tests=tests, as_json=as_json)


@app.command()
def task(
    *,
    name: Name,
    into: Into = Path("tasks"),
    tests: Tests = Path("tests"),
    as_json: Json = False,
) -> None:
    """Write a scheduled task and its test; nothing that is there is changed."""
    from jtc.cli.commands.making import make  # noqa: PLC0415 - as in job
    from jtc.cli.skeletons import TASK  # noqa: PLC0415

    make(TASK, name, into=into, tests=tests, as_json=as_json)
