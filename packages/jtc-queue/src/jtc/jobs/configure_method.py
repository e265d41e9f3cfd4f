from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar, Unpack, overload

from jtc.jobs.dispatch_options import DispatchKeywords
from jtc.jobs.dispatcher import Dispatcher
from jtc.jobs.job_dispatch import JobDispatch

if TYPE_CHECKING:
    from jtc.jobs.job import Job

J = TypeVar("J", bound="Job")


class ConfigureClass(Protocol[J]):
    """`SendInvoice.configure`."""

    def __call__(self, **options: Unpack[DispatchKeywords]) -> Dispatcher[J]:
        """Return what dispatches jobs of the class with options of its own.

        Raises:
            InvalidOption: An option is unknown or its value is unusable.
        """
        ...


class ConfigureJob(Protocol):
    """`SendInvoice(order_id=7).configure`."""

    def __call__(self, **options: Unpack[DispatchKeywords]) -> JobDispatch:
        """Return what dispatches this job with options of its own.

        Raises:
            InvalidOption: An option is unknown or its value is unusable.
        """
        ...


class ConfigureMethod:
    """Says how jobs of a class, or one job, are dispatched."""

    @overload
    def __get__(self, job: None, owner: type[J]) -> ConfigureClass[J]: ...

    @overload
    def __get__(self, job: Job, owner: type[Job]) -> ConfigureJob: ...

    def __get__(
        self, job: Job | None, owner: type[J]
    ) -> ConfigureClass[J] | ConfigureJob:
        def configure_class(**options: Unpack[DispatchKeywords]) -> Dispatcher[J]:
            return Dispatcher.of(owner, options)

        return configure_class if job is None else JobDispatch(job).configure
