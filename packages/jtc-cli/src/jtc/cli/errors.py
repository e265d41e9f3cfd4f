from __future__ import annotations

from collections.abc import Sequence


class CliError(Exception):
    """Base of every error that ends a command with a message and exit status 1."""


class DiscoveryError(CliError, ImportError):
    """Base of the errors of looking for modules with tasks and jobs."""


class ModuleNotLocated(DiscoveryError):
    """Raised when there is no module, file or folder of the name that was given."""

    def __init__(self, target: str, source: str, searched: Sequence[object]) -> None:
        super().__init__(
            f"Cannot find {target!r} ({source}). Give a dotted module such as "
            "myapp.tasks, a file such as jobs/mail.py, or a folder. Modules were "
            f"searched in {', '.join(map(str, searched))} and the installed packages."
        )


class ModuleNameTaken(DiscoveryError):
    """Raised when a file would be imported under the name of another module."""

    def __init__(self, path: object, name: str, holder: object) -> None:
        super().__init__(
            f"{path} would be imported as module {name!r}, which is {holder!r} "
            "already. Rename the file, or make its folder a package by adding an "
            "__init__.py."
        )


class ModuleImportFailed(DiscoveryError):
    """Raised when a module raised while it was imported."""

    def __init__(self, name: str, source: str, trace: str) -> None:
        super().__init__(f"Cannot import {name} ({source}):\n\n{trace}")


class NotAFailedJob(CliError, LookupError):
    """Raised when failed jobs are named that nothing could be done with."""

    def __init__(self, ids: Sequence[str]) -> None:
        super().__init__(
            f"Nothing was done with {', '.join(ids)}: not in the list of failed jobs, "
            "queued again in the meantime, no job of this queue, or a unique job while "
            "another one with its key is in the queue. See jtc queue failed."
        )


class JobsNotFound(CliError, LookupError):
    """Raised when jobs are named of which the queues keep nothing, or that ended."""

    def __init__(
        self, ids: Sequence[str], queues: Sequence[str], *, to_cancel: bool = False
    ) -> None:
        where = f"queue{'s' if len(queues) > 1 else ''} {', '.join(queues)}"
        what = "has ended or was never there" if to_cancel else "is not there"
        listed = "\n".join(f"{job_id}: {what}." for job_id in ids)
        super().__init__(
            f"{listed}\n"
            f"Looked at {where}; name another one with --queue. Jobs that have ended "
            "are kept for their result_ttl, failed ones for a week."
        )


class NotConfirmed(CliError):
    """Raised when a command that deletes something was not told to go on."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} Nothing was done. Say so with --yes.")


class ServerUnfit(CliError):
    """Raised when a worker is to be strict and the server is not as it should be."""

    def __init__(self, problems: Sequence[str]) -> None:
        listed = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(
            f"The server is not as it should be:\n{listed}\n"
            "jtc doctor tells more; without --strict the worker starts all the same."
        )


class WatchfilesMissing(CliError, ImportError):
    """Raised when code is to be watched and what does so is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "--reload needs watchfiles. Run pip install 'jtc-cli[reload]', or start "
            "the worker without --reload."
        )


class MetricsMissing(CliError, ImportError):
    """Raised when metrics are wanted and what writes them is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "--metrics-port needs prometheus-client. Run pip install "
            "'jtc-queue[metrics]', or start the worker without --metrics-port."
        )


class PortRefused(CliError, OSError):
    """Raised when a port that was asked for cannot be opened."""

    def __init__(
        self,
        host: str,
        port: int,
        error: Exception,
        *,
        option: str = "--metrics-port or --health-port",
    ) -> None:
        why = getattr(error, "strerror", None) or str(error)
        super().__init__(
            f"Cannot listen on port {port} of {host}: {why}. Name another one with "
            f"{option}; 0 is any that is free."
        )


class DashboardMissing(CliError, ImportError):
    """Raised when the dashboard is wanted and what it is made of is not installed."""

    def __init__(self, error: ImportError) -> None:
        super().__init__(
            f"The dashboard cannot be imported: {error}. Run pip install "
            "'jtc-queue[dashboard]'."
        )


class UnguardedAddress(CliError, PermissionError):
    """Raised when others could reach the dashboard, and nobody would have to log in."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host} can be reached from other machines, and the dashboard would ask "
            "nobody for a password. Give --user NAME, with the password in "
            "JTC_DASHBOARD_PASSWORD, or leave out --host."
        )


