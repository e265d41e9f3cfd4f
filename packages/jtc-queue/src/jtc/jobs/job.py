from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self, Unpack

from typing_extensions import dataclass_transform

from jtc.jobs.configure_method import ConfigureMethod
from jtc.jobs.context import RunningContext
from jtc.jobs.definition import JobDefinition
from jtc.jobs.dispatch_method import DispatchMethod
from jtc.jobs.dispatcher import Dispatcher
from jtc.jobs.handle import JobHandle
from jtc.jobs.job_dispatch import JobDispatch
from jtc.jobs.options import JobKeywords, JobOptions
from jtc.jobs.registry import known_jobs
from jtc.queue.secret_fields import show_fields


@dataclass_transform(kw_only_default=True)
class Job(ABC):
    """Work that is dispatched now and done by a worker.

    Annotated attributes are the payload: checked when a job is made or dispatched, and
    again when it runs. A class that has none takes any JSON. The parameters of `handle`
    are services, which the container resolves by type; so are those of `__init__` in a
    class that defines one. The class keywords are those of `JobOptions`.

    Args:
        payload: What the class declares; for classes without an `__init__` of their
            own.

    Attributes:
        context: What is known of the attempt, while a worker runs the job.

    Raises:
        InvalidPayload: A value is missing, unknown or of another type.

    Example:
        >>> class Mailer:
        ...     async def send(self, text: str) -> None:
        ...         print(text)
        >>> class SendInvoice(Job, queue="mail", tries=5, backoff=2.0):
        ...     order_id: int
        ...
        ...     async def handle(self, mailer: Mailer) -> None:
        ...         await mailer.send(f"invoice {self.order_id}")
        >>> async def on_order() -> None:
        ...     handle = await SendInvoice(order_id=7).dispatch()
        ...     same = await SendInvoice.dispatch(order_id=7)
        ...     later = await SendInvoice.configure(delay=60).dispatch(order_id=7)
    """

    __jtc__: ClassVar[JobDefinition]

    context = RunningContext()

    configure = ConfigureMethod()
    dispatch = DispatchMethod(
        lambda job_class: Dispatcher(job_class).dispatch,
        lambda job: JobDispatch(job).dispatch,
    )
    dispatch_if = DispatchMethod(
        lambda job_class: Dispatcher(job_class).dispatch_if,
        lambda job: JobDispatch(job).dispatch_if,
    )
    dispatch_sync = DispatchMethod(
        lambda job_class: Dispatcher(job_class).dispatch_sync,
        lambda job: JobDispatch(job).dispatch_sync,
    )
    dispatch_blocking = DispatchMethod(
        lambda job_class: Dispatcher(job_class).dispatch_blocking,
        lambda job: JobDispatch(job).dispatch_blocking,
    )

    def __init_subclass__(cls, **keywords: Unpack[JobKeywords]) -> None:
        """Define the class and make it known.

        Raises:
            InvalidOption: A keyword is unknown or its value is unusable.
            InvalidDeclaration: A payload field would hide a method, or a parameter of
                `handle` cannot be injected.
            DuplicateJobName: Another class has this name.
        """
        super().__init_subclass__()
        cls.__jtc__ = JobDefinition.of(cls, keywords)
        known_jobs.add(cls)

    def __init__(self, /, **payload: Any) -> None:
        for name, value in self.__jtc__.payload.check(payload):
            setattr(self, name, value)

    def __repr__(self) -> str:
        payload = self.__jtc__.payload
        inside = show_fields(payload.collect(vars(self)), payload.secret)
        return f"{type(self).__name__}({inside})"

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other) or not isinstance(other, Job):
            return NotImplemented
        definition = self.__jtc__
        return definition.payload_in(self) == definition.payload_in(other)

    # Of the class alone: the payload may change, and may hold what has no hash.
    def __hash__(self) -> int:
        return hash(type(self))

    # Any signature may take the place of this one.
    @abstractmethod
    def handle(self, *services: Any, **named: Any) -> Any:
        """Do the work: `async def`, or `def`, which runs in a thread."""

    async def failed(self, exception: Exception) -> None:  # noqa: B027 - optional
        """React to the failure of the last try; nothing unless overridden."""

    @classmethod
    async def dispatch_many(
        cls, payloads: Iterable[Mapping[str, Any] | Self], /
    ) -> list[JobHandle]:
        """Put many jobs into the queue; all are checked before the first is added.

        Args:
            payloads: For each job its values, or a job of the class.

        Raises:
            InvalidPayload: A value is missing, unknown or of another type; it says in
                which payload.
            NotAJob: The class does not define `handle`.
        """
        return await Dispatcher(cls).dispatch_many(payloads)


Job.__jtc__ = JobDefinition(
    Job,  # type: ignore[type-abstract]  # described here, never instantiated
    "jtc.jobs.Job",
    JobOptions(),
)
