from __future__ import annotations

from typing import Annotated

import typer

from jtc.cli.commands.failed import RedisUrl
from jtc.cli.commands.log_options import LogFormatOption
from jtc.cli.logs import LogFormat, LogLevel, set_up_logging


def dashboard(
    *,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="ADDRESS",
            help="Where to listen; what others can reach needs --user.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="The port.")
    ] = 8080,
    user: Annotated[
        str | None,
        typer.Option(
            "--user",
            metavar="NAME",
            help="Who has to log in, with the password in JTC_DASHBOARD_PASSWORD; "
            "it is asked for at a terminal.",
        ),
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Let nobody do anything, only look.")
    ] = False,
    root_path: Annotated[
        str,
        typer.Option(
            "--root-path",
            metavar="PATH",
            help="The path below which a proxy in front of it shows it, as in /jobs.",
        ),
    ] = "",
    redis: RedisUrl = None,
    log_level: Annotated[
        LogLevel,
        typer.Option("--log-level", case_sensitive=False, help="How much to say."),
    ] = LogLevel.INFO,
    log_format: LogFormatOption = LogFormat.TEXT,
) -> None:
    """Show queues, jobs and schedules in a browser, until Ctrl+C or SIGTERM."""
    set_up_logging(log_level, log_format)
    # Only who starts it pays for the import.
    from jtc.cli.dashboard_server import serve_dashboard  # noqa: PLC0415

    serve_dashboard(
        host=host,
        port=port,
        user=user,
        read_only=read_only,
        root_path=root_path,
        redis=redis,
    )
