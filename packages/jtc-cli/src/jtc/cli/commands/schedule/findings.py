from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from jtc.cli.absence import describe_absence
from jtc.cli.declared_tasks import DeclaredTasks, load_tasks
from jtc.cli.output import print_json, print_text, say
from jtc.queue import Finding, check_schedules
from jtc.schedule import ScheduleWarning

# The worst last.
SEVERITIES = ("warning", "error")


def show_findings(*, apps: tuple[str, ...], fail_on: str, as_json: bool) -> bool:
    """Print what can hardly be meant so of the tasks that the modules declare.

    Args:
        apps: Modules, files or folders; found as a worker does if there are none.
        fail_on: The severity from which on a finding counts.
        as_json: Whether a program reads it.

    Returns:
        Whether there is a finding that counts.

    Raises:
        DiscoveryError: A module is missing or cannot be imported.
    """
    declared = load_tasks_to_check(apps)
    findings = check_declared(declared)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            print_text(f"{finding.severity}: {finding.task}: {finding.message}")
        if declared.tasks:
            say(_summarize(findings, count=len(declared.tasks)))
        else:
            say(describe_absence(declared.discovery))
    return is_failure(findings, fail_on)


def load_tasks_to_check(apps: Sequence[str]) -> DeclaredTasks:
    """Import the modules that declare tasks; what a finding says is not said twice.

    Raises:
        DiscoveryError: A module is missing or cannot be imported.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ScheduleWarning)
        return load_tasks(apps)


def check_declared(declared: DeclaredTasks) -> list[Finding]:
    """Return what can hardly be meant so of tasks that modules declare."""
    return check_schedules(
        declared.tasks, now=datetime.now(UTC), environment=declared.environment
    )


def is_failure(findings: Sequence[Finding], fail_on: str) -> bool:
    """Tell whether there is a finding as bad as `fail_on`, or worse."""
    counting = SEVERITIES[SEVERITIES.index(fail_on) :]
    return any(finding.severity in counting for finding in findings)


def _summarize(findings: list[Finding], *, count: int) -> str:
    checked = f"Checked {count} task(s)"
    if not findings:
        return f"{checked}: nothing was found."
    numbers = Counter(finding.severity for finding in findings)
    return f"{checked}: {numbers['error']} error(s), {numbers['warning']} warning(s)."
