from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Unpack

from jtc.jobs.dispatch_options import DispatchKeywords, DispatchOptions
from jtc.jobs.dispatcher import Dispatcher

if TYPE_CHECKING:
    from jtc.jobs.handle import JobHandle
    from jtc.jobs.job import Job


@dataclass(frozen=True, slots=True)
class JobDispatch:
    """Puts one job, which knows its payload, into the queue."""

    job: Job
    said: DispatchKeywords = field(default_factory=DispatchKeywords)

    def configure(self, **options: Unpack[DispatchKeywords]) -> JobDispatch:
        """Return what dispatches the job with these options as well.

        Raises:
            InvalidOption: An option is unknown or its value is unusable.
        """
        said = self.said | options
        # Refused here, and not only when the job is dispatched.
        DispatchOptions.of(type(self.job).__name__, said)
        return JobDispatch(self.job, said)

    async def dispatch(self, **options: Unpack[DispatchKeywords]) -> JobHandle:
        """Put the job into the queue, with what is said of this dispatch.

        Raises:
            InvalidPayload: A value is of another type.
            InvalidOption: An option is unknown or its value is unusable.
            NotAJob: The class does not define `handle`.
        """
        return await self._dispatcher(options).dispatch(**self._payload)

    async def dispatch_if(
        self, condition: object, /, **options: Unpack[DispatchKeywords]
    ) -> JobHandle | None:
        """Put the job into the queue if `condition` is true; return None if not.

        Raises:
            InvalidPayload: As `dispatch`, also when the condition is false.
        """
        return await self._dispatcher(options).dispatch_if(condition, **self._payload)

    async def dispatch_sync(self) -> Any:
        """Run the job here and now, with its services, and return its result.

        Raises:
            Exception: Whatever the job raised.
        """
        return await self._dispatcher({}).dispatch_sync(**self._payload)

    def dispatch_blocking(self, **options: Unpack[DispatchKeywords]) -> JobHandle:
        """Put the job into the queue from synchronous code, in any thread.

        Raises:
            RuntimeError: An event loop runs in this thread; await `dispatch` there.
        """
        return self._dispatcher(options).dispatch_blocking(**self._payload)

    @property
    def _payload(self) -> dict[str, Any]:
        return self.job.__jtc__.payload_in(self.job)

    def _dispatcher(self, options: DispatchKeywords) -> Dispatcher[Any]:
        return Dispatcher.of(type(self.job), self.said | options)
