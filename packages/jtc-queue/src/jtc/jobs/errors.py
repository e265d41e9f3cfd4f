from __future__ import annotations

from collections.abc import Iterable

from jtc.queue.errors import Fail, NotRunnableHere


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
        self.why = why


class PayloadOutdated(InvalidPayload, Fail):
    """Raised when what the queue has no longer fits the class.

    No other try would change that, so the job goes to the failed ones at once; nothing
    of it is lost.
    """

    def __init__(self, job: str, field: str, why: str, remedy: str) -> None:
        advice = (
            f"The job is kept among the failed ones: {remedy}, then run "
            "`jtc queue retry` with its id."
        )
        super().__init__(job, field, f"{why}. {advice}")


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


class NotAContainer(JobError, TypeError):
    """Raised when what is set as the container cannot make anything."""

    def __init__(self, value: object) -> None:
        super().__init__(
            f"{value!r} is no container: it has no method resolve(type). Give one of "
            "lagom's, dishka's AsyncContainer, or an object with that method."
        )


class InjectionFailed(JobError, RuntimeError):
    """Raised when the container could not make what a job or a task asks for."""

    def __init__(
        self,
        subject: str,
        method: str,
        parameter: str | None,
        cause: BaseException,
        *,
        reason: str | None = None,
    ) -> None:
        place = f" for the parameter {parameter} of {method}" if parameter else ""
        why = reason or f"{type(cause).__name__}: {cause}"
        super().__init__(
            f"Cannot build {subject}: the container failed{place} ({why}). Parameters "
            "without a default are services that the container resolves by type; "
            "values are payload: annotated attributes of a job's class, or the "
            "payload= of a task."
        )
        self.parameter = parameter


class InvalidFactory(JobError, TypeError):
    """Raised when a factory given to `scoped` cannot be called with services."""

    def __init__(self, factory: str, why: str) -> None:
        super().__init__(f"scoped({factory}): {why}.")


class CircularFactory(JobError, RecursionError):
    """Raised when a scoped service needs itself, be it through others."""

    def __init__(self, path: Iterable[str], again: str) -> None:
        super().__init__(f"{' → '.join((*path, again))}: it needs itself.")


class NotInScope(JobError, RuntimeError):
    """Raised when a scoped service is asked for outside of an attempt."""

    def __init__(self, factory: str) -> None:
        super().__init__(
            f"What {factory} makes lives as long as one attempt of a job or a task: "
            "take it as a parameter there, instead of asking the container for it."
        )


class ScopedInSingleton(JobError, TypeError):
    """Raised when a singleton would keep the service of one attempt for all others."""

    def __init__(self, keeper: str, factory: str) -> None:
        super().__init__(
            f"{keeper} is a singleton and would keep what {factory} makes for one "
            "attempt; define it with scoped() too, or let it make its own"
        )


class InvalidMiddleware(JobError, TypeError):
    """Raised when middleware is not asynchronous, or calls the next one twice."""

    def __init__(self, middleware: object, why: str) -> None:
        name = getattr(middleware, "__qualname__", None) or repr(middleware)
        super().__init__(f"Middleware {name} {why}.")


class NotRunning(JobError, AttributeError):
    """Raised when a job is asked for its context and is not being run."""

    def __init__(self, job: str) -> None:
        super().__init__(
            f"{job}.context is there while a worker runs the job: in handle(), "
            "failed() and middleware."
        )


class InvalidProgress(JobError, ValueError):
    """Raised when a job says of its progress what nobody could show."""

    def __init__(self, part: str, value: object, allowed: str) -> None:
        super().__init__(f"context.progress({part}={value!r}): it has to be {allowed}.")


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


class InvalidFlow(JobError, TypeError, ValueError):
    """Raised when a batch or a chain could not work as it is."""

    def __init__(self, kind: str, why: str) -> None:
        super().__init__(f"This {kind} cannot be dispatched: {why}.")


class FlowNotFound(JobError, LookupError):
    """Raised when the queue keeps nothing about a batch or a chain."""

    def __init__(self, flow_id: str, queue_name: str) -> None:
        super().__init__(
            f"Nothing is known of {flow_id} in queue {queue_name!r}: it ended longer "
            "ago than it is kept, or was never there."
        )
        self.flow_id = flow_id


class FlowTimeout(JobError, TimeoutError):
    """Raised when a batch or a chain did not end within the time given to wait."""

    def __init__(self, flow_id: str, seconds: float, pending: int | None) -> None:
        away = "Redis is away" if pending is None else f"{pending} of its jobs are left"
        super().__init__(
            f"{flow_id} did not end within {seconds:g} s: {away}. It goes on; wait "
            "again, or cancel() it."
        )
        self.flow_id = flow_id
