"""The fields of a payload that are marked `Secret`, as a job carries their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jtc.queue.codec import decode
from jtc.queue.veil import MASK, NO_VEIL, Veil

if TYPE_CHECKING:
    from jtc.queue.claimed_job import ClaimedJob

# Where a job keeps their names in `meta`: the classes are not known to all who show it.
META = "secret"


class MaskedDict(dict[str, Any]):
    """A payload whose secrets can be read, and are not shown by who prints it.

    Example:
        >>> payload = MaskedDict({"user": "ann", "token": "s3cret"}, ["token"])
        >>> payload, payload["token"]
        ({'user': 'ann', 'token': '***'}, 's3cret')
    """

    def __init__(self, payload: Mapping[str, Any], names: Iterable[str]) -> None:
        super().__init__(payload)
        self._names = tuple(names)

    def __repr__(self) -> str:
        return repr(mask(self, self._names))


def secret_meta(names: Iterable[str], payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the `meta` of a job says of those of its fields that are secret."""
    found = [name for name in names if name in payload]
    return {META: found} if found else {}


def note_secrets(
    job: ClaimedJob | None, names: Iterable[str], payload: Mapping[str, Any]
) -> None:
    """Note in a job that runs what is secret of it: its sender may have known less."""
    if job is None or not isinstance(payload, Mapping):
        return
    known = secret_names(job.meta)
    if known or META not in job.meta:
        new = [name for name in names if name in payload and name not in known]
        if new:
            job.meta[META] = [*known, *new]
    job.veil = Veil.over(payload[name] for name in names if name in payload)


def secret_names(meta: object) -> Sequence[str]:
    """Return the names of the secret fields, as a job's `meta` has them."""
    # A job's meta is its owner's, who may use the word for something else.
    found = meta.get(META) if isinstance(meta, Mapping) else None
    return tuple(map(str, found)) if isinstance(found, list | tuple) else ()


def mask(payload: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return a payload with what stands for its secrets.

    Example:
        >>> mask({"user": "ann", "token": "s3cret"}, ["token"])
        {'user': 'ann', 'token': '***'}
    """
    secret = set(names)
    return {key: MASK if key in secret else value for key, value in payload.items()}


def show_fields(payload: Mapping[str, Any], names: Iterable[str]) -> str:
    """Return a payload as it is written in a call, without its secrets.

    Example:
        >>> show_fields({"user": "ann", "token": "s3cret"}, ["token"])
        "user='ann', token='***'"
    """
    shown = mask(payload, names).items()
    return ", ".join(f"{name}={value!r}" for name, value in shown)


def payload_in(kwargs: Mapping[str, Any]) -> tuple[str | None, Mapping[str, Any]]:
    """Return a job's class, None for a plain function, and its payload or arguments."""
    # Without `match`, which takes ten times as long: it is asked for each job.
    if isinstance(kwargs, dict) and len(kwargs) == 2:  # noqa: PLR2004 - these two
        name, payload = kwargs.get("job_class"), kwargs.get("payload")
        if isinstance(name, str) and isinstance(payload, dict):
            return name, payload
    return None, kwargs


def veil_of(job: ClaimedJob) -> Veil:
    """Return what hides a job's secrets in what is said of its attempt."""
    if job.veil is None:
        names = secret_names(job.meta) if job.meta else ()
        job.veil = _veil_over(job, names) if names else NO_VEIL
    return job.veil


def _veil_over(job: ClaimedJob, names: Iterable[str]) -> Veil:
    # The function may have changed the arguments that it was given.
    kwargs = job.kwargs if job.document is None else decode(job.document).get("kwargs")
    _, payload = payload_in(kwargs or {})
    return Veil.over(payload[name] for name in names if name in payload)
