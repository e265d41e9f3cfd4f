from __future__ import annotations

import logging
from collections.abc import Sequence

from redis.exceptions import AuthenticationError, RedisError, ResponseError

from jtc.jobs import (
    AnyContainer,
    JobManager,
    Middleware,
    runner,
    set_container,
    set_middleware,
)
from jtc.jobs.container import ensure_container
from jtc.providers.errors import ProviderNotInitialized
from jtc.queue import (
    Limits,
    RedisQueue,
    Scheduler,
    ServerInfo,
    TaskFunction,
    Worker,
    check_server,
    load_settings,
    mask_url,
    open_client,
    read_server_info,
    server_risks,
    task_function_name,
)
from jtc.schedule import ScheduledTask, ScheduleRegistry

logger = logging.getLogger(__name__)


class QueueProvider:
    """Puts the parts together: settings, queue, container, scheduled tasks, worker.

    What is not given comes from `REDIS_URL`, `QUEUE_NAME`, `QUEUE_CONCURRENCY` and
    `QUEUE_GRACE` and `JTC_TIMEZONE`, then from `[tool.jtc]` in pyproject.toml, then
    from the defaults.

    Args:
        redis_url: `redis://`, `rediss://` or `unix://`.
        queue_name: The queue to work on and to dispatch to. Several are worked on in
            strict order, as in `high,default,low`, or by weight, as in
            `high=3,default=1`; jobs that name no queue then go to the one called
            `default`, or to the first.
        concurrency: How many jobs the worker runs at once, from all its queues.
        grace: Seconds that running jobs get to end when the worker stops.
        timezone: The IANA name of the zone in which a schedule is read that names none;
            UTC by default.

    Raises:
        SettingsError: A setting has the wrong form.
        InvalidQueueName: A queue's name would not be safe inside a key.
        InvalidQueueOrder: Several queues are named in a way that says no order.

    Example:
        >>> provider = QueueProvider("redis://localhost:6379", "mail", concurrency=4)
        >>> provider.queue_name
        'mail'
        >>> QueueProvider(queue_name="high,low").queues.names
        ('high', 'low')
    """

    def __init__(
        self,
        redis_url: str | None = None,
        queue_name: str | None = None,
        concurrency: int | None = None,
        grace: float | None = None,
        *,
        timezone: str | None = None,
    ) -> None:
        settings = load_settings(
            redis_url=redis_url,
            queue_name=queue_name,
            concurrency=concurrency,
            grace=grace,
            timezone=timezone,
        )
        self.redis_url = settings.redis_url
        self.queue_name = settings.queue_name
        self.queues = settings.queues
        self.concurrency = settings.concurrency
        self.grace = settings.grace
        self.timezone = settings.timezone
        self._settings = settings
        self.connection_error: str | None = None
        self.was_refused = False
        self._server: ServerInfo | None = None
        self._queue: RedisQueue | None = None
        self._worker: Worker | None = None

    async def check_redis_connection(self) -> bool:
        """Tell whether the server answers; `connection_error` says why it does not.

        `was_refused` tells a server that turned us away from one that is not there.

        Raises:
            InvalidRedisUrl: The URL is none.
        """
        client = open_client(self.redis_url)
        try:
            self._server = await read_server_info(client)
        except (AuthenticationError, ResponseError) as error:
            self.was_refused = True
            self.connection_error = str(error)
        except (RedisError, OSError) as error:
            self.connection_error = str(error).replace(
                self.redis_url, mask_url(self.redis_url)
            )
        else:
            self.connection_error = None
        finally:
            await client.aclose()
        return self.connection_error is None

    async def server_info(self) -> ServerInfo:
        """Return what the server says of itself.

        Raises:
            ConnectionError: It cannot be reached.
        """
        if self._server is None and not await self.check_redis_connection():
            raise ConnectionError(self.connection_error)
        assert self._server is not None  # noqa: S101 - for the type checker
        return self._server

    async def initialize(
        self,
        container: AnyContainer | None = None,
        *,
        middleware: Sequence[Middleware] | None = None,
    ) -> None:
        """Open the queue and make jobs resolvable.

        Args:
            container: Builds what jobs and tasks need; unless given, the one that was
                set before, or else lagom's, which wires concrete classes by their
                type hints.
            middleware: What runs around every job, as `set_middleware` takes it; what
                was set stays unless given.

        Raises:
            ConnectionError: The server cannot be reached.
            ServerTooOld: The server lacks what the queue is built on.
            NotAContainer: The container is none.
            InvalidMiddleware: A middleware cannot be called, or not be awaited.
        """
        info = await self.server_info()
        check_server(info)
        for risk in server_risks(info):
            logger.warning("%s", risk, extra={"action": "server_risk"})
        JobManager.initialize(self.redis_url, self.queue_name)
        if container is None:
            ensure_container()
        else:
            set_container(container)
        if middleware is not None:
            set_middleware(*middleware)
        self._queue = self._open_queue(self.queues.home)

    def get_worker(
        self,
        *,
        burst: bool = False,
        limits: Limits | None = None,
        takes_signals: bool = True,
    ) -> Worker:
        """Return the worker, made at the first call from the tasks registered by then.

        Args:
            burst: Whether it ends when its queues are empty; it then fires no ticks.
            limits: When it ends by itself.
            takes_signals: Whether SIGINT and SIGTERM stop it.

        Raises:
            ProviderNotInitialized: `initialize` was not called.
            SettingsError: A limit has been reached before the first job.
        """
        if self._queue is None:
            raise ProviderNotInitialized
        if self._worker is None:
            registered = ScheduleRegistry.get_all()
            tasks = [task.in_timezone(self.timezone) for task in registered]
            queues = [self._open_queue(name) for name in self.queues.names]
            self._worker = Worker(
                queues,
                [("runner", runner)]
                + [(task_function_name(task), TaskFunction(task)) for task in tasks],
                weights=self.queues.weights,
                concurrency=self.concurrency,
                grace=self.grace,
                limits=limits,
                takes_signals=takes_signals,
                schedulers=self._schedulers(queues, tasks),
                burst=burst,
            )
        return self._worker

    async def close(self) -> None:
        """Close the connections."""
        self._queue = None
        self._worker = None
        await JobManager.close()

    def _schedulers(
        self, own: Sequence[RedisQueue], tasks: Sequence[ScheduledTask]
    ) -> list[Scheduler]:
        """Return one for each of our queues, and for each in which a task is scheduled.

        Any queue may have schedules that were made at run time.
        """
        queues = {queue.name: queue for queue in own}
        for task in tasks:
            if (name := task.options.queue) is not None and name not in queues:
                queues[name] = self._open_queue(name)
                logger.info(
                    "Task %s goes to queue '%s', on which this worker does not work: "
                    "another one has to.",
                    task.name,
                    name,
                    extra={"action": "task_elsewhere", "task": task.name},
                )
        home = self.queues.home
        return [
            Scheduler(
                queue,
                [t for t in tasks if (t.options.queue or home) == queue.name],
                environment=self._settings.environment,
            )
            for queue in queues.values()
        ]

    def _open_queue(self, name: str) -> RedisQueue:
        queue = JobManager.get_queue(name)
        queue.history_length = self._settings.history
        queue.busy_limits = self._settings.busy_limits
        return queue
