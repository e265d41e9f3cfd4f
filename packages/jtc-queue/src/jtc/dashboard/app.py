from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Collection, Mapping, Sequence

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from jtc.dashboard.actions.failed_actions import FAILED_ACTIONS
from jtc.dashboard.actions.job_actions import JOB_ACTIONS
from jtc.dashboard.actions.queue_actions import QUEUE_ACTIONS
from jtc.dashboard.actions.schedule_actions import SCHEDULE_ACTIONS
from jtc.dashboard.board import Board
from jtc.dashboard.errors import InvalidDashboard
from jtc.dashboard.faults import FAULTS
from jtc.dashboard.rendering import FOLDER, Rendering
from jtc.dashboard.saq_page import SAQ_PAGE
from jtc.dashboard.security.basic import CHALLENGE, BasicAuthentication
from jtc.dashboard.security.gate import Authenticate, Doorkeeper, Gate
from jtc.dashboard.security.headers import SecureHeaders
from jtc.dashboard.security.local import admit_local
from jtc.dashboard.security.secret import Secret
from jtc.dashboard.shown_queues import FoundQueues, GivenQueues, ShownQueues
from jtc.dashboard.views.failed import confirm_failed, failed_page
from jtc.dashboard.views.jobs import job_page, jobs_page
from jtc.dashboard.views.overview import overview
from jtc.dashboard.views.page import page
from jtc.dashboard.views.queue import confirm_clear, queue_page
from jtc.dashboard.views.schedules import schedule_page, schedules_page
from jtc.queue import RedisQueue, load_settings, mask_url, open_client

ROUTES: Sequence[BaseRoute] = (
    page("/", overview),
    page("/queue", queue_page),
    page("/queue/clear/confirm", confirm_clear),
    page("/jobs", jobs_page),
    page("/job", job_page),
    page("/failed", failed_page),
    page("/failed/confirm", confirm_failed, takes_forms=True),
    page("/schedules", schedules_page),
    page("/schedule", schedule_page),
    *QUEUE_ACTIONS,
    *JOB_ACTIONS,
    *FAILED_ACTIONS,
    *SCHEDULE_ACTIONS,
    SAQ_PAGE,
    Mount("/static", StaticFiles(directory=FOLDER / "static")),
)


def create_app(
    redis_url: str | None = None,
    *,
    queues: Sequence[RedisQueue] | None = None,
    users: Mapping[str, str] | None = None,
    authenticate: Authenticate | None = None,
    read_only: bool | Collection[str] = False,
) -> Starlette:
    """Make the dashboard: an ASGI application, to be served or mounted in another one.

    Without `users` and `authenticate` it answers only who asks from this machine.

    Args:
        redis_url: The server; from the settings unless given. All queues that workers
            lately worked on are shown.
        queues: The queues that are shown; in place of `redis_url`.
        users: The password of each name, plain or as `hash_password` returns it.
        authenticate: Returns who sends a request, None for who is not let in; a plain
            function or a coroutine function. In place of `users`.
        read_only: Whether nobody may do anything; or the names of those `users` who may
            only look.

    Raises:
        InvalidDashboard: Options are at odds with one another.
        InvalidUsers: A name or a password could never be given.
        InvalidPassword: A hashed password is none.
        SettingsError: A setting is unfit; from `jtc.queue`, like the next one.
        InvalidRedisUrl: The URL cannot be understood.

    Example:
        >>> app = create_app("redis://localhost:6379", users={"grace": "c0rrect horse"})
        >>> len(app.routes) > 10
        True
    """
    shown, server = _open(redis_url, queues)
    keeper = _hire(users, authenticate=authenticate, read_only=read_only)

    @contextlib.asynccontextmanager
    async def live(_: Starlette) -> AsyncIterator[None]:
        yield
        await shown.close()

    app = Starlette(
        routes=ROUTES,
        lifespan=live,
        middleware=[Middleware(SecureHeaders), Middleware(Gate, keeper=keeper)],
        exception_handlers=FAULTS,
    )
    app.state.board = Board(shown, Rendering(server), Secret())
    return app


def _open(
    redis_url: str | None, queues: Sequence[RedisQueue] | None
) -> tuple[ShownQueues, str]:
    """Return what is shown, and what its server is called."""
    if queues is None:
        settings = load_settings(redis_url=redis_url)
        # Refused here, not on every page; it connects to nothing.
        open_client(settings.redis_url)
        return FoundQueues(settings), mask_url(settings.redis_url)
    if redis_url is not None:
        raise InvalidDashboard("give either redis_url or queues")
    if not queues:
        raise InvalidDashboard("queues is empty; name one queue at the least")
    return GivenQueues(queues), ""


def _hire(
    users: Mapping[str, str] | None,
    *,
    authenticate: Authenticate | None,
    read_only: bool | Collection[str],
) -> Doorkeeper:
    """Return who is let in."""
    is_by_name = not isinstance(read_only, bool)
    may_act = is_by_name or not read_only
    if is_by_name and users is None:
        raise InvalidDashboard("read_only names users, and there are no users=")
    if isinstance(read_only, str):
        raise InvalidDashboard("read_only is a text; give a list of names")
    if users is not None:
        if authenticate is not None:
            raise InvalidDashboard("give either users or authenticate")
        lookers = () if isinstance(read_only, bool) else read_only
        basic = BasicAuthentication(users, lookers=lookers)
        return Doorkeeper(
            basic, 401, "Give your name and password.", CHALLENGE, may_act=may_act
        )
    if authenticate is not None:
        return Doorkeeper(authenticate, 401, "Log in first.", may_act=may_act)
    return Doorkeeper(admit_local, 403, LOCAL_ONLY, may_act=may_act)


LOCAL_ONLY = (
    "This dashboard asks nobody for a password, so it answers only who asks from this "
    "machine, under the name localhost and through no proxy. To let others in, give "
    "create_app(users=...) or create_app(authenticate=...), or start jtc queue "
    "dashboard with --user NAME."
)
