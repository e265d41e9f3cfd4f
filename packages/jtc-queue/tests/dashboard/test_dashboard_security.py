from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Mount, Route

from jtc.dashboard import (
    InvalidDashboard,
    InvalidPassword,
    InvalidUsers,
    NotAUser,
    User,
    create_app,
    hash_password,
)
from jtc.queue import FailedJobs, QueueMonitor, RedisQueue

USERS = {"grace": "correct horse", "ann": "battery staple"}


def routes_of(app: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Each method and path that an application answers."""
    for route in app.routes:
        path = f"{prefix}{route.path}"
        if isinstance(route, Mount):
            inside = list(routes_of(route, path))
            yield from inside or [("GET", f"{path}/dashboard.css")]
        else:
            assert isinstance(route, Route)
            filled = re.sub(r"\{\w+(:\w+)?\}", "x", path)
            yield from ((method, filled) for method in sorted(route.methods or ()))


def basic(name: str, password: str) -> dict[str, str]:
    text = base64.b64encode(f"{name}:{password}".encode()).decode()
    return {"Authorization": f"Basic {text}"}


async def test_each_route_refuses_who_has_not_logged_in(
    queue: RedisQueue, open_browser: Any
) -> None:
    app = create_app(queues=[queue], users=USERS)
    routes = list(routes_of(app))
    assert len(routes) > 30

    async with open_browser(app) as browser:
        for method, path in [*routes, ("GET", "/nothing"), ("PUT", "/")]:
            answer = await browser.client.request(method, path)
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"].startswith("Basic realm=")
            assert "content-security-policy" in answer.headers


async def test_a_password_cannot_be_taken_for_a_part_of_the_name(
    queue: RedisQueue, open_browser: Any
) -> None:
    app = create_app(queues=[queue], users={"ann": "a\0b"}, read_only=["ann"])

    async with open_browser(app) as browser:
        for name, password, status in (("ann", "a\0b", 200), ("ann\0a", "b", 401)):
            headers = basic(name, password)
            answer = await browser.client.get("/", headers=headers)
            assert answer.status_code == status


async def test_each_route_refuses_who_asks_from_elsewhere(
    queue: RedisQueue, open_browser: Any
) -> None:
    app = create_app(queues=[queue])

    async with open_browser(app, client=("10.0.0.7", 4000)) as browser:
        for method, path in routes_of(app):
            answer = await browser.client.request(method, path)
            assert answer.status_code == 403, (method, path)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "localhost:8080"}, 200),
        ({"Host": "127.0.0.1"}, 200),
        ({"Host": "[::1]:8080"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "localhost.evil.example"}, 403),
        ({"Host": ""}, 403),
        ({"X-Forwarded-For": "10.0.0.7"}, 403),
        ({"Forwarded": "for=10.0.0.7"}, 403),
    ],
)
async def test_without_passwords_only_this_machine_is_answered_under_its_own_name(
    browser: Any, headers: dict[str, str], status: int
) -> None:
    answer = await browser.client.get("/", headers=headers)

    assert answer.status_code == status


async def test_an_unknown_client_is_not_taken_for_this_machine(
    queue: RedisQueue, open_browser: Any
) -> None:
    async with open_browser(create_app(queues=[queue]), client=None) as browser:
        assert (await browser.get("/")).status_code == 403


@pytest.fixture(scope="module")
def hashed() -> str:
    """A password that took its time."""
    return hash_password("battery staple")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (("grace", "correct horse"), 200),
        (("ann", "battery staple"), 200),
        (("ann", "correct horse"), 401),
        (("nobody", "correct horse"), 401),
        (("grace", ""), 401),
        (("", ""), 401),
    ],
)
async def test_a_name_and_its_password_are_asked_for(
    queue: RedisQueue,
    open_browser: Any,
    hashed: str,
    said: tuple[str, str],
    status: int,
) -> None:
    users = {"grace": "correct horse", "ann": hashed}
    app = create_app(queues=[queue], users=users)

    # A name of this machine or a proxy is no matter then.
    async with open_browser(app, base_url="https://ops.example") as browser:
        for _ in range(2):
            headers = {**basic(*said), "X-Forwarded-For": "10.0.0.7"}
            answer = await browser.client.get("/", headers=headers)
            assert answer.status_code == status


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !", "Bearer abc", "Basic " + "Z3JhY2U=", "Basic /w=="]
)
async def test_a_header_that_cannot_be_read_lets_nobody_in(
    queue: RedisQueue, open_browser: Any, header: str
) -> None:
    async with open_browser(create_app(queues=[queue], users=USERS)) as browser:
        answer = await browser.client.get("/", headers={"Authorization": header})
        assert answer.status_code == 401


async def test_a_function_of_ones_own_says_who_it_is(
    queue: RedisQueue, open_browser: Any
) -> None:
    def plain(request: Request) -> User | None:
        name = request.headers.get("x-name")
        return User(name, can_act=name == "grace") if name else None

    async def awaited(request: Request) -> User | None:
        return plain(request)

    for authenticate in (plain, awaited):
        app = create_app(queues=[queue], authenticate=authenticate)
        async with open_browser(app) as browser:
            assert (await browser.get("/")).status_code == 401
            for name, can_act in (("grace", True), ("ann", False)):
                page = await browser.client.get("/", headers={"X-Name": name})
                assert name in page.text
                assert ("/queue/pause" in page.text) is can_act


async def test_a_function_of_ones_own_may_lead_to_a_page_to_log_in(
    queue: RedisQueue, open_browser: Any
) -> None:
    def authenticate(request: Request) -> User | None:
        raise HTTPException(303, headers={"Location": "/login"})

    app = create_app(queues=[queue], authenticate=authenticate)
    async with open_browser(app) as browser:
        answer = await browser.get("/")

    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


async def test_a_function_that_returns_no_user_lets_nobody_in(
    queue: RedisQueue, open_browser: Any
) -> None:
    app = create_app(
        queues=[queue],
        authenticate=lambda _: True,  # type: ignore[arg-type,return-value]
    )
    async with open_browser(app) as browser:
        with pytest.raises(NotAUser, match="returned bool"):
            await browser.get("/")


async def test_who_may_only_look_can_do_nothing(
    queue: RedisQueue, open_browser: Any, run_all: Any
) -> None:
    # Given
    await queue.enqueue("fail", key="a")
    await run_all()
    await queue.enqueue("succeed", key="b")
    ways = [
        (create_app(queues=[queue], read_only=True), {}),
        (
            create_app(queues=[queue], users=USERS, read_only=["ann"]),
            basic("ann", USERS["ann"]),
        ),
    ]
    for app, headers in ways:
        async with open_browser(app, headers=headers) as browser:
            for method, path in routes_of(app):
                # When
                if method != "POST":
                    continue
                answer = await browser.client.post(path, data={"queue": "default"})

                # Then
                assert answer.status_code == 403, path
            for path in ("/", "/queue", "/jobs", "/failed", "/job?id=a"):
                page = (await browser.client.get(path)).text
                assert 'method="post"' not in page
                assert "read only" in page
    assert await FailedJobs(queue).count() == 1
    assert (await QueueMonitor(queue).stats()).queued == 1


async def test_others_than_those_who_may_only_look_can_act(
    queue: RedisQueue, open_browser: Any
) -> None:
    app = create_app(queues=[queue], users=USERS, read_only=["ann"])
    headers = basic("grace", USERS["grace"])

    async with open_browser(app, headers=headers) as browser:
        said = await browser.act("/queue/pause", queue="default")

    assert said.startswith("good:")


async def test_each_action_needs_a_form_that_was_shown(browser: Any) -> None:
    await browser.get("/")
    actions = [
        path
        for method, path in routes_of(browser.client._transport.app)
        if method == "POST" and not path.startswith("/saq")
    ]
    assert len(actions) == 13

    for path in actions:
        for token in ("", "0" * 64):
            data = {"queue": "default", "token": token}
            answer = await browser.client.post(path, data=data)
            assert answer.status_code == 403, path
            assert "nothing was done" in answer.text


async def test_the_form_of_another_browser_or_user_is_refused(
    queue: RedisQueue, open_browser: Any
) -> None:
    app = create_app(queues=[queue], users=USERS)
    headers = basic("grace", USERS["grace"])
    async with open_browser(app, headers=headers) as browser:
        token = await browser.token()
        cookies = browser.client.cookies
        assert (await browser.send("/queue/pause", token=token)).status_code != 403

    async with open_browser(app, headers=headers) as other_browser:
        await other_browser.get("/")
        answer = await other_browser.send("/queue/pause", token=token)
        assert answer.status_code == 403

    other_user = basic("ann", USERS["ann"])
    async with open_browser(app, headers=other_user, cookies=cookies) as browser:
        answer = await browser.send("/queue/pause", token=token)
        assert answer.status_code == 403


async def test_the_form_of_one_process_can_be_sent_to_another(
    queue: RedisQueue, open_browser: Any
) -> None:
    async with open_browser(create_app(queues=[queue])) as browser:
        token = await browser.token()
        cookies = browser.client.cookies

    async with open_browser(create_app(queues=[queue]), cookies=cookies) as browser:
        answer = await browser.send("/queue/pause", queue="default", token=token)

    assert answer.status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
    ],
)
async def test_what_a_page_of_another_site_sends_is_refused(
    queue: RedisQueue, browser: Any, headers: dict[str, str]
) -> None:
    token = await browser.token()

    answer = await browser.client.post(
        "/queue/pause", data={"token": token, "queue": "default"}, headers=headers
    )

    assert answer.status_code == 403
    assert (await QueueMonitor(queue).stats()).paused is None


async def test_what_its_own_page_sends_is_taken(browser: Any) -> None:
    for headers in (
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
        {"Origin": "http://localhost"},
    ):
        data = {"token": await browser.token(), "queue": "default"}
        answer = await browser.client.post("/queue/pause", data=data, headers=headers)
        assert answer.status_code == 303


async def test_an_action_cannot_be_asked_for_with_a_link(browser: Any) -> None:
    for path in ("/queue/pause", "/queue/clear", "/failed/forget", "/job/cancel"):
        assert (await browser.get(path, queue="default")).status_code == 405


async def test_what_is_no_form_or_too_large_is_refused(browser: Any) -> None:
    await browser.get("/")
    post = browser.client.post
    kind = {"Content-Type": "application/x-www-form-urlencoded"}

    assert (await post("/queue/pause", json={"queue": "default"})).status_code == 415
    large = await post("/queue/pause", content=b"a=" + b"x" * 1_100_000, headers=kind)
    assert large.status_code == 413
    many = await post("/queue/pause", content=b"a=1&" * 2000, headers=kind)
    assert many.status_code == 400
    strange = await post("/queue/pause", content=b"a=\xff\xfe", headers=kind)
    assert strange.status_code == 400


async def test_every_response_carries_what_protects_its_reader(browser: Any) -> None:
    for path in ("/", "/failed", "/nothing", "/static/dashboard.js", "/saq/"):
        headers = (await browser.get(path)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "base-uri 'none'" in policy
        assert "form-action 'self'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "same-origin"
        assert "camera=()" in headers["permissions-policy"]


async def test_no_page_has_a_script_or_a_style_in_it(
    queue: RedisQueue, browser: Any, run_all: Any
) -> None:
    await queue.enqueue("fail", key="a")
    await run_all()

    for path in ("/", "/queue", "/jobs", "/failed", "/schedules", "/job?id=a"):
        page = (await browser.client.get(path)).text
        assert page.count("<script") == page.count("<script src=") == 1
        assert "<style" not in page
        assert not re.search(r"<[^>]+\s(style|on\w+)=", page)


async def test_the_cookie_is_kept_from_scripts_and_other_sites(
    queue: RedisQueue, open_browser: Any
) -> None:
    app = create_app(queues=[queue], authenticate=lambda _: User("grace"))
    for scheme, is_secure in (("http", False), ("https", True)):
        async with open_browser(app, base_url=f"{scheme}://ops.example") as browser:
            cookie = (await browser.get("/")).headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert ("secure" in cookie) is is_secure


ATTACK = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


async def test_nothing_from_a_payload_becomes_markup(
    queue: RedisQueue, browser: Any, run_all: Any
) -> None:
    # Given
    await queue.enqueue("fail", key=ATTACK, why=ATTACK, arg={ATTACK: ATTACK})
    await run_all()
    await queue.enqueue("runner", key=f"w{ATTACK}", job_class=ATTACK, payload={})
    paths = [
        ("/", {}),
        ("/failed", {}),
        ("/failed", {"text": ATTACK, "class": ATTACK, "exception": ATTACK}),
        ("/failed", {"by": "group"}),
        ("/failed", {"group_name": ATTACK, "group_exception": ATTACK}),
        ("/failed/confirm", {"do": "retry", "what": "matching", "text": ATTACK}),
        ("/job", {"id": ATTACK}),
        ("/job", {"id": f"x{ATTACK}"}),
        ("/jobs", {}),
        ("/jobs", {"name": ATTACK}),
        ("/jobs", {"state": ATTACK}),
        ("/queue", {"queue": ATTACK}),
        ("/schedules", {"text": ATTACK}),
        ("/schedule", {"name": ATTACK}),
    ]
    for path, query in paths:
        # When
        page = (await browser.get(path, **query)).text

        # Then
        assert "<script>" not in page, path
        assert "<img" not in page, path
    shown = (await browser.get("/job", id=ATTACK)).text
    assert ATTACK in html.unescape(shown)
    said = await browser.send("/queue/pause", queue=ATTACK)
    assert "<img" not in said.text


async def test_a_note_of_a_pause_and_what_was_said_become_no_markup(
    queue: RedisQueue, browser: Any
) -> None:
    await browser.send("/queue/pause", queue="default", note=ATTACK)
    await browser.send("/job/cancel", queue="default", id=ATTACK)

    page = (await browser.get("/")).text

    assert "<img" not in page
    assert page.count(html.escape(ATTACK, quote=False)[:20]) >= 1
    assert "has ended already" in page


async def test_what_was_said_cannot_be_made_up(browser: Any) -> None:
    browser.client.cookies.set("jtc_said", "eyJ0ZXh0IjoiaGkifQ==.0000")

    page = await browser.get("/")

    assert page.status_code == 200
    assert 'class="notice good"' not in page.text


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"users": {}}, InvalidUsers),
        ({"users": {"a:b": "x"}}, InvalidUsers),
        ({"users": {"": "x"}}, InvalidUsers),
        ({"users": {"a": ""}}, InvalidUsers),
        ({"users": {"a": "x"}, "read_only": ["b"]}, InvalidUsers),
        ({"users": {"a": "scrypt$cut"}}, InvalidPassword),
        ({"users": {"a": "x"}, "authenticate": lambda _: None}, InvalidDashboard),
        ({"read_only": ["a"]}, InvalidDashboard),
        ({"users": {"a": "x"}, "read_only": "a"}, InvalidDashboard),
        ({"redis_url": "redis://localhost", "queues": []}, InvalidDashboard),
        ({"queues": []}, InvalidDashboard),
    ],
)
def test_options_that_are_at_odds_are_refused_at_once(
    options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        create_app(**options)


def test_a_hash_is_another_one_each_time_and_does_not_show_the_password() -> None:
    one, other = hash_password("correct horse"), hash_password("correct horse")

    assert one != other
    assert "horse" not in one


async def test_a_web_socket_is_refused(queue: RedisQueue) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    scope = {"type": "websocket", "path": "/", "headers": [], "query_string": b""}
    await create_app(queues=[queue])(scope, receive, send)

    assert sent == [{"type": "websocket.close", "code": 1008}]
