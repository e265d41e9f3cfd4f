from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from jtc.jobs.explanation import short


@dataclass(frozen=True, slots=True)
class FieldNames:
    """The names that the payload of a class has.

    Attributes:
        type_texts: The annotations of the fields, as they were written.
        required: The fields without a default.
        injected: The parameters of `__init__`, which are services.
    """

    type_texts: Mapping[str, str]
    required: frozenset[str]
    injected: frozenset[str]

    def flaw_in(self, values: Mapping[str, object]) -> tuple[str, str] | None:
        """Return the first name that is unknown or missing, and what is wrong.

        Example:
            >>> names = FieldNames({"size": "int"}, frozenset({"size"}), frozenset())
            >>> names.flaw_in({"size": 1})
            >>> names.flaw_in({"sise": 1})
            ('sise', 'no such field. Did you mean size? Declared: size')
            >>> names.flaw_in({})
            ('size', 'missing; it has to be int')
        """
        for name in values:
            if name not in self.type_texts:
                return str(name), self._why_unknown(name)
        if (missing := self._missing_in(values)) is not None:
            return missing, f"missing; it has to be {self.type_texts[missing]}"
        return None

    def misfit_in(self, data: Mapping[str, object]) -> tuple[str, str, str] | None:
        """Say the same of what came from the queue, and what may be done about it.

        Example:
            >>> names = FieldNames({"size": "int"}, frozenset({"size"}), frozenset())
            >>> names.misfit_in({"size": 1, "sise": 2})[:2]
            ('sise', 'the queue has 2, the class has no field of that name')
            >>> names.misfit_in({})[1:]
            ('the queue has no value, it has to be int', 'give the field a default')
        """
        for name, value in data.items():
            if name not in self.type_texts:
                has = "a service" if name in self.injected else "no field"
                why = f"the queue has {short(value)}, the class has {has} of that name"
                return str(name), why, "deploy a class that has the field"
        if (missing := self._missing_in(data)) is not None:
            why = f"the queue has no value, it has to be {self.type_texts[missing]}"
            return missing, why, "give the field a default"
        return None

    def _missing_in(self, values: Mapping[str, object]) -> str | None:
        absent = (name for name in self.type_texts if name not in values)
        return next((name for name in absent if name in self.required), None)

    def _why_unknown(self, name: str) -> str:
        if name in self.injected:
            return "is a parameter of __init__, which takes services from the container"
        close = difflib.get_close_matches(str(name), self.type_texts, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        return f"no such field.{hint} Declared: {', '.join(self.type_texts)}"
