"""The log of changes: a capped Redis stream that viewers follow.

An entry names a customer, not its health: whoever reads it fetches the newest
row, so a customer that changed ten times in a burst is sent once.
"""

import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from streams.views.base import STREAM_MAX
from streams.views.redis_client import answering

__all__ = ["ChangeLog", "News"]

_COUNT_MAX = 500
#: Shorter than the client's time limit for an answer.
_WAIT_S_MAX = 4.0
_PLACE = re.compile(r"\d{1,15}(-\d{1,15})?")

_Entries = Sequence[tuple[str, dict[str, str]]]


@dataclass(frozen=True, slots=True)
class News:
    """What is new: (place, customer id) in order; ``reset`` is the place of "read all again"."""

    customers: tuple[tuple[str, str], ...] = ()
    reset: str | None = None


class ChangeLog:
    """Follows the stream that ``apply.lua`` writes."""

    def __init__(self, client: Redis, key: str, where: str) -> None:
        self._client = client
        self._key = key
        self._where = where

    async def position(self) -> str:
        """The id of the newest entry; ``0-0`` where there is none."""
        with answering(self._where):
            newest = await self._client.xrevrange(self._key, count=1)
        return str(newest[0][0]) if newest else "0-0"

    async def reset(self) -> None:
        """Tell every viewer to read again."""
        with answering(self._where):
            await self._client.xadd(self._key, {"reset": "1"}, maxlen=STREAM_MAX)

    async def follow(self, after: str | None, *, wait_s: float) -> AsyncGenerator[News, None]:
        """News after a place, for ever; empty news when nothing came for ``wait_s``."""
        place = await self.position() if after is None else after
        if after is not None and not await self._holds(after):
            place = await self.position()
            yield News(reset=place)
        block_ms = max(1, int(min(wait_s, _WAIT_S_MAX) * 1000))
        while True:
            with answering(self._where):
                answer: Any = await self._client.xread(
                    {self._key: place}, count=_COUNT_MAX, block=block_ms
                )
            entries: _Entries = answer[0][1] if answer else []
            if entries:
                place = entries[-1][0]
            yield _news(entries)

    async def _holds(self, place: str) -> bool:
        """Whether every change after this place is still in the log."""
        if _PLACE.fullmatch(place) is None:
            return False
        with answering(self._where):
            pipe = self._client.pipeline(transaction=True)
            pipe.xrange(self._key, count=1)
            pipe.xrevrange(self._key, count=1)
            pipe.xlen(self._key)
            oldest, newest, length = await pipe.execute()
        if _order(place) == (0, 0):
            return bool(length < STREAM_MAX)
        if not oldest:
            return False
        return _order(oldest[0][0]) <= _order(place) <= _order(newest[0][0])


def _news(entries: _Entries) -> News:
    """One line a customer, at the place of its newest entry."""
    places: dict[str, str] = {}
    reset: str | None = None
    for entry_id, fields in entries:
        if "customer" in fields:
            customer_id = fields["customer"]
            places.pop(customer_id, None)
            places[customer_id] = entry_id
        else:
            places.clear()  # all is read again: what came before adds nothing
            reset = entry_id
    return News(tuple((place, customer_id) for customer_id, place in places.items()), reset)


def _order(place: str) -> tuple[int, int]:
    ms, _, number = place.partition("-")
    return int(ms), int(number or 0)
