from __future__ import annotations

from collections.abc import Iterator

import pytest

from jtc.schedule import ScheduleRegistry


@pytest.fixture(autouse=True)
def empty_registry() -> Iterator[None]:
    with ScheduleRegistry.scoped():
        yield
