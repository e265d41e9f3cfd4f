from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from jtc.cli.declared_tasks import load_tasks
from jtc.cli.output import print_json, print_text, say, warn
from jtc.jobs import get_container, known_jobs
from jtc.jobs.checking import Checked, check_job, check_task
from jtc.jobs.container import ensure_container
from jtc.jobs.opening import open_scope


def show_checks(*, apps: tuple[str, ...], as_json: bool) -> bool:
    """Print for each job and task whether it could be built.

    Args:
        apps: Modules, files or folders; found as a worker does if there are none.
        as_json: Whether a program reads it.

    Returns:
        Whether something could not.

    Raises:
        DiscoveryError: A module is missing or cannot be imported.
    """
    declared = load_tasks(apps)
    # A module may have set one of its own.
    ensure_container()
    checks = [
        check_job(job_class, open_scope())
        for _, job_class in sorted(known_jobs.get_all().items())
    ]
    checks += [check_task(task, open_scope()) for task in declared.tasks]
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        _print(checks)
        if not checks:
            places = "".join(f"\n  {place}" for place in declared.discovery.places)
            say(f"No jobs and no scheduled tasks found. Looked at:{places}")
    return any(check.problems for check in checks)


def _print(checks: Sequence[Checked]) -> None:
    for check in checks:
        for problem in check.problems or ("OK",):
            print_text(f"{check.kind} {check.name}: {problem}")
    unseen = sum(not check.was_seen_through for check in checks)
    if unseen:
        container = type(get_container())
        warn(
            f"The services of {unseen} of them were not checked: "
            f"{container.__module__}.{container.__qualname__} only shows what it can "
            "make by making it."
        )
    if checks:
        jobs = sum(check.kind == "job" for check in checks)
        problems = sum(len(check.problems) for check in checks)
        say(
            f"Checked {jobs} job(s) and {len(checks) - jobs} task(s): "
            f"{problems} problem(s)."
        )
