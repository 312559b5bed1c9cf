"""The view in Redis (6 or later).

The script ``apply.lua`` compares (epoch, sequence) and writes a customer's row,
history, rankings and the log of changes in one step: no reader ever sees a customer
in two bands, and a row sent again changes nothing. A change touches the customer's
own entries alone; where it stands among the others is counted when it is read.
"""

import heapq
from collections.abc import AsyncGenerator, Mapping, Sequence
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from schemas.scores import Band
from schemas.view_rows import Row
from schemas.views import CustomerHealth, HistoryPoint, Percentile
from streams.settings import Settings
from streams.views.attention import attention_of
from streams.views.base import (
    HISTORY_MAX,
    LIMIT_MAX,
    STREAM_MAX,
    Applied,
    Change,
    Page,
    Segment,
    Sort,
)
from streams.views.ranking import (
    BANDS,
    RANKINGS,
    Ranking,
    cursor_of,
    needle,
    place_of,
    prefixes,
    range_of,
    ranking_of,
    read_cursor,
)
from streams.views.redis_apply import Call, answers_of, calls_of, told
from streams.views.redis_changes import ChangeLog
from streams.views.redis_client import answering, connect, safe_url
from streams.views.redis_keys import Keys
from streams.views.redis_percentiles import percentiles_of
from streams.views.redis_problems import problems_of

__all__ = ["RedisView", "open_view"]

_BATCH_ROWS = 500
_SCAN_ROWS = 500
#: Customers that one page of a search looks at, at most.
EXAMINED_MAX = 20_000


def open_view(settings: Settings) -> "RedisView":
    """The view that the settings name. Connects when first used."""
    return RedisView(
        connect(settings), settings.prefix, safe_url(settings.redis.get_secret_value())
    )


