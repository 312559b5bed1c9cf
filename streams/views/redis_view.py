"""The view in Redis (6 or later).

All keys of an environment carry one hash tag, so that one script may touch
them in Redis Cluster as well. The script ``apply.lua`` compares (epoch,
sequence) and writes a customer's row, history, rankings and the log of changes
in one step: no reader ever sees a customer in two bands, and a row sent again
changes nothing. docs/view.md lists the keys.
"""

import heapq
from collections.abc import AsyncGenerator, Mapping, Sequence
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from schemas.scores import Band
from schemas.views import CustomerHealth, HistoryPoint
from streams.settings import Settings
from streams.views.base import (
    HISTORY_MAX,
    LIMIT_MAX,
    STREAM_MAX,
    Applied,
    Change,
    Page,
    Sort,
)
from streams.views.ranking import (
    BANDS,
    RANKINGS,
    cursor_of,
    findable,
    needle,
    place_of,
    ranges,
    ranking_of,
    read_cursor,
)
from streams.views.redis_changes import ChangeLog
from streams.views.redis_client import answering, connect, safe_url

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
        self.base = f"{prefix}vitals:{{{prefix}view}}:"
        self._changes_key = self.base + "changes"
        self._log = ChangeLog(client, self._changes_key, where)
        self._findable_key = self.base + "findable"
        self._ranking_keys = [f"{self.base}rank:{ranking.name}" for ranking in RANKINGS]
        self._scripts = {
            name: files("streams.views").joinpath(f"{name}.lua").read_text()
            for name in ("apply", "remove")
        }
        self._sha: dict[str, str] = {}

    async def apply(self, batch: Sequence[CustomerHealth]) -> Sequence[Applied]:
        """Take in rows, some hundreds a round trip."""
        answers: list[Applied] = []
        for start in range(0, len(batch), _BATCH_ROWS):
            calls = [(row.customer_id, _arguments(row)) for row in batch[start:][:_BATCH_ROWS]]
            answers += [Applied(answer) for answer in await self._run("apply", calls)]
        return answers

    async def customer(self, customer_id: str) -> CustomerHealth | None:
        """One customer's current health."""
        with answering(self._where):
            row = await self._client.hget(self._customer_key(customer_id), "row")
        return None if row is None else CustomerHealth.model_validate_json(row)

    async def history(self, customer_id: str, limit: int = HISTORY_MAX) -> Sequence[HistoryPoint]:
        """A customer's scores, newest first."""
        if limit < 1:
            return []
        with answering(self._where):
            points = await self._client.lrange(self._history_key(customer_id), 0, limit - 1)
        return [HistoryPoint.model_validate_json(point) for point in points]

    async def customers(
        self,
        *,
        limit: int = 50,
        cursor: str | None = None,
        band: Band | None = None,
        sort: Sort = Sort.ATTENTION,
        search: str = "",
    ) -> Page:
        """A page of customers; a search looks at 20,000 customers a page, at most."""
        limit = min(max(limit, 1), LIMIT_MAX)
        place = read_cursor(sort, cursor) if cursor else None
        sought = needle(search)
        found: list[str] = []
        examined = 0
        with answering(self._where):
            # One more than asked for tells whether there is a next page.
            while len(found) <= limit and examined < EXAMINED_MAX:
                chunk = _SCAN_ROWS if sought else limit + 1 - len(found)
                members = await self._members(sort, band, place, chunk)
                found += await self._matching(sort, members, sought)
                examined += len(members)
                if members:
                    place = place_of(sort, members[-1])
                if len(members) < chunk:
                    place = None
                    break
            if len(found) > limit:
                place = place_of(sort, found[limit - 1])
            ids = [ranking_of(sort).customer_id(member) for member in found[:limit]]
            rows = await self._rows(ids)
        items = tuple(row for row in rows if row is not None)
        return Page(items, None if place is None else cursor_of(sort, place))

    async def counts(self) -> Mapping[Band, int]:
        """How many customers each band holds."""
        with answering(self._where):
            pipe = self._client.pipeline(transaction=True)
            for rank in range(len(BANDS)):
                pipe.zlexcount(self._ranking_keys[0], f"[{rank}", f"({rank + 1}")
            return dict(zip(BANDS, await pipe.execute(), strict=True))

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
        head = f"{self.base}customer:"
        with answering(self._where):
            cursor = 0
            while True:
                cursor, keys = await self._client.scan(cursor, match=f"{head}*", count=1000)
                await self._forget([str(key).removeprefix(head) for key in keys])
                if cursor == 0:
                    break
            while True:
                cursor, chunk = await self._client.hscan(
                    self._findable_key, cursor, count=_SCAN_ROWS
                )
                await self._forget([str(customer_id) for customer_id in chunk])
                if cursor == 0:
                    break
            await self._forget([""])  # no customer: sweeps the rankings where none is left
        await self._log.reset()

    async def dump(self) -> Mapping[str, CustomerHealth]:
        """Every customer's current health by id."""
        found: dict[str, CustomerHealth] = {}
        cursor = 0
        with answering(self._where):
            while True:
                cursor, chunk = await self._client.hscan(
                    self._findable_key, cursor, count=_SCAN_ROWS
                )
                ids = [str(customer_id) for customer_id in chunk]
                rows = await self._rows(ids)
                found.update((row.customer_id, row) for row in rows if row is not None)
                if cursor == 0:
                    return found

    async def problems(self) -> Sequence[str]:
        """Where rankings and rows contradict each other."""
        rows = await self.dump()
        wrong: list[str] = []
        with answering(self._where):
            listed = await self._client.hlen(self._findable_key)
            if listed != len(rows):
                wrong.append(f"{listed} customers are listed, {len(rows)} have a row")
            for ranking, key in zip(RANKINGS, self._ranking_keys, strict=True):
                members = {str(member) for member in await self._client.zrange(key, 0, -1)}
                expected = {ranking.member(row) for row in rows.values()}
                for word, odd in (("lacks", expected - members), ("has", members - expected)):
                    wrong += [
                        f"{ranking.customer_id(each)}: ranking {ranking.name} {word} {each!r}"
                        for each in sorted(odd)
                    ]
        return wrong

    async def ping(self) -> None:
        """Return when Redis answers."""
        with answering(self._where):
            await self._client.ping()

    async def close(self) -> None:
        """Give back the connections."""
        await self._client.aclose()

    async def _forget(self, ids: Sequence[str]) -> None:
        await self._run("remove", [(each, [each, "0", "0"]) for each in ids])

    def _customer_key(self, customer_id: str) -> str:
        return f"{self.base}customer:{customer_id}"

    def _history_key(self, customer_id: str) -> str:
        return f"{self.base}history:{customer_id}"

    def _keys(self, customer_id: str) -> list[str]:
        return [
            self._customer_key(customer_id),
            self._history_key(customer_id),
            self._changes_key,
            self._findable_key,
            *self._ranking_keys,
        ]

    async def _run(self, script: str, calls: Sequence[tuple[str, list[str]]]) -> list[Any]:
        """Run a script for many customers in one round trip; answers in order."""
        answers: list[Any] = [None] * len(calls)
        todo = list(range(len(calls)))
        with answering(self._where):
            while todo:
                if script not in self._sha:
                    self._sha[script] = await self._client.script_load(self._scripts[script])
                pipe = self._client.pipeline(transaction=False)
                for index in todo:
                    keys = self._keys(calls[index][0])
                    pipe.evalsha(self._sha[script], len(keys), *keys, *calls[index][1])
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
        self, sort: Sort, band: Band | None, place: str | None, count: int
    ) -> list[str]:
        """The next members of an order, its bands merged."""
        key = self._ranking_keys[RANKINGS.index(ranking_of(sort))]
        pipe = self._client.pipeline(transaction=True)
        bounds = ranges(sort, band, place)
        for low, high in bounds:
            pipe.zrangebylex(key, low, high, 0, count)
        if not bounds:
            return []
        parts = await pipe.execute()
        # Strings compare by code point, which is the order of their UTF-8 bytes: Redis' own.
        merged = heapq.merge(
            *parts,
            key=lambda member: place_of(sort, member),
        )
        return list(merged)[:count]

    async def _matching(self, sort: Sort, members: list[str], sought: str) -> list[str]:
        if not sought or not members:
            return members
        ids = [ranking_of(sort).customer_id(member) for member in members]
        texts = await self._client.hmget(self._findable_key, ids)
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
            pipe.hget(self._customer_key(customer_id), "row")
        return [
            None if row is None else CustomerHealth.model_validate_json(row)
            for row in await pipe.execute()
        ]


def _arguments(row: CustomerHealth) -> list[str]:
    return [
        row.customer_id,
        str(row.epoch),
        str(row.sequence),
        row.model_dump_json(),
        HistoryPoint(
            at=row.changed_at,
            sequence=row.sequence,
            score=row.health.score,
            band=row.health.band,
            because=row.because,
        ).model_dump_json(),
        findable(row),
        str(HISTORY_MAX),
        str(STREAM_MAX),
        *(ranking.member(row) for ranking in RANKINGS),
    ]
