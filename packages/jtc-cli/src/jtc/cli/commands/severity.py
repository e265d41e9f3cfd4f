from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Severity(StrEnum):
    """How bad a finding is."""

    WARNING = "warning"
    ERROR = "error"


FailOn = Annotated[
    Severity,
    typer.Option(
        "--fail-on",
        case_sensitive=False,
        help="How bad a finding about a schedule has to be for the status to be 1.",
    ),
]
