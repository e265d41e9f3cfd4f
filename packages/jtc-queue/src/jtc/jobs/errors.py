from __future__ import annotations

from collections.abc import Iterable

from jtc.queue.errors import NotRunnableHere


class JobError(Exception):
    """Base of every error that `jtc.jobs` raises on purpose."""


class InvalidOption(JobError, ValueError):
    """Raised when a class keyword of a job is unknown or has an unusable value."""

    def __init__(self, job: str, option: str, value: object, allowed: str) -> None:
        super().__init__(f"class {job}: {option}={value!r}; it has to be {allowed}.")
        self.option = option


class DuplicateJobName(JobError, ValueError):
    """Raised when two different classes claim one name."""

    def __init__(self, name: str, first: str, second: str) -> None:
        super().__init__(
            f"The job name {name!r} belongs to {first} and cannot be given to "
            f"{second} too: choose another name= for one of them."
        )


class InvalidDeclaration(JobError, TypeError):
    """Raised when a class declares a payload field that can never work."""

    def __init__(self, job: str, field: str, why: str) -> None:
        super().__init__(f"{job}.{field}: {why}.")
        self.field = field


class InvalidPayload(JobError, TypeError, ValueError):
    """Raised when a payload is not what its job declares or what JSON can carry."""

    def __init__(self, job: str, field: str, why: str) -> None:
        super().__init__(f"{job}.{field}: {why}" if field else f"{job}: {why}")
        self.field = field


class JobModuleNotFound(JobError, NotRunnableHere, ImportError):
    """Raised when the module of a job's class cannot be imported by this worker."""

    def __init__(self, module: str, cause: BaseException) -> None:
        super().__init__(
            f"Cannot import module {module}: {type(cause).__name__}: {cause}. "
            "This worker may run an older or another version of the code."
        )


class JobClassNotFound(JobError, NotRunnableHere, AttributeError):
    """Raised when a job's class is unknown to this worker."""

    def __init__(self, name: str, where: str, near: Iterable[str] = ()) -> None:
        close = ", ".join(near)
        hint = f" Did you mean {close}?" if close else ""
        super().__init__(
            f"Class {name} not found in {where}.{hint} "
            "Make the worker import the module that defines it."
        )


class NotAJob(JobError, TypeError):
    """Raised when what is to be run is no `Job` subclass with a `handle` method."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name} {why}.")


class ContainerNotSet(JobError, RuntimeError):
    """Raised when a job has to be built and no container was set."""

    def __init__(self) -> None:
        super().__init__(
            "Container not set. Call set_container(default_container()), or let "
            "QueueProvider.initialize() do it, before jobs run."
        )


class InjectionFailed(JobError, RuntimeError):
    """Raised when the container could not build a job."""

    def __init__(self, job: str, parameter: str | None, cause: BaseException) -> None:
        place = f" for the parameter {parameter}" if parameter else ""
        super().__init__(
            f"Cannot build {job}: the container failed{place} "
            f"({type(cause).__name__}: {cause}). Parameters of __init__ are services "
            "that the container resolves by type; payload values are annotated "
            "attributes of the class."
        )
        self.parameter = parameter


class ManagerNotInitialized(JobError, RuntimeError):
    """Raised when the manager is asked for its queue before it knows which."""

    def __init__(self) -> None:
        super().__init__(
            "JobManager not initialized. Call JobManager.initialize() first, or "
            "dispatch a job, which does it from the settings."
        )


class JobFailed(JobError):
    """Raised instead of a result when the job failed or was aborted."""

    def __init__(self, job_id: str, status: str, error: str | None) -> None:
        lines = (error or "").strip().splitlines()
        reason = lines[-1] if lines else "no reason was stored"
        super().__init__(f"Job {job_id} {status}: {reason}")
        self.job_id = job_id
        self.status = status
        self.error = error


class JobNotFound(JobError, LookupError):
    """Raised when a result is asked for and the queue keeps nothing about the job."""

    def __init__(self, job_id: str, queue_name: str) -> None:
        super().__init__(
            f"Job {job_id} is not in queue {queue_name!r}: its result has expired "
            "(result_ttl seconds after it ended) or it was never there."
        )
        self.job_id = job_id


class ResultTimeout(JobError, TimeoutError):
    """Raised when a job did not end within the time given to wait for its result."""

    def __init__(self, job_id: str, seconds: float, status: str) -> None:
        super().__init__(
            f"Job {job_id} did not end within {seconds:g} s: it is {status}. "
            "It goes on; ask again, or cancel() it."
        )
        self.job_id = job_id
