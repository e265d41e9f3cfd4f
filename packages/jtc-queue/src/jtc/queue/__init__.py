from __future__ import annotations

from jtc.queue.client import mask_url, open_client
from jtc.queue.errors import (
    DecodingClient,
    Discard,
    DuplicateFunction,
    Fail,
    InvalidBackoff,
    InvalidFilter,
    InvalidQueueName,
    InvalidQueueOrder,
    InvalidRedisUrl,
    InvalidSetting,
    InvalidWorkerId,
    JobTimeout,
    NotRunnableHere,
    QueueError,
    Retry,
    SelfCancelled,
    ServerTooOld,
    SettingsError,
    ThreadStillRuns,
    TooLateToRetry,
    UnknownFunction,
    UnknownSetting,
    UnnamedFunction,
    UnreadableSettings,
    Unserializable,
)
from jtc.queue.exponential import Exponential
from jtc.queue.failed_job import FailedJob
from jtc.queue.failed_jobs import FailedJobs
from jtc.queue.limits import Limits
from jtc.queue.queue_order import QueueOrder
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.scheduler import Scheduler, task_function_name
from jtc.queue.server import ServerInfo, check_server, read_server_info, server_risks
from jtc.queue.settings import Settings, load_settings
from jtc.queue.tick import Tick
from jtc.queue.ticks import next_tick
from jtc.queue.worker import Worker

__all__ = [
    "DecodingClient",
    "Discard",
    "DuplicateFunction",
    "Exponential",
    "Fail",
    "FailedJob",
    "FailedJobs",
    "InvalidBackoff",
    "InvalidFilter",
    "InvalidQueueName",
    "InvalidQueueOrder",
    "InvalidRedisUrl",
    "InvalidSetting",
    "InvalidWorkerId",
    "JobTimeout",
    "Limits",
    "NotRunnableHere",
    "QueueError",
    "QueueOrder",
    "RedisQueue",
    "Retry",
    "Scheduler",
    "SelfCancelled",
    "ServerInfo",
    "ServerTooOld",
    "Settings",
    "SettingsError",
    "ThreadStillRuns",
    "Tick",
    "TooLateToRetry",
    "UnknownFunction",
    "UnknownSetting",
    "UnnamedFunction",
    "UnreadableSettings",
    "Unserializable",
    "Worker",
    "check_server",
    "load_settings",
    "mask_url",
    "next_tick",
    "open_client",
    "read_server_info",
    "server_risks",
    "task_function_name",
]
