from __future__ import annotations

import dataclasses
from typing import Any

import saq

_FIELDS = tuple(
    (field.name, field.default)
    for field in dataclasses.fields(saq.Job)
    if field.name not in ("queue", "meta")
)


def document_of(job: saq.Job) -> dict[str, Any]:
    """Return what is stored of a job: SAQ's `to_dict`, several times faster.

    Example:
        >>> job = saq.Job(function="add", kwargs={"a": 1}, key="k")
        >>> document_of(job) == job.to_dict()
        True
    """
    fields = job.__dict__
    document = {
        name: fields[name]
        for name, default in _FIELDS
        if fields[name] is not default and fields[name] != default
    }
    if job.queue is not None:
        document["queue"] = job.queue.name
    if job.meta:
        document["meta"] = job.meta
    return document
