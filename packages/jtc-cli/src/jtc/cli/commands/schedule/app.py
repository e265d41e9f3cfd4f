from __future__ import annotations

import typer

from jtc.cli.commands.schedule import controlling, looking, planning

app = typer.Typer(
    help="See when tasks are due and what became of them, and take a hand in it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command(name="list")(looking.list_schedules)
app.command(name="next")(looking.next_times)
app.command()(looking.explain)
app.command()(looking.history)
app.command()(controlling.run)
app.command()(controlling.trigger)
app.command()(controlling.pause)
app.command()(controlling.resume)
app.command()(controlling.backfill)
app.command()(planning.simulate)
app.command()(planning.check)
