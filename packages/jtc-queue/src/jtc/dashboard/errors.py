from __future__ import annotations


class DashboardError(Exception):
    """Base of every error that `jtc.dashboard` raises on purpose."""


class InvalidUsers(DashboardError, ValueError):
    """Raised when nobody could log in as a dashboard's users are given."""

    def __init__(self, why: str) -> None:
        super().__init__(f"create_app(users=...): {why}.")


class InvalidPassword(DashboardError, ValueError):
    """Raised when a text begins as a hashed password does, and is none."""

    def __init__(self) -> None:
        super().__init__(
            "A password begins with 'scrypt$' and is no hash. Make one with "
            "jtc.dashboard.hash_password, and give all of it."
        )


class InvalidDashboard(DashboardError, ValueError):
    """Raised when the options of a dashboard are at odds with one another."""

    def __init__(self, why: str) -> None:
        super().__init__(f"create_app: {why}.")


class NotAUser(DashboardError, TypeError):
    """Raised when `authenticate` returns something else than a user or None."""

    def __init__(self, value: object) -> None:
        super().__init__(
            f"authenticate(request) returned {type(value).__name__}; it has to return "
            "jtc.dashboard.User(name) for who is let in, and None for all others."
        )


class NothingThere(DashboardError, LookupError):
    """Raised when a page is asked for about something that is not there."""

    def __init__(self, what: str) -> None:
        super().__init__(what)


class NotAllowed(DashboardError, PermissionError):
    """Raised when an action is asked for by a form that was not shown here."""

    def __init__(self) -> None:
        super().__init__(
            "This form is out of date, or was sent by another site. Go back, reload "
            "the page and try again; nothing was done."
        )


class NotUnderstood(DashboardError, ValueError):
    """Raised when what somebody typed into a form cannot be used."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
