from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from evidence import Evidence


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be.

    Attributes:
        text: What is wrong.
        job: The id of the job it is about, if it is about one.
    """

    text: str
    job: str = ""


class Check(Protocol):
    """A function named after what must hold; it finds where that is not so."""

    __name__: str

    def __call__(self, evidence: Evidence, /) -> Iterator[Finding]:
        """Yield every violation."""
