from __future__ import annotations

from jtc.jobs.container import (
    Container,
    default_container,
    get_container,
    set_container,
)
from jtc.jobs.errors import (
    ContainerNotSet,
    DuplicateJobName,
    InjectionFailed,
    InvalidDeclaration,
    InvalidOption,
    InvalidPayload,
    JobClassNotFound,
    JobError,
    JobFailed,
    JobModuleNotFound,
    JobNotFound,
    ManagerNotInitialized,
    NotAJob,
    ResultTimeout,
)
from jtc.jobs.handle import JobHandle, JobStatus
from jtc.jobs.job import Job
from jtc.jobs.manager import JobManager
from jtc.jobs.options import JobOptions
from jtc.jobs.registry import JobRegistry, known_jobs
from jtc.jobs.runner import runner
from jtc.jobs.schedule import Schedule
from jtc.queue import Discard, Exponential, Fail, Retry

__all__ = [
    "Container",
    "ContainerNotSet",
    "Discard",
    "DuplicateJobName",
    "Exponential",
    "Fail",
    "InjectionFailed",
    "InvalidDeclaration",
    "InvalidOption",
    "InvalidPayload",
    "Job",
    "JobClassNotFound",
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
    "NotAJob",
    "ResultTimeout",
    "Retry",
    "Schedule",
    "default_container",
    "get_container",
    "known_jobs",
    "runner",
    "set_container",
]
