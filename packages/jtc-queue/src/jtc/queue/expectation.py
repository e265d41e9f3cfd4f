from __future__ import annotations

from typing import Any

from jtc.queue.codec import encode
from jtc.schedule import TaskOptions


def encode_expectation(options: TaskOptions) -> bytes:
    """Write what `overdue.lua` has to know of a task; nothing if it need not succeed.

    Example:
        >>> encode_expectation(TaskOptions(expect_within=60, max_runs=5))
        b'{"within":60,"limit":5}'
    """
    if options.expect_within is None or not options.enabled:
        return b""
    said: dict[str, Any] = {"within": options.expect_within}
    if options.starts_at is not None:
        said["from"] = options.starts_at.timestamp()
    if options.ends_at is not None:
        said["until"] = options.ends_at.timestamp()
    if options.max_runs is not None:
        said["limit"] = options.max_runs
    if options.environments is not None:
        said["environments"] = sorted(options.environments)
    return encode(said)
