from __future__ import annotations

import asyncio
from collections.abc import Sequence

from redis.exceptions import RedisError

from jtc.cli.facts import describe_facts
from jtc.cli.installed_versions import check_versions
from jtc.cli.json_form import json_form
from jtc.cli.output import print_json, print_text, wrap_lines
from jtc.cli.place import Place
from jtc.queue import Check, examine_server, load_settings, mask_url, open_client

PATIENCE = 10.0
"""Seconds that the server has to answer everything."""
WIDTH = 78


def show_diagnosis(place: Place, *, as_json: bool) -> bool:
    """Print what was looked at, and how to mend what is not as it should be.

    Returns:
        Whether there are errors.

    Raises:
        QueueError: A setting is unfit.
    """
    url = load_settings(redis_url=place.redis).redis_url
    checks = [*check_versions(), *asyncio.run(_examine(url))]
    if as_json:
        print_json(json_form(checks))
    else:
        print_text(_describe(checks, url=mask_url(url)))
    return any(check.level == "error" for check in checks)


async def _examine(url: str) -> Sequence[Check]:
    client = open_client(url)
    try:
        async with asyncio.timeout(PATIENCE):
            return await examine_server(client)
    except (RedisError, OSError, TimeoutError) as error:
        why = str(error).replace(url, mask_url(url)) or "it does not answer"
        advice = (
            f"{why} Is it running, and are address, user and password in --redis or "
            "REDIS_URL those of it?"
        )
        return [Check("server", "error", f"none at {mask_url(url)}", advice)]
    finally:
        await client.aclose()


def _describe(checks: Sequence[Check], *, url: str) -> str:
    facts = {check.name: f"{check.value}{_mark(check)}" for check in checks}
    bad = [check for check in checks if check.advice]
    texts = [f"jtc doctor, server at {url}\n{describe_facts(facts)}"]
    texts += [
        wrap_lines(f"{check.level}: {check.name}: {check.advice}", WIDTH)
        for check in bad
    ]
    errors = sum(check.level == "error" for check in checks)
    warnings = sum(check.level == "warning" for check in checks)
    total = f"{len(checks)} check(s): {errors} error(s), {warnings} warning(s)."
    return "\n\n".join([*texts, total])


def _mark(check: Check) -> str:
    return "" if check.level == "ok" else f"  ({check.level})"
