from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime

from jtc.cli.absence import describe_absence
from jtc.cli.declared_tasks import load_tasks
from jtc.cli.output import print_json, print_text, say
from jtc.queue import Finding, check_schedules

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
    declared = load_tasks(apps)
    findings = check_schedules(
        declared.tasks, now=datetime.now(UTC), environment=declared.environment
    )
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            print_text(f"{finding.severity}: {finding.task}: {finding.message}")
        if declared.tasks:
            say(_summarize(findings, count=len(declared.tasks)))
        else:
            say(describe_absence(declared.discovery))
    counting = SEVERITIES[SEVERITIES.index(fail_on) :]
    return any(finding.severity in counting for finding in findings)


def _summarize(findings: list[Finding], *, count: int) -> str:
    checked = f"Checked {count} task(s)"
    if not findings:
        return f"{checked}: nothing was found."
    numbers = Counter(finding.severity for finding in findings)
    return f"{checked}: {numbers['error']} error(s), {numbers['warning']} warning(s)."
