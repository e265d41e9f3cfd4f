from __future__ import annotations

from jtc.providers.errors import ProviderError, ProviderNotInitialized
from jtc.providers.queue_provider import QueueProvider

__all__ = ["ProviderError", "ProviderNotInitialized", "QueueProvider"]
