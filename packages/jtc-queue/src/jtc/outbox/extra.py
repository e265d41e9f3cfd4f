from __future__ import annotations

try:
    import sqlalchemy  # noqa: F401 - whether it is there
except ImportError as error:
    raise ImportError(
        "jtc.outbox needs SQLAlchemy: pip install 'jtc-queue[sqlalchemy]'."
    ) from error
