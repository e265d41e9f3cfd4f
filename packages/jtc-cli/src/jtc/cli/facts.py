from __future__ import annotations

from collections.abc import Mapping


def describe_facts(facts: Mapping[str, str], *, indent: int = 2) -> str:
    """Return facts in lines, names on the left; those that are empty are left out.

    Example:
        >>> print(describe_facts({"Queue": "mail", "Tags": "", "State": "running"}))
          Queue  mail
          State  running
    """
    said = {name: text for name, text in facts.items() if text}
    width = max(map(len, said), default=0)
    blanks = " " * indent
    # What has several lines goes on below its first.
    gap = "\n" + " " * (indent + width + 2)
    return "\n".join(
        f"{blanks}{name:{width}}  {text}".replace("\n", gap)
        for name, text in said.items()
    )
