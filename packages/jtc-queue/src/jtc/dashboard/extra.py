from __future__ import annotations

try:
    import jinja2  # noqa: F401 - whether it is there
    import starlette  # noqa: F401 - as above
except ImportError as error:
    raise ImportError(
        "jtc.dashboard needs Starlette and Jinja2: pip install 'jtc-queue[dashboard]'."
    ) from error
