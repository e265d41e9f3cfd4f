from __future__ import annotations

import json
import logging
import math
import traceback
from datetime import UTC, datetime
from typing import Any

import msgspec

from jtc.queue.codec import as_json
from jtc.queue.job_fields import current_job, job_fields
from jtc.queue.secret_fields import veil_of

# What every record has; whatever else is in one was given as `extra`.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_RESERVED = frozenset({"time", "level", "logger", "message", "exception", "stack"})


class JsonFormatter(logging.Formatter):
    """Writes each log record as one JSON object on one line.

    It has `time` (UTC), `level`, `logger` and `message`; while a job runs, be it logged
    by the job itself, `job_id`, `job_class` or `function`, `queue`, `attempt`,
    `worker`, and for a tick `task` and `tick` (UTC); all that is given as `extra`,
    which wins over those; and `exception` with `type`, `message` and `traceback`. The
    values of the job's `Secret` fields are masked.

    What cannot be written as JSON is written as text.

    Args:
        fields: What each line is to have besides.

    Example:
        >>> formatter = JsonFormatter(service="billing")
        >>> record = logging.makeLogRecord(
        ...     {"name": "shop", "levelname": "INFO", "msg": "Sent.", "created": 0.5}
        ... )
        >>> print(formatter.format(record))
        {"time": "1970-01-01T00:00:00.500Z", "level": "INFO", "logger": "shop", \
"message": "Sent.", "service": "billing"}
    """

    def __init__(self, **fields: Any) -> None:
        super().__init__()
        self._fields = fields

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        fields = _fields_of(record, self._fields)
        job = current_job.get()
        if job is not None:
            fields = {**fields, **job_fields(job)}
        fields |= _extra(record)
        plain = {key: _plain(value) for key, value in fields.items()}
        if job is not None and (veil := veil_of(job)):
            plain = veil.value(plain)
        return json.dumps(plain)


def _fields_of(record: logging.LogRecord, constant: dict[str, Any]) -> dict[str, Any]:
    at = datetime.fromtimestamp(record.created, UTC)
    fields: dict[str, Any] = {
        "time": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z",
        "level": record.levelname,
        "logger": record.name,
        "message": _message_of(record),
        **constant,
    }
    if exception := _exception_of(record):
        fields["exception"] = exception
    if record.stack_info:
        fields["stack"] = record.stack_info
    return fields


def _message_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:
        # A text that does not fit its arguments must not cost the record.
        return " ".join(map(_text_of, (record.msg, record.args)))


def _exception_of(record: logging.LogRecord) -> dict[str, Any] | None:
    if record.exc_info and record.exc_info[1] is not None:
        error = record.exc_info[1]
        kind = type(error)
        module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
        return {
            "type": f"{module}{kind.__qualname__}",
            "message": _text_of(error),
            "traceback": _traceback_of(error),
        }
    return {"traceback": record.exc_text} if record.exc_text else None


def _traceback_of(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error))
    except Exception:
        return "".join(traceback.format_tb(error.__traceback__))


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    found = {str(k): v for k, v in vars(record).items() if k not in _OWN}
    return {f"{k}_" if k in _RESERVED else k: v for k, v in found.items()}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    # Once more by way of JSON, which has no form for the numbers that are none.
    return msgspec.json.decode(msgspec.json.encode(as_json(value)))


def _text_of(value: object) -> str:
    try:
        return str(value)
    except Exception:
        # It is the user's class that says how it reads, and that may fail too.
        return f"<{type(value).__name__}>"
