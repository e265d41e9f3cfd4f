from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from jtc.cli.commands.schedule.findings import (
    check_declared,
    is_failure,
    load_tasks_to_check,
)
from jtc.cli.output import print_json, print_text, say, warn
from jtc.jobs import get_container, known_jobs
from jtc.jobs.checking import Checked, check_job, check_task
from jtc.jobs.container import ensure_container
from jtc.jobs.opening import open_scope
from jtc.queue import Finding

Findings = Mapping[str, Sequence[Finding]]
"""What was found of the schedule of each task."""


def show_checks(*, apps: tuple[str, ...], fail_on: str, as_json: bool) -> bool:
    """Print for each job and task whether it could be built and can be meant so.

    Args:
        apps: Modules, files or folders; found as a worker does if there are none.
        fail_on: The severity from which on a finding about a schedule counts.
        as_json: Whether a program reads it.

    Returns:
        Whether something could not, or there is a finding that counts.

    Raises:
        DiscoveryError: A module is missing or cannot be imported.
    """
    declared = load_tasks_to_check(apps)
    # A module may have set one of its own.
    ensure_container()
    checks = [
        check_job(job_class, open_scope())
        for _, job_class in sorted(known_jobs.get_all().items())
    ]
    checks += [check_task(task, open_scope()) for task in declared.tasks]
    findings = check_declared(declared)
    by_task = {
        task.name: [one for one in findings if one.task == task.name]
        for task in declared.tasks
    }
    if as_json:
        print_json([_as_json(check, by_task) for check in checks])
    else:
        _print(checks, by_task)
        if not checks:
            places = "".join(f"\n  {place}" for place in declared.discovery.places)
            say(f"No jobs and no scheduled tasks found. Looked at:{places}")
    return any(check.problems for check in checks) or is_failure(findings, fail_on)


def _as_json(check: Checked, findings: Findings) -> dict[str, Any]:
    return {
        **asdict(check),
        "findings": [asdict(finding) for finding in _of(check, findings)],
    }


def _print(checks: Sequence[Checked], findings: Findings) -> None:
    for check in checks:
        for line in list(_lines(check, findings)) or ["OK"]:
            print_text(f"{check.kind} {check.name}: {line}")
    unseen = sum(not check.was_seen_through for check in checks)
    if unseen:
        container = type(get_container())
        warn(
            f"The services of {unseen} of them were not checked: "
            f"{container.__module__}.{container.__qualname__} only shows what it can "
            "make by making it."
        )
    if checks:
        say(_summarize(checks, findings))


def _lines(check: Checked, findings: Findings) -> Iterator[str]:
    yield from check.problems
    for finding in _of(check, findings):
        yield f"{finding.severity}: {finding.message}"


def _of(check: Checked, findings: Findings) -> Sequence[Finding]:
    return findings[check.name] if check.kind == "task" else ()


def _summarize(checks: Sequence[Checked], findings: Findings) -> str:
    jobs = sum(check.kind == "job" for check in checks)
    problems = sum(len(check.problems) for check in checks)
    summary = (
        f"Checked {jobs} job(s) and {len(checks) - jobs} task(s): {problems} problem(s)"
    )
    found = Counter(one.severity for some in findings.values() for one in some)
    if found:
        summary += (
            f"; of their schedules {found['error']} error(s), "
            f"{found['warning']} warning(s)"
        )
    return f"{summary}."