class NoPassword(CliError, ValueError):
    """Raised when somebody has to log in and there is no password."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"--user {name} needs a password. Put it into the environment as "
            "JTC_DASHBOARD_PASSWORD, plain or as jtc.dashboard.hash_password returns "
            "it, or start the dashboard at a terminal, which asks for it."
        )


class CannotWatch(CliError, OSError):
    """Raised when the system does not tell of changes of files."""

    def __init__(self, folders: int, error: OSError) -> None:
        super().__init__(
            f"Cannot watch the {folders} folder(s) with code: {error}. Raise the limit "
            "of the system (fs.inotify.max_user_watches on Linux), start it in a "
            "smaller folder, or set WATCHFILES_FORCE_POLLING=1 to look again and again."
        )


class NotAName(CliError, ValueError):
    """Raised when a skeleton is to be made under a name that Python cannot use."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(
            f"{name!r} cannot name a job or a task: {why}. Give one such as "
            "SendInvoice or send_invoice."
        )


class FolderHasNoName(CliError, ValueError):
    """Raised when a skeleton is to go where nothing can be imported from."""

    def __init__(self, folder: object) -> None:
        super().__init__(
            f"{folder} is no place for a module: give a folder below this one whose "
            "name is a name in Python, as in --into shop/jobs."
        )


class FileExists(CliError, FileExistsError):
    """Raised when a skeleton would take the place of a file that is there."""

    def __init__(self, paths: Sequence[object]) -> None:
        super().__init__(
            "Nothing was written: it would have taken the place of "
            f"{' and '.join(map(str, paths))}. Choose another name, or another folder "
            "with --into."
        )


class SeveralQueues(CliError, ValueError):
    """Raised when a command that looks into one queue is given several."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(
            f"Several queues are named: {', '.join(names)}. This command looks into "
            f"one; name it, as in --queue {names[0]}."
        )


class ServerRefused(CliError, ConnectionError):
    """Raised when a server is there and turns us away."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"The server at {url} refused: {why}\n\n"
            "Check the user, the password and the database number in --redis or "
            "REDIS_URL: redis://user:password@host:6379/0"
        )


class NoServer(CliError, ConnectionError):
    """Raised when no Redis or Valkey server answers."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"Cannot use a Redis server at {url}: {why}\n\n"
            "Get one in one of these ways, then try again:\n"
            "  redis-server                              or valkey-server\n"
            "  docker run -d -p 6379:6379 redis:alpine   in a container\n"
            "  jtc queue work --embedded                 a server of its own, "
            "data in .jtc\n"
            "or name one that runs: --redis URL, or REDIS_URL in the environment."
        )


class SchedulesNotFound(CliError, LookupError):
    """Raised when schedules are named that are not there."""

    def __init__(self, errors: Sequence[LookupError]) -> None:
        super().__init__("\n".join(map(str, errors)))


class TaskFailed(CliError):
    """Raised when a task that was run here raised."""

    def __init__(self, name: str, trace: str) -> None:
        super().__init__(f"Task {name!r} failed:\n\n{trace}")


class NotInModules(CliError, LookupError):
    """Raised when a task is named that no module declares, and only those are meant."""

    def __init__(self, name: str, error: Exception) -> None:
        super().__init__(
            f"{error}\n"
            "This command knows only tasks that modules declare. For a schedule made "
            f"at run time use jtc schedule trigger {name} or jtc schedule next {name}."
        )


class NotDeclared(CliError, LookupError):
    """Raised when no module declares a task and no server can be asked for it."""

    def __init__(self, name: str, known: Sequence[str], error: Exception) -> None:
        why, *_ = str(error).splitlines()
        super().__init__(
            f"No module declares a task {name!r}; they declare "
            f"{', '.join(known) or 'none'}.\n{why}\n"
            "If it was made at run time, name its server: --redis URL, or REDIS_URL in "
            "the environment."
        )
