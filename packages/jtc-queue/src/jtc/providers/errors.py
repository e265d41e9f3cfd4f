from __future__ import annotations


class ProviderError(Exception):
    """Base of every error that `jtc.providers` raises on purpose."""


class ProviderNotInitialized(ProviderError, RuntimeError):
    """Raised when a worker is asked for before the queue was opened."""

    def __init__(self) -> None:
        super().__init__(
            "Queue not initialized. Call await provider.initialize() first."
        )
