"""How long the broker may hold a fetch for which there is nothing.

The client has one fetch under way for each broker. What comes meanwhile in a partition that
is not in it waits for its end: so it is short while there is something to do. A fetch after one
that brought nothing has all partitions in it, and is answered as soon as something comes: it
may be long, and asking again and again is most of what an idle worker does. So each that
brings nothing lets the next wait four times as long; one that brings something ends that.

While events come one by one a fetch that is answered by the first of them brings a handful, and
costs as much as one that brings thousands. So one after a fetch that brought something waits for
:data:`ENOUGH_BYTES`, or its short time: at most so late is what comes then.
"""

from typing import Any

from streams.settings import Settings

__all__ = ["FetchWait", "let_fetches_wait", "longest_ms"]

#: The wait of the fetch after one that brought something.
SHORTEST_MS = 25
#: What answers such a fetch before its time.
ENOUGH_BYTES = 64 * 1024


def longest_ms(settings: Settings) -> int:
    """The longest wait of a reader for which nothing comes."""
    # The embedded broker does not answer a waiting fetch when something comes.
    return settings.fetch_max_wait_ms * (1 if settings.broker_embedded else 5)


class FetchWait:
    """The wait of the next fetch, in milliseconds, from ``SHORTEST_MS`` up to ``longest_ms``.

    ``bytes_min`` is what answers it before.
    """

    def __init__(self, longest_ms: int) -> None:
        self._longest_ms = longest_ms
        self.wait_ms = min(SHORTEST_MS, longest_ms)
        self.bytes_min = 1

    def fetched(self, *, something: bool) -> None:
        """A fetch has come back."""
        wanted_ms = SHORTEST_MS if something else 4 * self.wait_ms
        self.wait_ms = min(wanted_ms, self._longest_ms)
        self.bytes_min = ENOUGH_BYTES if something else 1


def let_fetches_wait(consumer: Any, wait: FetchWait) -> None:
    """Have a started ``AIOKafkaConsumer`` of the pinned aiokafka fetch so."""
    fetcher = consumer._fetcher
    fetch = fetcher._proc_fetch_request
    fetcher._fetch_max_wait_ms = wait.wait_ms

    async def fetch_and_note(assignment: Any, node_id: Any, request: Any) -> bool:
        found: bool = await fetch(assignment, node_id, request)
        wait.fetched(something=found)
        fetcher._fetch_max_wait_ms, fetcher._fetch_min_bytes = wait.wait_ms, wait.bytes_min
        return found

    fetcher._proc_fetch_request = fetch_and_note
