from __future__ import annotations

from typing import Annotated

import typer

from jtc.cli.logs import LogFormat

LogFormatOption = Annotated[
    LogFormat,
    typer.Option(
        "--log-format",
        case_sensitive=False,
        envvar="JTC_LOG_FORMAT",
        help="Lines for people, or one JSON object a line for a log collector.",
    ),
]
