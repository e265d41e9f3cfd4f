from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class User:
    """Who looks at the dashboard.

    Attributes:
        name: What the log calls them when they do something.
        can_act: Whether they may do something; else they may only look.

    Example:
        >>> User("grace", can_act=False)
        User(name='grace', can_act=False)
    """

    name: str
    can_act: bool = True
