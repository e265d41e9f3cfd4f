from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import saq

Kind = Literal["batch", "chain"]

# What the keys of members begin with, and next to no other.
PREFIXES = ("batch-", "chain-")
_MEMBER = re.compile(r"((?:batch|chain)-[0-9a-f]{32})\.([0-9]{1,9})")
_FOLLOWER = re.compile(r"((?:batch|chain)-[0-9a-f]{32})\.(then|catch|finally)")


class Membership(NamedTuple):
    """Which flow a job is in, and as which of its members, counted from 0."""

    flow: str
    number: int


# What the scripts are told of a job that is in no flow.
NO_MEMBER = Membership("", 0)


@dataclass(frozen=True, slots=True)
class Flow:
    """Jobs that belong together, and what follows when they have ended.

    Attributes:
        kind: `batch`: they run side by side; `chain`: one after the other, for as long
            as they complete.
        jobs: Its members, not yet enqueued.
        then: Enqueued when all have completed.
        catch: Enqueued at the first failure in a batch, and at the end of a chain that
            did not get to its own.
        finally_: Enqueued when all have ended.
        stops: Whether the first failure in a batch cancels what waits.
        ttl: Seconds for which it is known how it ended; if something failed, a week.
        id: Its name, which is new.
    """

    kind: Kind
    jobs: Sequence[saq.Job]
    then: saq.Job | Flow | None = None
    catch: saq.Job | Flow | None = None
    finally_: saq.Job | Flow | None = None
    stops: bool = False
    ttl: int = 600
    id: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", f"{self.kind}-{uuid.uuid4().hex}")


def jobs_of(flow: Flow) -> list[saq.Job]:
    """Return all jobs of a flow, and of the flows that follow it.

    Example:
        >>> job = saq.Job("deliver")
        >>> jobs_of(Flow("batch", [], then=Flow("chain", [job]))) == [job]
        True
    """
    jobs = list(flow.jobs)
    for what in (flow.then, flow.catch, flow.finally_):
        if isinstance(what, Flow):
            jobs += jobs_of(what)
        elif what is not None:
            jobs.append(what)
    return jobs


def member_key(flow_id: str, number: int) -> str:
    """Return the key of a member's job.

    It says all that the queue has to know of a job that is in a flow: whatever becomes
    of its document, its end is counted.
    """
    return f"{flow_id}.{number}"


def membership_of(key: str) -> Membership | None:
    """Return which member of which flow the job `key` is; None when it is none.

    Example:
        >>> membership_of("batch-0123456789abcdef0123456789abcdef.17")
        Membership(flow='batch-0123456789abcdef0123456789abcdef', number=17)
        >>> membership_of("batch-of-today.17")
    """
    found = _MEMBER.fullmatch(key) if key.startswith(PREFIXES) else None
    return Membership(found[1], int(found[2])) if found else None


def flow_of(key: str) -> str | None:
    """Return the flow that the job `key` is in or follows; None when there is none.

    Example:
        >>> flow_of("chain-0123456789abcdef0123456789abcdef.catch")
        'chain-0123456789abcdef0123456789abcdef'
    """
    found = _MEMBER.fullmatch(key) or _FOLLOWER.fullmatch(key)
    return found[1] if found else None
