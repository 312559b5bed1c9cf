"""The view's Redis: reachable, new enough, and set so that it forgets nothing."""

import re
from collections.abc import AsyncIterator
from typing import Any

from redis.exceptions import NoPermissionError

from streams.doctor.finding import Finding, fail, ok, warn
from streams.exits import NamedExit
from streams.settings import Settings
from streams.views.base import ViewUnavailable
from streams.views.redis_client import answering, connect, safe_url
from streams.views.redis_view import RedisView

__all__ = ["examine_view", "policy_of", "release_of"]

_OLDEST = 6
_FULL = 0.9


async def examine_view(settings: Settings) -> AsyncIterator[Finding]:
    """Redis' release, memory policy, and how many customers the view holds."""
    where = safe_url(settings.redis.get_secret_value())
    try:
        client = connect(settings)
    except NamedExit as error:
        yield fail("Redis", error.message, "Correct the URL.")
        return
    view = RedisView(client, settings.prefix, where)
    try:
        await view.ping()
        try:
            with answering(where):
                info: dict[str, Any] = await client.info()
            yield release_of(info, where)
            yield policy_of(info)
        except ViewUnavailable as error:
            if not isinstance(error.__cause__, NoPermissionError):
                raise
            yield warn("Redis", f"{where} answers; INFO is forbidden", "Allow +info to see more.")
        held = sum((await view.counts()).values())
        yield ok("view", f"{held:,} customers")
    except ViewUnavailable as error:
        yield fail("Redis", error.message, error.remedy)
    finally:
        await client.aclose()


def release_of(info: dict[str, Any], where: str) -> Finding:
    """Whether the server is new enough."""
    release = str(info.get("redis_version", "unknown"))
    major = re.match(r"\d+", release)
    if major is not None and int(major.group()) < _OLDEST:
        return fail("Redis", f"{release} at {where}", f"Upgrade to {_OLDEST} or newer.")
    return ok("Redis", f"{release} at {where}")


def policy_of(info: dict[str, Any]) -> Finding:
    """Whether a full Redis would silently drop customers from the view."""
    about, policy = "Redis memory", info.get("maxmemory_policy")
    limit, used = int(info.get("maxmemory") or 0), int(info.get("used_memory") or 0)
    found = f"{used / 2**20:,.0f} MB used, limit {f'{limit / 2**20:,.0f} MB' if limit else 'none'}"
    if policy is None:
        return ok(about, f"{found}, policy not told")
    found += f", {policy}"
    if limit and policy != "noeviction":
        return warn(
            about, found, "Set maxmemory-policy noeviction: customers would vanish from the pages."
        )
    if limit and used > _FULL * limit:
        return warn(about, found, "Raise maxmemory: a full Redis refuses the view's writes.")
    return ok(about, found)
