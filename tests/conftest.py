from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from jtc.queue.embedded import EmbeddedServer


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return Path(__file__).parents[1]


@pytest.fixture(scope="module", autouse=True)
def programs_that_nobody_counts() -> Iterator[None]:
    """To be counted, a program starts half as fast; the packages' own tests are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COVERAGE_PROCESS_START", raising=False)
        patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        yield


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """An empty server that only this test knows."""
    with EmbeddedServer(tmp_path / "valkey") as server:
        yield server.url


@pytest.fixture
def user_environment(redis_url: str) -> dict[str, str]:
    """The environment of somebody who has set REDIS_URL and nothing else of ours."""
    ours = ("QUEUE_", "JTC_", "PYTEST_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return {**kept, "REDIS_URL": redis_url}
