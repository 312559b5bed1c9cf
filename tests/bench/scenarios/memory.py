"""What a customer takes: resident in a worker, and in the changelog.

The shipped scorecard with all its measures; a customer was there on 60 days (the median). The
worker restores them all; what it holds then, less what one without customers holds, is the table,
the due-queue and the caches. What they take in the changelog is measured of different ones alone:
rows that are there twice would compress to nothing.
"""

import asyncio
import json
import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import aiokafka

from bench.contenders import Stand, create_topics
from bench.scenario import Asked, Found, Say, Scenario, aim, opened
from bench.settled import BATCH_BYTES, REQUEST_BYTES, Settled, fold_of, settle
from records import topic_bytes
from schemas.inbound import AnyEvent, InboundEvent
from scoring.row import is_customer
from servers.vitals import WorkerServer
from streams.engine.fencing import Fence, connector
from streams.scorecards import read_card, shipped_card

__all__ = ["MEMORY"]

CUSTOMERS = 1_000_000
DIFFERENT = 400
#: Of one partition and one checkpoint.
ROWS_AT_ONCE = 20
MEDIAN_DAYS, DAYS_MAX, SPREAD = 60, 400, 0.7
DAY_S = 86_400
RESIDENT_BYTES, CHANGELOG_BYTES = 3_000, 1_200
READY_S_MAX = 300.0


def run(folder: Path, asked: Asked, say: Say) -> Found:
    """An empty worker, and one that has restored them all."""
    customers = asked.customers or CUSTOMERS
    _, card = read_card(shipped_card())
    rng = random.Random(7)
    days = [round(MEDIAN_DAYS * rng.lognormvariate(0, SPREAD)) for _ in range(DIFFERENT)]
    active = [min(max(each, 1), DAYS_MAX) for each in days]
    with opened(folder, say) as stand:

        def made_of(prefix: str, count: int) -> Settled:
            events = (e for n in range(min(DIFFERENT, count)) for e in _history(n, active[n]))
            return asyncio.run(settle(stand.bootstrap, prefix, card, count, events, say))

        made_of("none.", 4)
        empty = _resident(stand, folder / "empty", "none.")
        say(f"a worker without customers: {empty / 1e6:,.0f} MB")
        rows = _different_rows(card, active)
        changelog, singly = (
            asyncio.run(_on_disk(stand, rows, at_once)) for at_once in (ROWS_AT_ONCE, 1)
        )
        say(f"a row on the broker's disk: {changelog:,} bytes, {singly:,} if written alone")
        made = made_of("memory.", customers)
        full = _resident(stand, folder / "full", "memory.")
        say(f"with {made.customers:,}: {full / 1e6:,.0f} MB")
    resident = round((full - empty) / made.customers)
    longest, _ = fold_of(0, card, [list(_history(0, DAYS_MAX))])
    return {
        "scenario": "memory", "rounds": 1, "customers": made.customers,
        "median_active_days": median(active), "empty_worker_mb": round(empty / 1e6),
        "worker_mb": round(full / 1e6),
        "resident_bytes_per_customer": resident,
        "changelog_bytes_per_customer": changelog,
        "changelog_bytes_of_a_row_alone": singly,
        "row_bytes_per_customer": round(made.row_bytes / made.customers),
        "row_bytes_with_400_days": len(longest.rows[b"m0"]),
        "reach": {
            "resident_bytes_per_customer": aim(resident, at_most=RESIDENT_BYTES),
            "changelog_bytes_per_customer": aim(changelog, at_most=CHANGELOG_BYTES),
        },
    }  # fmt: skip


def _different_rows(card: str, active: Sequence[int]) -> list[tuple[bytes, bytes]]:
    fold, _ = fold_of(0, card, [list(_history(n, days)) for n, days in enumerate(active)])
    return [(key, row) for key, row in fold.rows.items() if is_customer(key)]


async def _on_disk(stand: Stand, rows: Sequence[tuple[bytes, bytes]], at_once: int) -> int:
    """Bytes of a row in the changelog's segments, so many written in each transaction."""
    topic, options = f"rows-{at_once}", {"bootstrap_servers": stand.bootstrap}
    create_topics(stand.bootstrap, [topic])
    fence = Fence(topic, connector(options, BATCH_BYTES, REQUEST_BYTES))
    plain = aiokafka.AIOKafkaProducer(**options)
    await plain.start()
    try:
        await fence.take([0], set(), plain)
        for begin in range(0, len(rows), at_once):
            await fence.write({0: rows[begin : begin + at_once]})
    finally:
        await fence.close()
        await plain.stop()
    return round(topic_bytes(stand.folder / "kafka", topic) / len(rows))


def _resident(stand: Stand, directory: Path, prefix: str) -> int:
    """Bytes of a worker that has just become ready from an empty disk."""
    worker = WorkerServer(
        directory, "--bootstrap", stand.bootstrap, "--prefix", prefix, "--redis", stand.redis
    )
    worker.start(lambda: worker.get("/readyz") is not None, READY_S_MAX)
    try:
        lines = Path(f"/proc/{worker.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) * 1024
    finally:
        worker.kill()


def _history(number: int, active_days: int) -> Iterator[InboundEvent]:
    """A customer that is there on so many days: three in four, up to yesterday."""
    rng, name = random.Random(number), f"m{number}"
    today_s = time.time() // DAY_S * DAY_S
    span = min(max(active_days * 4 // 3, 30), DAYS_MAX)
    seats = rng.randrange(3, 40)
    count = 0

    def event(day: int, kind: str, **fields: Any) -> InboundEvent:
        nonlocal count
        count += 1
        at = datetime.fromtimestamp(today_s - day * DAY_S + rng.randrange(DAY_S), UTC)
        body = {
            "event_id": f"{name}-{count}", "customer_id": name, "source": "app",
            "occurred_at": at.isoformat(), "type": kind, **fields,
        }  # fmt: skip
        return AnyEvent.validate_json(json.dumps(body))

    yield event(span, "account.created", name=name, status="customer", seats=seats)
    for day in sorted(rng.sample(range(1, span + 1), min(active_days, span)), reverse=True):
        for _ in range(rng.randrange(1, 6)):
            yield event(
                day, "usage.feature", feature=f"f{rng.randrange(10)}", duration_s=60,
                user=f"{name}-{rng.randrange(seats)}",
            )  # fmt: skip
        if rng.random() < 0.07:
            ticket = f"t{count}"
            for change in ("opened", "answered", "solved"):
                yield event(
                    day, "ticket.changed", ticket_id=ticket, change=change, priority="normal"
                )
    for day in range(span, 0, -30):
        for change in ("invoice_issued", "invoice_paid"):
            yield event(day, "billing.changed", invoice_id=f"i{day}", change=change)


MEMORY = Scenario(
    "memory", "1,000,000 customers, the shipped scorecard: bytes resident and in the changelog",
    run, rounds=1,
)  # fmt: skip
