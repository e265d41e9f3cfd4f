from __future__ import annotations

from typing import Annotated

import typer

from jtc.cli.commands import doctor, make, queue, schedule
from jtc.cli.output import print_text

app = typer.Typer(
    help="Run scheduled tasks and jobs.",
    no_args_is_help=True,
    # Both take more time than the rest of --help.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(queue.app, name="queue")
app.add_typer(schedule.app, name="schedule")
app.add_typer(make.app, name="make")
app.command()(doctor.doctor)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer's way to call it
    if wanted:
        # Only who asks for the version pays for the import.
        from importlib import metadata  # noqa: PLC0415

        print_text(f"jtc {metadata.version('jtc-cli')}")
        raise typer.Exit


@app.callback()
def _take_options(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Show the version.",
        ),
    ] = False,
) -> None:
    pass
