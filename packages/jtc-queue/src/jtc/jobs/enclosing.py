"""A job class, a payload and options become the document that the queue holds."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import saq

from jtc.jobs.dispatch_options import DispatchOptions
from jtc.jobs.unique import Unique
from jtc.queue.secret_fields import secret_meta
from jtc.queue.wall_clock import epoch_seconds

if TYPE_CHECKING:
    from jtc.jobs.definition import JobDefinition

# The one function that workers know for every class of jobs.
RUNNER = "runner"


def enclose(
    definition: JobDefinition, payload: Mapping[str, Any], said: DispatchOptions
) -> saq.Job:
    """Return the queue's job for one dispatch.

    Raises:
        InvalidPayload: A value is missing, unknown or of another type.
        NotAJob: The class does not define `handle`.
    """
    definition.check_runnable()
    options = definition.options
    retries = options.retry_policy.as_fields()
    encoded = definition.payload.encode(payload)
    return saq.Job(
        function=RUNNER,
        # One key: spread, it would collide with the fields of saq.Job.
        kwargs={"job_class": definition.name, "payload": encoded},
        key=str(uuid.uuid4()),
        scheduled=said.due(epoch_seconds()),
        timeout=math.ceil(said.timeout or options.timeout),
        retries=said.tries or options.tries,
        # SAQ keeps a result for ever when the time is 0, and none when it is below.
        ttl=options.result_ttl or -1,
        **{**retries, "meta": retries["meta"] | _meta(definition, encoded, said)},
    )


def _meta(
    definition: JobDefinition, encoded: Mapping[str, Any], said: DispatchOptions
) -> dict[str, Any]:
    meta = secret_meta(definition.payload.secret, encoded)
    if tags := (*definition.options.tags, *said.tags):
        meta["tags"] = list(dict.fromkeys(tags))
    if said.delay:
        meta["delay"] = said.delay
    if unique := _unique(definition, encoded, said):
        meta["unique"] = unique
    return meta


def _unique(
    definition: JobDefinition, encoded: Mapping[str, Any], said: DispatchOptions
) -> dict[str, Any] | None:
    rule = definition.options.unique
    if rule is None and said.unique_key is None:
        return None
    rule = rule or Unique()
    if said.unique_key is not None:
        key = f"{definition.name}:={said.unique_key}"
    else:
        key = rule.key_for(definition.name, definition.payload.complete(encoded))
    return {"key": key, "until": rule.until, "ttl": rule.ttl}