class RedisView:
    """:class:`~streams.views.base.View` in Redis."""

    def __init__(self, client: Redis, prefix: str, where: str) -> None:
        self._client = client
        self._where = where
        self.keys = Keys(prefix)
        self._log = ChangeLog(client, self.keys.changes, where)
        self._scripts = {
            name: files("streams.views").joinpath(f"{name}.lua").read_text()
            for name in ("apply", "remove", "rerank", "sweep")
        }
        self._sha: dict[str, str] = {}

    async def apply(self, batch: Sequence[Row]) -> Sequence[Applied]:
        """Take in rows, some hundreds a round trip."""
        answers: list[Applied] = []
        for start in range(0, len(batch), _BATCH_ROWS):
            calls = calls_of(self.keys, batch[start:][:_BATCH_ROWS])
            answers += answers_of(await self._evaluate("apply", calls))
        return answers

    async def customer(self, customer_id: str) -> CustomerHealth | None:
        """One customer's current health."""
        with answering(self._where):
            row = await self._client.hget(self.keys.customer(customer_id), "row")
        return None if row is None else CustomerHealth.model_validate_json(row)

    async def history(self, customer_id: str, limit: int = HISTORY_MAX) -> Sequence[HistoryPoint]:
        """A customer's scores, newest first."""
        if limit < 1:
            return []
        with answering(self._where):
            points = await self._client.lrange(self.keys.history(customer_id), 0, limit - 1)
        return [HistoryPoint.model_validate_json(point) for point in points]

    async def customers(
        self,
        *,
        limit: int = 50,
        cursor: str | None = None,
        band: Band | None = None,
        segment: str | None = None,
        pursued: bool | None = None,
        sort: Sort = Sort.ATTENTION,
        search: str = "",
    ) -> Page:
        """A page of customers; a search looks at 20,000 customers a page, at most."""
        limit = min(max(limit, 1), LIMIT_MAX)
        place = read_cursor(sort, cursor) if cursor else None
        ranking, begin = ranking_of(sort), prefixes(band, pursued=pursued)
        key = self.keys.ranking(ranking, segment)
        sought = needle(search)
        found: list[str] = []
        examined = 0
        with answering(self._where):
            # One more than asked for tells whether there is a next page.
            while len(found) <= limit and examined < EXAMINED_MAX:
                chunk = _SCAN_ROWS if sought else limit + 1 - len(found)
                members = await self._members(key, begin, place, chunk)
                found += await self._matching(ranking, members, sought)
                examined += len(members)
                if members:
                    place = place_of(members[-1])
                if len(members) < chunk:
                    place = None
                    break
            if len(found) > limit:
                place = place_of(found[limit - 1])
            ids = [ranking.customer_id(member) for member in found[:limit]]
            rows = await self._rows(ids)
        items = tuple(row for row in rows if row is not None)
        return Page(items, None if place is None else cursor_of(sort, place))

    async def counts(
        self, *, segment: str | None = None, pursued: bool | None = None
    ) -> Mapping[Band, int]:
        """How many customers each band holds."""
        key = self.keys.ranking(ranking_of(Sort.SCORE), segment)
        begin = [(band, one) for band in BANDS for one in prefixes(band, pursued=pursued)]
        counts = dict.fromkeys(BANDS, 0)
        with answering(self._where):
            pipe = self._client.pipeline(transaction=True)
            for _, one in begin:
                pipe.zlexcount(key, *range_of(one, None))
            for (band, _), count in zip(begin, await pipe.execute(), strict=True):
                counts[band] += count
        return counts

    async def segments(self) -> Sequence[Segment]:
        """The segments that have customers, the largest first, then by name."""
        with answering(self._where):
            held = await self._client.hgetall(self.keys.segments)
            labels = {str(name): str(label) for name, label in held.items()}
            pipe = self._client.pipeline(transaction=False)
            for name in labels:
                pipe.zcard(self.keys.ranking(ranking_of(Sort.SCORE), name))
            sizes = await pipe.execute() if labels else []
        found = [Segment(*each, n) for each, n in zip(labels.items(), sizes, strict=True)]
        return sorted(found, key=lambda segment: (-segment.customers, segment.name))

    async def percentiles(self, rows: Sequence[CustomerHealth]) -> Sequence[Percentile]:
        """Where each of these customers' scores stands; counted now, each in O(log n)."""
        with answering(self._where):
            return await percentiles_of(self._client, self.keys, rows)

    async def refresh(self, now_ms: int, limit: int = 500) -> int:
        """Rank anew those whose renewal came a step closer; how many there were."""
        with answering(self._where):
            due = await self._client.zrangebyscore(self.keys.due, "-inf", now_ms, 0, limit)
            ids = [str(customer_id) for customer_id in due]
            rows = await self._rows(ids)
            gone = [i for i, row in zip(ids, rows, strict=True) if row is None]
            if gone:
                await self._client.zrem(self.keys.due, *gone)
        await self._run(
            "rerank", [(row.customer_id, _rerank(row, now_ms)) for row in rows if row is not None]
        )
        return len(ids)

    async def position(self) -> str:
        """The id of the newest entry in the log of changes."""
        return await self._log.position()

    async def changes(
        self, after: str | None = None, *, wait_s: float = 1.0
    ) -> AsyncGenerator[Sequence[Change], None]:
        """Batches of changes; each customer as it stands when its batch is read."""
        async for news in self._log.follow(after, wait_s=wait_s):
            with answering(self._where):
                rows = await self._rows([customer_id for _, customer_id in news.customers])
            batch = [] if news.reset is None else [Change(news.reset, None)]
            yield batch + [
                Change(place, row)
                for (place, _), row in zip(news.customers, rows, strict=True)
                if row is not None
            ]

    async def remove(self, customer_id: str) -> bool:
        """Forget one customer, its history included."""
        (found,) = await self._run("remove", [(customer_id, [customer_id, "1", str(STREAM_MAX)])])
        return bool(found)

    async def clear(self) -> None:
        """Forget all customers, each in one step; then tell the viewers."""
        head = self.keys.customer_head
        with answering(self._where):
            cursor = 0
            while True:
                cursor, keys = await self._client.scan(cursor, match=f"{head}*", count=1000)
                await self._forget([str(key).removeprefix(head) for key in keys])
                if cursor == 0:
                    break
            while True:
                cursor, chunk = await self._client.hscan(
                    self.keys.findable, cursor, count=_SCAN_ROWS
                )
                await self._forget([str(customer_id) for customer_id in chunk])
                if cursor == 0:
                    break
            await self._sweep()
        await self._log.reset()

    async def dump(self) -> Mapping[str, CustomerHealth]:
        """Every customer's current health by id."""
        found: dict[str, CustomerHealth] = {}
        cursor = 0
        with answering(self._where):
            while True:
                cursor, chunk = await self._client.hscan(
                    self.keys.findable, cursor, count=_SCAN_ROWS
                )
                ids = [str(customer_id) for customer_id in chunk]
                rows = await self._rows(ids)
                found.update((row.customer_id, row) for row in rows if row is not None)
                if cursor == 0:
                    return found

    async def problems(self) -> Sequence[str]:
        """Where rankings and rows contradict each other."""
        rows = await self.dump()
        with answering(self._where):
            return await problems_of(self._client, self.keys, rows)

    async def ping(self) -> None:
        """Return when Redis answers."""
        with answering(self._where):
            await self._client.ping()

    async def close(self) -> None:
        """Give back the connections."""
        await self._client.aclose()

    async def _forget(self, ids: Sequence[str]) -> None:
        await self._run("remove", [(each, [each, "0", "0"]) for each in ids])

    async def _sweep(self) -> None:
        """Delete what is left over where no customer is left, an older release's keys too."""
        left: list[str] = []
        cursor = 0
        while True:
            cursor, keys = await self._client.scan(cursor, match=f"{self.keys.base}*", count=1000)
            left += [str(key) for key in keys if key != self.keys.changes]
            if cursor == 0:
                break
        await self._evaluate("sweep", [([self.keys.findable, *sorted(set(left))], [])])

    async def _run(self, script: str, calls: Sequence[tuple[str, list[str]]]) -> list[Any]:
        """Run a script for many customers in one round trip; answers in order."""
        return await self._evaluate(script, [(self.keys.of(i), given) for i, given in calls])

    async def _evaluate(self, script: str, calls: Sequence[Call]) -> list[Any]:
        answers: list[Any] = [None] * len(calls)
        todo = list(range(len(calls)))
        with answering(self._where):
            while todo:
                if script not in self._sha:
                    self._sha[script] = await self._client.script_load(self._scripts[script])
                pipe = self._client.pipeline(transaction=False)
                for index in todo:
                    keys, given = calls[index]
                    pipe.evalsha(self._sha[script], len(keys), *keys, *given)
                for index, answer in zip(
                    todo, await pipe.execute(raise_on_error=False), strict=True
                ):
                    answers[index] = answer
                # A restarted Redis has forgotten the script: only what it refused is sent again.
                todo = [index for index in todo if isinstance(answers[index], NoScriptError)]
                if todo:
                    del self._sha[script]
            for answer in answers:
                if isinstance(answer, RedisError):
                    raise answer
        return answers

    async def _members(
        self, key: str, begin: Sequence[str], place: str | None, count: int
    ) -> list[str]:
        """The next members of an order that begin in one of these ways, merged."""
        pipe = self._client.pipeline(transaction=True)
        for prefix in begin:
            pipe.zrangebylex(key, *range_of(prefix, place), 0, count)
        # Strings compare by code point, which is the order of their UTF-8 bytes: Redis' own.
        merged = heapq.merge(*await pipe.execute(), key=place_of)
        return list(merged)[:count]

    async def _matching(self, ranking: Ranking, members: list[str], sought: str) -> list[str]:
        if not sought or not members:
            return members
        ids = [ranking.customer_id(member) for member in members]
        texts = await self._client.hmget(self.keys.findable, ids)
        return [
            member
            for member, text in zip(members, texts, strict=True)
            if text is not None and sought in text
        ]

    async def _rows(self, ids: Sequence[str]) -> list[CustomerHealth | None]:
        if not ids:
            return []
        pipe = self._client.pipeline(transaction=False)
        for customer_id in ids:
            pipe.hget(self.keys.customer(customer_id), "row")
        return [
            None if row is None else CustomerHealth.model_validate_json(row)
            for row in await pipe.execute()
        ]


def _rerank(row: CustomerHealth, now_ms: int) -> list[str]:
    ranking = ranking_of(Sort.ATTENTION)
    return [
        row.customer_id,
        str(row.epoch),
        str(row.sequence),
        str(now_ms),
        told(attention_of(row, now_ms).next_ms),
        str(RANKINGS.index(ranking) + 1),
        ranking.member(row, now_ms),
    ]
