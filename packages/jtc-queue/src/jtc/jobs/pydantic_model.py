"""pydantic models among the values of a payload; pydantic is not imported for it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeGuard

import msgspec

if TYPE_CHECKING:
    from pydantic import BaseModel

# The first that reads and writes by the names of the fields, whatever their aliases.
_OLDEST = (2, 11)


def is_model_class(kind: object) -> TypeGuard[type[BaseModel]]:
    """Tell whether `kind` is a class of pydantic models.

    Example:
        >>> is_model_class(int)
        False
    """
    # Nobody can have such a class without having imported it.
    pydantic = sys.modules.get("pydantic")
    if pydantic is None or not isinstance(kind, type):
        return False
    return issubclass(kind, pydantic.BaseModel)


def is_too_old() -> bool:
    """Tell whether the pydantic that is imported cannot do what is needed here."""
    version = str(sys.modules["pydantic"].VERSION)
    return tuple(map(int, version.split(".")[:2])) < _OLDEST


def write_model(model: BaseModel) -> msgspec.Raw:
    """Return the JSON of a model.

    Raises:
        ValueError: The model holds what it cannot write.
    """
    # What does not come back equal is refused; a warning would only say it twice.
    text = model.model_dump_json(round_trip=True, by_alias=False, warnings=False)
    return msgspec.Raw(text.encode())


def read_model(kind: type[Any], data: Any) -> Any:
    """Return the model that was written as `data`.

    Raises:
        ValueError: The data does not fit; it says which field of the model.
    """
    if not is_model_class(kind):
        return data
    # As JSON: a strict model takes a str for a datetime from there only.
    text = msgspec.json.encode(data)
    try:
        return kind.model_validate_json(text, by_alias=False, by_name=True)
    except ValueError as error:
        raise ValueError(_first_line_of(error)) from None


def _first_line_of(error: Any) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    text = first["msg"]
    return f"in {place}, {text[:1].lower()}{text[1:]}" if place else text
