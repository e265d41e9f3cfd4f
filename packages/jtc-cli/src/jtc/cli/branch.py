from __future__ import annotations

import copy
from collections.abc import Sequence

import typer
from typer.main import get_command_name
from typer.models import CommandInfo


def branch_of(app: typer.Typer, words: Sequence[str]) -> typer.Typer:
    """Return an app with no more of the commands of `app` than `words` lead to.

    Typer builds all commands before it runs one, which takes longer than most of them
    take themselves. Where the words lead nowhere, nothing is left out: what is said
    then names what there is.

    Example:
        >>> app = typer.Typer()
        >>> _ = [app.command(name)(print) for name in ("check", "health")]
        >>> [one.name for one in branch_of(app, ["health"]).registered_commands]
        ['health']
    """
    word = words[0] if words else None
    groups = [one for one in app.registered_groups if one.name == word]
    commands = [one for one in app.registered_commands if _name_of(one) == word]
    if not groups and not commands:
        return app
    branch = copy.copy(app)
    branch.registered_commands = commands
    branch.registered_groups = [copy.copy(one) for one in groups]
    for group in branch.registered_groups:
        if group.typer_instance is not None:
            group.typer_instance = branch_of(group.typer_instance, words[1:])
    return branch


def _name_of(command: CommandInfo) -> str | None:
    if command.name is None and command.callback is not None:
        return get_command_name(command.callback.__name__)
    return command.name
