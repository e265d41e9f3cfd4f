from __future__ import annotations

from jtc.queue.busy_limits import BusyLimits
from jtc.queue.client import mask_url, open_client
from jtc.queue.errors import (
    DecodingClient,
    Discard,
    DuplicateFunction,
    Fail,
    FlowNotStarted,
    InvalidBackfill,
    InvalidBackoff,
    InvalidFilter,
    InvalidPause,
    InvalidQueueName,
    InvalidQueueOrder,
    InvalidQueuePause,
    InvalidRedisUrl,
    InvalidSchedule,
    InvalidSetting,
    InvalidWorkerId,
    JobTimeout,
    NotRunnableHere,
    QueueClosed,
    QueueError,
    Release,
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
from jtc.queue.failed_group import FailedGroup
from jtc.queue.failed_job import FailedJob
from jtc.queue.failed_jobs import FailedJobs
from jtc.queue.failed_page import FailedPage
from jtc.queue.failed_pages import FailedPages
from jtc.queue.health import Health
from jtc.queue.job_moment import JobMoment
from jtc.queue.job_page import JobPage
from jtc.queue.job_pages import JobPages
from jtc.queue.job_record import JobRecord
from jtc.queue.json_formatter import JsonFormatter
from jtc.queue.limits import Limits
from jtc.queue.pause import Pause
from jtc.queue.queue_control import QueueControl
from jtc.queue.queue_history import Minute, QueueHistory
from jtc.queue.queue_monitor import QueueMonitor
from jtc.queue.queue_names import QueueNames
from jtc.queue.queue_order import QueueOrder
from jtc.queue.queue_stats import QueueStats
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.running_job import RunningJob
from jtc.queue.schedule_check import check_schedules
from jtc.queue.schedule_finding import Finding
from jtc.queue.schedule_page import SchedulePage, ScheduleRow
from jtc.queue.schedule_pages import SchedulePages
from jtc.queue.schedule_status import ScheduleStatus
from jtc.queue.scheduler import Scheduler
from jtc.queue.schedules import Schedules
from jtc.queue.server import ServerInfo, check_server, read_server_info, server_risks
from jtc.queue.server_check import Check, examine_server
from jtc.queue.settings import Settings, load_settings
from jtc.queue.simulation import SimulatedTick, simulate
from jtc.queue.tally import Ended
from jtc.queue.target import Target
from jtc.queue.task_function import TaskFunction
from jtc.queue.tick import Tick
from jtc.queue.tick_job import task_function_name
from jtc.queue.tick_record import TickRecord
from jtc.queue.ticks import next_tick
from jtc.queue.worker import Worker
from jtc.queue.worker_status import WorkerStatus

__all__ = [
    "BusyLimits",
    "Check",
    "DecodingClient",
    "Discard",
    "DuplicateFunction",
    "Ended",
    "Exponential",
    "Fail",
    "FailedGroup",
    "FailedJob",
    "FailedJobs",
    "FailedPage",
    "FailedPages",
    "Finding",
    "FlowNotStarted",
    "Health",
    "InvalidBackfill",
    "InvalidBackoff",
    "InvalidFilter",
    "InvalidPause",
    "InvalidQueueName",
    "InvalidQueueOrder",
    "InvalidQueuePause",
    "InvalidRedisUrl",
    "InvalidSchedule",
    "InvalidSetting",
    "InvalidWorkerId",
    "JobMoment",
    "JobPage",
    "JobPages",
    "JobRecord",
    "JobTimeout",
    "JsonFormatter",
    "Limits",
    "Minute",
    "NotRunnableHere",
    "Pause",
    "QueueClosed",
    "QueueControl",
    "QueueError",
    "QueueHistory",
    "QueueMonitor",
    "QueueNames",
    "QueueOrder",
    "QueueStats",
    "RedisQueue",
    "Release",
    "Retry",
    "RunningJob",
    "ScheduleExists",
    "ScheduleNotFound",
    "SchedulePage",
    "SchedulePages",
    "ScheduleRow",
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
    "WorkerStatus",
    "check_schedules",
    "check_server",
    "examine_server",
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
