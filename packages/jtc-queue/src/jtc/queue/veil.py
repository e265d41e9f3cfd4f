from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"
# What is shorter is in every second word, and would blot out the rest of a text.
_SHORTEST = 4
_SHORTEST_NUMBER = 6


@dataclass(frozen=True, slots=True, repr=False)
class Veil:
    """Hides secrets in texts and errors.

    Attributes:
        words: The texts that are hidden, the longest first.
    """

    words: Sequence[str] = ()

    def __repr__(self) -> str:
        return f"<Veil over {len(self.words)} words>"

    def __bool__(self) -> bool:
        return bool(self.words)

    @classmethod
    def over(cls, values: Iterable[object]) -> Veil:
        """Return what hides values of JSON, in all the forms that a text gives them.

        Texts of less than four letters are let through, and so are numbers of less
        than six digits.

        Example:
            >>> Veil.over([{"pin": "s3cret"}]).text("no entry for 's3cret'")
            "no entry for '***'"
        """
        words = {form for value in values for word in _words(value) for form in word}
        return cls(sorted(words, key=len, reverse=True))

    def text(self, text: str) -> str:
        """Return a text without the secrets."""
        for word in self.words:
            text = text.replace(word, MASK)
        return text

    def value(self, value: Any) -> Any:
        """Return a value of JSON without the secrets in its texts."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self.value(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(part) for part in value]
        return value

    def error(self, error: BaseException) -> BaseException:
        """Return an error that reads as `error` without the secrets.

        It has the name of its type and its traceback, and so have its causes: it is for
        logs and for lists, not for `except`.
        """
        if not self.words:
            return error
        try:
            return _shown(error, self, {})
        except RecursionError:
            # Of a thousand causes, one behind the other, the error alone is shown.
            return _alone(error, self).with_traceback(error.__traceback__)


NO_VEIL = Veil()


def _words(value: object) -> Iterator[Iterable[str]]:
    if isinstance(value, Mapping):
        for part in (*value.keys(), *value.values()):
            yield from _words(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _words(part)
    elif isinstance(value, str) and len(value) >= _SHORTEST:
        yield _forms(value)
    elif isinstance(value, int | float) and len(str(value)) >= _SHORTEST_NUMBER:
        yield (str(value),)


def _forms(text: str) -> Iterator[str]:
    yield text
    # What JSON and Python put into quotes, and what stands in a URL.
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield repr(text)[1:-1]
    encodable = text.encode("utf-8", "replace")
    yield repr(encodable)[2:-1]
    yield quote(encodable)
    yield quote_plus(encodable)
    yield from _bytes_forms(text)


def _bytes_forms(text: str) -> Iterator[str]:
    """Yield how the bytes read that JSON has in base 64."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return
    forms = (repr(data)[2:-1], data.decode("utf-8", "replace"))
    yield from (form for form in forms if len(form) >= _SHORTEST)


def _shown(
    error: BaseException, veil: Veil, seen: dict[int, BaseException]
) -> BaseException:
    if id(error) in seen:
        return seen[id(error)]
    shown = seen[id(error)] = _twin(error, veil, seen)
    shown.__traceback__ = error.__traceback__
    # Setting the cause hides the context, as the original may not have done.
    for link in ("__cause__", "__context__"):
        if (linked := getattr(error, link)) is not None:
            setattr(shown, link, _shown(linked, veil, seen))
    shown.__suppress_context__ = error.__suppress_context__
    for note in getattr(error, "__notes__", ()):
        shown.add_note(veil.text(str(note)))
    return shown


def _twin(
    error: BaseException, veil: Veil, seen: dict[int, BaseException]
) -> BaseException:
    if not isinstance(error, BaseExceptionGroup):
        return _alone(error, veil)
    parts = [_shown(part, veil, seen) for part in error.exceptions]
    group = _kind_of(error, BaseExceptionGroup)
    twin: BaseException = group(veil.text(error.message), parts)
    return twin


def _alone(error: BaseException, veil: Veil) -> BaseException:
    copy: BaseException = _kind_of(error, Exception)(veil.text(_text_of(error)))
    return copy


def _kind_of(error: BaseException, base: type[BaseException]) -> Any:
    kind = type(error)
    names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    return type(kind.__name__, (base,), names)


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        # It is the user's class that says how it reads, and that may fail too.
        return ""
