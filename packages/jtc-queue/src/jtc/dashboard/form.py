from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.requests import Request

from jtc.dashboard.errors import NotUnderstood

LARGEST = 1_000_000
"""Bytes of a form: a page of jobs with very long keys."""
MOST_FIELDS = 1000


@dataclass(frozen=True, slots=True)
class Form:
    """What somebody filled in, or what stands behind the question mark of a link.

    Attributes:
        fields: The values of each field; those that are empty are left out.
    """

    fields: Mapping[str, Sequence[str]]

    def get(self, name: str) -> str | None:
        """Return the value of a field without blanks around it; None if it has none."""
        values = self.fields.get(name)
        return (values[0].strip() or None) if values else None

    def need(self, name: str) -> str:
        """Return the value of a field as it was sent.

        Raises:
            NotUnderstood: It has none.
        """
        values = self.fields.get(name)
        if not values:
            raise NotUnderstood(f"The form lacks its field {name!r}.")
        return values[0]

    def all(self, name: str) -> Sequence[str]:
        """Return all values of a field."""
        return self.fields.get(name, ())


def read_query(request: Request) -> Form:
    """Read what stands behind the question mark."""
    fields: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        if value:
            fields.setdefault(name, []).append(value)
    return Form(fields)


async def read_form(request: Request) -> Form:
    """Read a form that was sent.

    Raises:
        HTTPException: It is too large, or no form.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind.lower() != "application/x-www-form-urlencoded":
        raise HTTPException(415, "Send a form.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise HTTPException(413, "The form is too large.")
    try:
        return Form(parse_qs(body.decode(), max_num_fields=MOST_FIELDS))
    except ValueError:
        raise HTTPException(400, "The form cannot be read.") from None
