"""SAQ's own page, for those who know it: its script and style, behind our gate.

Not its application, which keeps its queues and its path in the module: two dashboards
in one process would show each other's queues.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import saq
from saq.web.common import STATIC_PATH, job_dict, render
from saq.web.starlette import GZStaticFiles
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route

from jtc.dashboard.actions.action import log_action
from jtc.dashboard.board import board_of
from jtc.dashboard.errors import NotAllowed, NothingThere
from jtc.dashboard.security.gate import user_of
from jtc.dashboard.security.headers import policy
from jtc.dashboard.security.origin import names_no_origin
from jtc.queue.secret_fields import mask, payload_in, secret_names


class _Json(JSONResponse):
    """JSON of whatever a job's document holds: also of NaN and of half a character."""

    def render(self, content: Any) -> bytes:
        plain = json.loads(json.dumps(content), parse_constant=str)
        return json.dumps(plain).encode()


async def show(request: Request) -> Response:
    """Show the page; its script asks for the rest."""
    text = render(root_path=str(request.scope["root_path"]))
    script = text.partition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = policy(script_src=f"'self' 'sha256-{digest}'")
    return HTMLResponse(text, headers={"Content-Security-Policy": allowed})


async def show_queues(request: Request) -> Response:
    """Return how all queues stand, as SAQ's script reads it."""
    queues = await board_of(request).queues.all()
    return _Json({"queues": [await queue.info() for queue in queues]})


async def show_queue(request: Request) -> Response:
    """Return one queue with some of its jobs."""
    queue = await board_of(request).queue(request.path_params["queue"])
    info = await queue.info(jobs=True)
    jobs = [_masked(job) for job in info["jobs"]]
    return _Json({"queue": {**info, "jobs": jobs}})


async def show_job(request: Request) -> Response:
    """Return one job."""
    job = await _find(request)
    shown = {**job_dict(job), "kwargs": repr(_masked(job.to_dict()).get("kwargs"))}
    return _Json({"job": shown})


async def retry(request: Request) -> Response:
    """Queue a job once more."""
    job = await _find(request, to_act=True)
    await job.retry("retried from ui")
    log_action(user_of(request), "saq_retry", "Retried a job.", on=job.key)
    return JSONResponse({})


async def abort(request: Request) -> Response:
    """Cancel a job."""
    job = await _find(request, to_act=True)
    await job.abort("aborted from ui")
    log_action(user_of(request), "saq_abort", "Aborted a job.", on=job.key)
    return JSONResponse({})


SAQ_PAGE = Mount(
    "/saq",
    routes=[
        Route("/", show),
        Route("/queues/{queue}", show),
        Route("/queues/{queue}/jobs/{job:path}", show),
        Route("/api/queues", show_queues),
        Route("/api/queues/{queue}", show_queue),
        Route("/api/queues/{queue}/jobs/{job:path}/retry", retry, methods=["POST"]),
        Route("/api/queues/{queue}/jobs/{job:path}/abort", abort, methods=["POST"]),
        Route("/api/queues/{queue}/jobs/{job:path}", show_job),
        Mount("/static", GZStaticFiles(directory=STATIC_PATH)),
    ],
)


async def _find(request: Request, *, to_act: bool = False) -> saq.Job:
    if to_act and names_no_origin(request):
        # SAQ's script sends no token: the browser has to say whose page it runs in.
        raise NotAllowed
    queue = await board_of(request).queue(request.path_params["queue"])
    key = request.path_params["job"]
    job = await queue.job(key)
    if job is None:
        raise NothingThere(f"Queue {queue.name} has no job {key!r}.")
    return job


def _masked(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job's document without its secrets."""
    kwargs = job.get("kwargs")
    names = secret_names(job.get("meta"))
    if not kwargs or not names:
        return dict(job)
    name, payload = payload_in(kwargs)
    hidden = mask(payload, names)
    shown = hidden if name is None else {"job_class": name, "payload": hidden}
    return {**job, "kwargs": shown}
