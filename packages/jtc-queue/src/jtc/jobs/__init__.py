from __future__ import annotations

from jtc.jobs.batch import Batch
from jtc.jobs.batch_handle import BatchHandle
from jtc.jobs.chain import Chain
from jtc.jobs.chain_handle import ChainHandle
from jtc.jobs.container import (
    AnyContainer,
    Container,
    ScopedContainer,
    default_container,
    get_container,
    set_container,
)
from jtc.jobs.context import JobContext
from jtc.jobs.dispatch_options import DispatchOptions
from jtc.jobs.dispatcher import Dispatcher
from jtc.jobs.errors import (
    CircularFactory,
    ContainerNotSet,
    DuplicateJobName,
    FlowNotFound,
    FlowTimeout,
    InjectionFailed,
    InvalidDeclaration,
    InvalidFactory,
    InvalidFlow,
    InvalidMiddleware,
    InvalidOption,
    InvalidPayload,
    InvalidProgress,
    JobClassNotFound,
    JobError,
    JobFailed,
    JobModuleNotFound,
    JobNotFound,
    ManagerNotInitialized,
    NotAContainer,
    NotAJob,
    NotInScope,
    NotRunning,
    PayloadOutdated,
    ResultTimeout,
    ScopedInSingleton,
)
from jtc.jobs.flow_handle import FlowHandle
from jtc.jobs.handle import JobHandle, JobStatus
from jtc.jobs.job import Job
from jtc.jobs.manager import JobManager
from jtc.jobs.middleware import CallNext, Middleware, get_middleware, set_middleware
from jtc.jobs.no_overlap import NoOverlap
from jtc.jobs.options import JobOptions
from jtc.jobs.rate_limit import RateLimit
from jtc.jobs.registry import JobRegistry, known_jobs
from jtc.jobs.runner import runner
from jtc.jobs.schedule import Schedule
from jtc.jobs.scoped import scoped
from jtc.jobs.task_services import supply_services as _supply_services  # noqa: F401
from jtc.jobs.throttle_exceptions import ThrottleExceptions
from jtc.jobs.unique import Unique
from jtc.queue import Discard, Exponential, Fail, Release, Retry
from jtc.queue.flow_progress import FlowProgress, FlowStatus
from jtc.queue.progress import Progress
from jtc.schedule import Secret

__all__ = [
    "AnyContainer",
    "Batch",
    "BatchHandle",
    "CallNext",
    "Chain",
    "ChainHandle",
    "CircularFactory",
    "Container",
    "ContainerNotSet",
    "Discard",
    "DispatchOptions",
    "Dispatcher",
    "DuplicateJobName",
    "Exponential",
    "Fail",
    "FlowHandle",
    "FlowNotFound",
    "FlowProgress",
    "FlowStatus",
    "FlowTimeout",
    "InjectionFailed",
    "InvalidDeclaration",
    "InvalidFactory",
    "InvalidFlow",
    "InvalidMiddleware",
    "InvalidOption",
    "InvalidPayload",
    "InvalidProgress",
    "Job",
    "JobClassNotFound",
    "JobContext",
    "JobError",
    "JobFailed",
    "JobHandle",
    "JobManager",
    "JobModuleNotFound",
    "JobNotFound",
    "JobOptions",
    "JobRegistry",
    "JobStatus",
    "ManagerNotInitialized",
    "Middleware",
    "NoOverlap",
    "NotAContainer",
    "NotAJob",
    "NotInScope",
    "NotRunning",
    "PayloadOutdated",
    "Progress",
    "RateLimit",
    "Release",
    "ResultTimeout",
    "Retry",
    "Schedule",
    "ScopedContainer",
    "ScopedInSingleton",
    "Secret",
    "ThrottleExceptions",
    "Unique",
    "default_container",
    "get_container",
    "get_middleware",
    "known_jobs",
    "runner",
    "scoped",
    "set_container",
    "set_middleware",
]
