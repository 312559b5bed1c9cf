"""Many rows in one call of the script: which go together, and what an error leaves behind."""

import random
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from portfolio import NOW, customer, moved
from streams.settings import Settings
from streams.views.base import Applied, ViewUnavailable
from streams.views.redis_apply import CALL_ROWS, calls_of
from streams.views.redis_keys import Keys
from streams.views.redis_view import RedisView, open_view


@pytest.fixture
async def view(redis_url: str) -> AsyncIterator[RedisView]:
    made = open_view(Settings(redis=redis_url, prefix="t."))
    yield made
    await made.close()


def test_a_call_is_bounded_and_has_each_customer_once() -> None:
    """Redis does nothing else meanwhile; and the script looks at each customer once."""
    rng = random.Random(1)
    first = customer(rng, "a")
    rows = [first, customer(rng, "b"), moved(first, rng, strength=0.5, at=NOW)]
    rows += [customer(rng, f"c{n}") for n in range(CALL_ROWS + 1)]
    calls = calls_of(Keys(""), rows)
    fixed = len(calls_of(Keys(""), rows[:1])[0][1]) - 2
    sizes = [(len(given) - fixed) // 2 for _, given in calls]
    assert sizes == [2, CALL_ROWS, 2]
    assert calls_of(Keys(""), []) == []


@pytest.mark.integration
async def test_an_error_half_way_leaves_no_customer_without_its_place(
    view: RedisView, redis_url: str
) -> None:
    """A damaged key fails the call; mended and sent again, the view is whole."""
    rng = random.Random(2)
    rows = [customer(rng, each) for each in ("a", "b", "c")]
    client = Redis.from_url(redis_url)
    await client.set(view.keys.history("b"), "damaged")
    with pytest.raises(ViewUnavailable, match="rebuild"):
        await view.apply(rows)
    assert (await view.dump()).keys() == {"a", "b"}
    await client.delete(view.keys.history("b"))
    await client.aclose()
    assert (await view.apply(rows))[-1] is Applied.APPLIED
    assert await view.dump() == {row.customer_id: row for row in rows}
    assert await view.problems() == []
