from __future__ import annotations

from jtc.queue.client import mask_url, open_client
from jtc.queue.errors import (
    DecodingClient,
    Discard,
    DuplicateFunction,
    Fail,
    InvalidBackfill,
    InvalidBackoff,
    InvalidFilter,
    InvalidPause,
    InvalidQueueName,
    InvalidQueueOrder,
    InvalidRedisUrl,
    InvalidSchedule,
    InvalidSetting,
    InvalidWorkerId,
    JobTimeout,
    NotRunnableHere,
    QueueError,
    Retry,
    ScheduleExists,
    ScheduleNotFound,
    SelfCancelled,
    ServerTooOld,
    SettingsError,
    ThreadStillRuns,
    TickSkipped,
    TooLateToRetry,
    UnknownFunction,
    UnknownSetting,
    UnnamedFunction,
    UnreadableDefinition,
    UnreadableSettings,
    Unserializable,
)
from jtc.queue.explaining import explain
from jtc.queue.exponential import Exponential
from jtc.queue.failed_job import FailedJob
from jtc.queue.failed_jobs import FailedJobs
from jtc.queue.limits import Limits
from jtc.queue.pause import Pause
from jtc.queue.queue_order import QueueOrder
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.schedule_check import check_schedules
from jtc.queue.schedule_finding import Finding
from jtc.queue.schedule_status import ScheduleStatus
from jtc.queue.scheduler import Scheduler
from jtc.queue.schedules import Schedules
from jtc.queue.server import ServerInfo, check_server, read_server_info, server_risks
from jtc.queue.settings import Settings, load_settings
from jtc.queue.simulation import SimulatedTick, simulate
from jtc.queue.target import Target
from jtc.queue.task_function import TaskFunction
from jtc.queue.tick import Tick
from jtc.queue.tick_job import task_function_name
from jtc.queue.tick_record import TickRecord
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
    "Finding",
    "InvalidBackfill",
    "InvalidBackoff",
    "InvalidFilter",
    "InvalidPause",
    "InvalidQueueName",
    "InvalidQueueOrder",
    "InvalidRedisUrl",
    "InvalidSchedule",
    "InvalidSetting",
    "InvalidWorkerId",
    "JobTimeout",
    "Limits",
    "NotRunnableHere",
    "Pause",
    "QueueError",
    "QueueOrder",
    "RedisQueue",
    "Retry",
    "ScheduleExists",
    "ScheduleNotFound",
    "ScheduleStatus",
    "Scheduler",
    "Schedules",
    "SelfCancelled",
    "ServerInfo",
    "ServerTooOld",
    "Settings",
    "SettingsError",
    "SimulatedTick",
    "Target",
    "TaskFunction",
    "ThreadStillRuns",
    "Tick",
    "TickRecord",
    "TickSkipped",
    "TooLateToRetry",
    "UnknownFunction",
    "UnknownSetting",
    "UnnamedFunction",
    "UnreadableDefinition",
    "UnreadableSettings",
    "Unserializable",
    "Worker",
    "check_schedules",
    "check_server",
    "explain",
    "load_settings",
    "mask_url",
    "next_tick",
    "open_client",
    "read_server_info",
    "server_risks",
    "simulate",
    "task_function_name",
]
