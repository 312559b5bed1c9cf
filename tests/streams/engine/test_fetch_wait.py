"""How long a fetch may wait: short while something comes, longer and longer while nothing does."""

from types import SimpleNamespace
from typing import Any

import pytest

from streams.engine.fetch_wait import ENOUGH_BYTES, SHORTEST_MS, FetchWait, let_fetches_wait


def test_each_fetch_that_brings_nothing_lets_the_next_wait_longer() -> None:
    wait = FetchWait(longest_ms=500)
    waits = []
    for _ in range(4):
        waits.append(wait.wait_ms)
        wait.fetched(something=False)
    assert waits == [25, 100, 400, 500]


def test_a_fetch_that_brings_something_ends_it() -> None:
    wait = FetchWait(longest_ms=500)
    for _ in range(9):
        wait.fetched(something=False)
    wait.fetched(something=True)
    assert wait.wait_ms == SHORTEST_MS


def test_no_wait_is_longer_than_asked_for() -> None:
    wait = FetchWait(longest_ms=10)
    assert wait.wait_ms == 10
    wait.fetched(something=True)
    assert wait.wait_ms == 10


def test_while_something_comes_a_handful_does_not_answer_a_fetch() -> None:
    """But the first of it does, after a time in which nothing came."""
    wait = FetchWait(longest_ms=500)
    asked = [wait.bytes_min]
    for something in (True, True, False, False, True):
        wait.fetched(something=something)
        asked.append(wait.bytes_min)
    assert asked == [1, ENOUGH_BYTES, ENOUGH_BYTES, 1, 1, ENOUGH_BYTES]


@pytest.mark.parametrize("something", [True, False])
async def test_the_client_is_told_after_each_fetch(something: bool) -> None:
    async def fetch(assignment: Any, node_id: Any, request: Any) -> bool:
        assert (assignment, node_id, request) == ("held", 1, "this")
        return something

    fetcher = SimpleNamespace(
        _fetch_max_wait_ms=1500, _fetch_min_bytes=1, _proc_fetch_request=fetch
    )
    let_fetches_wait(SimpleNamespace(_fetcher=fetcher), FetchWait(longest_ms=500))
    assert fetcher._fetch_max_wait_ms == SHORTEST_MS
    assert await fetcher._proc_fetch_request("held", 1, "this") is something
    assert fetcher._fetch_max_wait_ms == (SHORTEST_MS if something else 4 * SHORTEST_MS)
    assert fetcher._fetch_min_bytes == (ENOUGH_BYTES if something else 1)
