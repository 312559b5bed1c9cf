"""The view alone: score changes from their bytes into Redis, as the worker's feed does it.

First a change of each customer, then another one of each: with the small card of the narrow
scenario, and with the shipped one, whose changes are three times as long and in segments. What
the product's own fold told of some hundred customers is given the ids of all. CPU time is that of
this process, which does nothing else meanwhile, and that of Redis.
"""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from redis import Redis

from bench.contenders import cpu_s
from bench.load import Shape, encoded, events
from bench.scenario import Asked, Found, Say, Scenario, aim
from partitionlog import HOUR_MS, Log
from schemas.inbound import Rejection, parse
from schemas.scores import ScoreChanged
from schemas.views import CustomerHealth
from servers.redis_server import RedisServer
from streams.settings import Settings
from streams.views.plain_scores import PlainScores
from streams.views.redis_view import open_view

__all__ = ["VIEW"]

ROOT = Path(__file__).resolve().parents[3]
CARDS = {
    "small": ROOT / "tests" / "cards" / "bench.yaml",
    "shipped": ROOT / "deploy" / "scorecards" / "b2b-saas.yaml",
}
CUSTOMERS, DIFFERENT, EVENTS_EACH = 100_000, 300, 20
#: Records that the feed is handed at once in a backlog.
CHUNK = 2_000
CONTRACT_SAMPLE = 2_000
ROWS_PER_S_MIN, CPU_US_MAX = 9_000, 37.0


def run(folder: Path, asked: Asked, say: Say) -> Found:
    """Both cards, each with an empty Redis of its own."""
    customers = asked.customers or CUSTOMERS
    found: Found = {"scenario": "view", "customers": customers}
    for name, card in CARDS.items():
        say(f"{name} card: folding {DIFFERENT} customers")
        told = _told(card.read_text())
        with RedisServer.start(folder / name) as redis:
            found[name] = asyncio.run(_fed(redis, told, customers, say))
    first = found["small"]["first"]
    found["reach"] = {
        "small, first: rows/s": aim(first["rows_per_s"], at_least=ROWS_PER_S_MIN),
        "small, first: µs of worker CPU a row": aim(first["worker_us"], at_most=CPU_US_MAX),
    }
    return found


def _told(card_text: str) -> dict[str, list[Any]]:
    """The first and the second change of the different customers, as they were told."""
    log, now_ms = Log(card_text), time.time_ns() // 1_000_000
    shape = Shape(customers=DIFFERENT, uniform=True)
    read = [
        event
        for family, _, raw in events(DIFFERENT * EVENTS_EACH, shape, now_ms / 1000)
        if not isinstance(event := parse(family, encoded(raw)), Rejection)
    ]
    half = len(read) // 2
    for number, some in enumerate((read[:half], read[half:])):
        log.read(now_ms + number * HOUR_MS, *some)
        log.tick(now_ms + number * HOUR_MS)
    bodies = [msgspec.json.decode(out.body) for out in log.outputs if out.topic == "scores"]
    return {
        name: [body for body in bodies if body["data"]["sequence"] == sequence]
        for name, sequence in (("first", 1), ("again", 2))
    }


def _records(told: Sequence[Any], customers: int) -> list[bytes]:
    """One change of each customer."""
    found = []
    for number in range(customers):
        body = told[number % len(told)]
        name = f"c{number:07}"
        data = {**body["data"], "customer_id": name, "epoch": 1}
        body = {**body, "id": f"{name}/1-{data['sequence']}", "subject": name, "data": data}
        found.append(msgspec.json.encode(body))
    return found


async def _fed(redis: RedisServer, told: dict[str, list[Any]], customers: int, say: Say) -> Found:
    view, plain = open_view(Settings(redis=redis.url)), PlainScores()
    found: Found = {}
    try:
        for name, bodies in told.items():
            records = _records(bodies, customers)
            with Redis.from_url(redis.url) as client:
                client.config_resetstat()
                begun = time.monotonic(), time.process_time(), cpu_s(redis.pid)
                for start in range(0, customers, CHUNK):
                    rows = [plain.row(raw) for raw in records[start : start + CHUNK]]
                    if set(await view.apply(rows)) != {"applied"}:
                        raise AssertionError("a row was not new to an empty view")
                ended = time.monotonic(), time.process_time(), cpu_s(redis.pid)
                script = client.info("commandstats")["cmdstat_evalsha"]
            seconds, own_s, redis_s = (e - b for e, b in zip(ended, begun, strict=True))
            found[name] = {
                "change_bytes": round(sum(map(len, records)) / customers),
                "rows_per_s": round(customers / seconds),
                "worker_us": round(own_s / customers * 1e6, 1),
                "redis_us": round(redis_s / customers * 1e6, 1),
                "script_us": round(script["usec"] / customers, 1),
                "script_call_ms": round(script["usec_per_call"] / 1000, 2),
                "contract_us": _contract_us(records),
            }
            say(f"  {name}: {found[name]['rows_per_s']:,} rows/s")
    finally:
        await view.close()
    return found


def _contract_us(records: Sequence[bytes]) -> float:
    """What the contract alone would take of a change, until it is a row."""
    sample = records[:CONTRACT_SAMPLE]
    begun = time.process_time()
    for raw in sample:
        CustomerHealth.of(ScoreChanged.model_validate_json(raw))
    return round((time.process_time() - begun) / len(sample) * 1e6, 1)


VIEW = Scenario(
    "view", "score changes into Redis: rows a second, CPU time of a row here and there", run,
    rounds=1,
)  # fmt: skip
