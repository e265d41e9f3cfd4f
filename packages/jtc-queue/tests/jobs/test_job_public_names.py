from __future__ import annotations

import pytest

import jtc.jobs
from jtc.jobs import errors


def test_every_public_name_exists_and_is_listed_in_order() -> None:
    assert jtc.jobs.__all__ == sorted(jtc.jobs.__all__)
    for name in jtc.jobs.__all__:
        assert getattr(jtc.jobs, name) is not None


@pytest.mark.parametrize("name", [name for name in vars(errors) if name[0].isupper()])
def test_every_error_says_when_it_is_raised(name: str) -> None:
    error = getattr(errors, name)
    if not (isinstance(error, type) and error.__module__ == errors.__name__):
        return

    assert issubclass(error, jtc.jobs.JobError)
    assert name in jtc.jobs.__all__
    assert (error.__doc__ or "").startswith(("Raised ", "Base "))
