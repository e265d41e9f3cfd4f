from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from jtc.dashboard.actions.action import read_signed
from jtc.dashboard.actions.failed_actions import ticked_ids
from jtc.dashboard.board import board_of
from jtc.dashboard.errors import NotUnderstood
from jtc.dashboard.failed_choice import AGES, NONE, count_matching, read_choice
from jtc.dashboard.form import read_query
from jtc.dashboard.shown_queues import choose_queue
from jtc.queue import FailedPages

SIZE = 50
ACTIONS = ("retry", "forget")


async def failed_page(request: Request) -> Response:
    """Show the failed jobs of a queue, one by one or in groups."""
    board, query = board_of(request), read_query(request)
    queues = await board.queues.all()
    queue = choose_queue(queues, query.get("queue"))
    choice, now = read_choice(query), datetime.now(UTC)
    render = partial(
        board.rendering.page,
        request,
        signing=await board.signing(),
        queues=[one.name for one in queues],
        queue=queue.name,
        choice=choice,
        ages=AGES,
        none_mark=NONE,
    )
    pages = FailedPages(queue)
    if query.get("by") == "group":
        groups = await pages.groups(**choice.as_filter(now=now))
        return render("failed_groups.html", groups=groups)
    cursor = query.get("cursor")
    page = await pages.page(
        **choice.as_filter(now=now), group=choice.group_key, cursor=cursor, size=SIZE
    )
    return render("failed.html", page=page, is_first=cursor is None)


async def confirm_failed(request: Request) -> Response:
    """Ask whether failed jobs are really to be put back or deleted."""
    board = board_of(request)
    if request.method == "POST":
        signing, form = await read_signed(request)
    else:
        signing, form = await board.signing(), read_query(request)
    queue = await board.queue(form.get("queue"))
    does = form.need("do")
    if does not in ACTIONS:
        raise NotUnderstood(f"{does!r} is no action: it is {' or '.join(ACTIONS)}.")
    is_matching = form.get("what") == "matching"
    choice = read_choice(form)
    ids = () if is_matching else ticked_ids(form)
    return board.rendering.page(
        request,
        "failed_confirm.html",
        signing=signing,
        queue=queue.name,
        does=does,
        is_matching=is_matching,
        choice=choice,
        ages=AGES,
        none_mark=NONE,
        ids=ids,
        count=await count_matching(queue, choice) if is_matching else len(ids),
    )
