from __future__ import annotations

import jtc.dashboard.extra  # noqa: F401 - first: it says which extra is missing
from jtc.dashboard.app import create_app
from jtc.dashboard.errors import (
    DashboardError,
    InvalidDashboard,
    InvalidPassword,
    InvalidUsers,
    NotAUser,
)
from jtc.dashboard.security.passwords import hash_password
from jtc.dashboard.security.user import User

__all__ = [
    "DashboardError",
    "InvalidDashboard",
    "InvalidPassword",
    "InvalidUsers",
    "NotAUser",
    "User",
    "create_app",
    "hash_password",
]
