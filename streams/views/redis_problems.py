"""Where a view in Redis contradicts itself: rankings, scores and due order against the rows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from redis.asyncio import Redis

from schemas.views import CustomerHealth
from streams.clock import to_ms
from streams.views.attention import attention_of
from streams.views.ranking import RANKINGS, segment_of
from streams.views.redis_keys import Keys

__all__ = ["problems_of"]

_CHUNK = 500


async def problems_of(
    client: Redis, keys: Keys, rows: Mapping[str, CustomerHealth]
) -> Sequence[str]:
    """Each contradiction as a line; none where all is well.

    A row is held against the instant as of which it was ranked last. One that an older
    release wrote was ranked in another way, and is named.
    """
    listed = await client.hlen(keys.findable)
    wrong = [f"{listed} customers are listed, {len(rows)} have a row"] * (listed != len(rows))
    ranked = await _ranked(client, keys, rows.values())
    segments: dict[str, list[CustomerHealth]] = {}
    for row in rows.values():
        if segment := segment_of(row):
            segments.setdefault(segment, []).append(row)
    known = {str(name) for name in await client.hkeys(keys.segments)}
    wrong += _differs("segments", segments.keys(), known)
    for segment, group in [("", list(rows.values())), *segments.items()]:
        where = f" of segment {segment}" if segment else ""
        for ranking in RANKINGS:
            found = await client.zrange(keys.ranking(ranking, segment), 0, -1)
            expected = {ranking.member(row, ranked[row.customer_id]) for row in group}
            members = {str(member) for member in found}
            for word, odd in (("lacks", expected - members), ("has", members - expected)):
                wrong += [
                    f"{ranking.customer_id(each)}: ranking {ranking.name}{where} {word} {each!r}"
                    for each in sorted(odd)
                ]
        wrong += _differs(
            f"scores{where}",
            ((row.customer_id, row.health.score) for row in group if row.health.score is not None),
            await _scores(client, keys.scored(segment)),
        )
    steps = ((i, attention_of(row, ranked[i]).next_ms) for i, row in rows.items())
    due = ((i, next_ms) for i, next_ms in steps if next_ms is not None)
    return wrong + _differs("due order", due, await _scores(client, keys.due))


async def _ranked(client: Redis, keys: Keys, rows: Iterable[CustomerHealth]) -> dict[str, int]:
    """As of when each row was ranked last."""
    found: dict[str, int] = {}
    every = list(rows)
    for start in range(0, len(every), _CHUNK):
        chunk = every[start:][:_CHUNK]
        pipe = client.pipeline(transaction=False)
        for row in chunk:
            pipe.hget(keys.customer(row.customer_id), "ranked")
        for row, at in zip(chunk, await pipe.execute(), strict=True):
            found[row.customer_id] = to_ms(row.changed_at) if at is None else int(at)
    return found


async def _scores(client: Redis, key: str) -> set[tuple[str, int]]:
    pairs: Any = await client.zrange(key, 0, -1, withscores=True)
    return {(str(member), int(score)) for member, score in pairs}


def _differs(what: str, expected: Iterable[Any], found: Iterable[Any]) -> list[str]:
    wanted, held = set(expected), set(found)
    return [
        f"{one[0] if isinstance(one, tuple) else one}: {what} {word} {one!r}"
        for word, odd in (("lacks", wanted - held), ("has", held - wanted))
        for one in sorted(odd)
    ]
