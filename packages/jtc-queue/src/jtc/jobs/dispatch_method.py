from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

OnClass = TypeVar("OnClass")
OnJob = TypeVar("OnJob")


class DispatchMethod(Generic[OnClass, OnJob]):
    """A method that takes the payload on a class, and knows it on a job.

    `SendInvoice.dispatch(order_id=7)` and `SendInvoice(order_id=7).dispatch()` are one
    word for one thing.

    Args:
        on_class: Takes the class and gives its method.
        on_job: Takes the job and gives its method.
    """

    def __init__(
        self, on_class: Callable[[Any], OnClass], on_job: Callable[[Any], OnJob]
    ) -> None:
        self._on_class = on_class
        self._on_job = on_job
        self.__doc__ = on_class.__doc__

    @overload
    def __get__(self, job: None, owner: type) -> OnClass: ...

    @overload
    def __get__(self, job: object, owner: type) -> OnJob: ...

    def __get__(self, job: object | None, owner: type) -> OnClass | OnJob:
        return self._on_class(owner) if job is None else self._on_job(job)
