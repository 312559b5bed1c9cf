"""Where scores stand among others, counted in Redis: each in O(log n), whatever changed before."""

from collections.abc import Sequence

from redis.asyncio import Redis

from schemas.views import CustomerHealth, Percentile
from streams.views.base import percentile
from streams.views.ranking import segment_of
from streams.views.redis_keys import Keys

__all__ = ["percentiles_of"]


async def percentiles_of(
    client: Redis, keys: Keys, rows: Sequence[CustomerHealth]
) -> Sequence[Percentile]:
    """The rank of each row's score among all, and in its segment; one round trip."""
    if not rows:
        return []
    everywhere = keys.scored()
    within = {segment: keys.scored(segment) for segment in map(segment_of, rows) if segment}
    groups = [everywhere, *within.values()]
    asked: dict[tuple[str, int], None] = {}
    for row in rows:
        if row.health.score is not None:
            asked[everywhere, row.health.score] = None
            if segment := segment_of(row):
                asked[within[segment], row.health.score] = None
    pipe = client.pipeline(transaction=True)
    for key in groups:
        pipe.zcard(key)
    for key, score in asked:
        pipe.zcount(key, "-inf", f"({score}")
        pipe.zcount(key, score, score)
    answers = await pipe.execute()
    sizes: dict[str, int] = dict(zip(groups, answers, strict=False))
    counts = iter(answers[len(groups) :])
    ranks: dict[tuple[str, int | None], int | None] = {
        (key, score): percentile(below, equal, sizes[key])
        for (key, score), below, equal in zip(asked, counts, counts, strict=True)
    }
    return [
        Percentile(
            portfolio=ranks.get((everywhere, row.health.score)),
            n=sizes[everywhere],
            segment=ranks.get((within.get(segment_of(row), ""), row.health.score)),
            segment_n=sizes.get(within.get(segment_of(row), ""), 0),
        )
        for row in rows
    ]
