"""A run of Vitals in two parts: customers become known, then events of customers that are known.

Whoever is new is told for the first time, which costs more than to fold its events. There is no
stop between the parts, and all events are made before the clock runs.
"""

import time
from collections.abc import Iterable

from bench.contenders import Failed, Stand, tell
from bench.job import DAY_S, Oracle
from bench.load import Shape, encoded, events, first_events, producer_to, send, source
from bench.peers.ours import Ours, create_sources, measure, now_of, wrong_outputs
from bench.report import Measured
from servers.waiting import until

__all__ = ["FIRST", "KNOWN", "WHOLE", "two_parts"]

#: Every event makes a customer; the customers are known; both together.
FIRST, KNOWN, WHOLE = "first", "known", "whole"

#: Family, customer, event as bytes.
Records = list[tuple[str, str, bytes]]


def two_parts(
    stand: Stand, ours: Ours, shape: Shape, known_events: int, number: int
) -> dict[str, Measured]:
    """One run: its two parts, and both together; outputs are compared at its end."""
    prefix, now_s = f"{shape.name}.", time.time()
    oracle = Oracle(int(now_s) // DAY_S, shape.window_days)
    stand.say(
        f"  {ours.name}: making {shape.customers + known_events:,} events"
        f" of {shape.customers:,} customers"
    )
    first = _made(first_events(shape, now_s), oracle)
    good_first = oracle.good
    later = _made(events(known_events, shape, now_s), oracle)
    good_later = oracle.good - good_first
    create_sources(stand.bootstrap, [prefix])
    with ours.topics(stand, prefix, keep_sources=False):
        _put(stand, prefix, first)
        with ours.running(stand, prefix, f"{ours.name}{number}") as workers:
            first_s = measure(
                workers, good_first, with_view=True, rows=shape.customers, say=stand.say
            )
            stand.say(f"  {ours.name}: {len(first):,} first events in {first_s[0]:.1f} s")
            if not until(lambda: all(one.metric("health_partitions_owned") for one in workers)):
                raise Failed("a process was given no partition")
            # Before anything is sent: they read while it is.
            since = now_of(workers)
            _put(stand, prefix, later)
            known_s = measure(workers, good_later, with_view=True, say=stand.say, since=since)
            stand.say(f"  {ours.name}: {len(later):,} more in {known_s[0]:.1f} s")
        wrong = wrong_outputs(stand.bootstrap, prefix, oracle.scores())
    whole_s = first_s[0] + known_s[0], first_s[1] + known_s[1]
    found = {
        FIRST: Measured(len(first), *first_s, not wrong),
        KNOWN: Measured(len(later), *known_s, not wrong),
        WHOLE: Measured(len(first) + len(later), *whole_s, not wrong),
    }
    tell(stand, ours.name, found[WHOLE], wrong)
    return found


def _made(these: Iterable[tuple[str, str, dict]], oracle: Oracle) -> Records:
    records = [(family, key, encoded(event)) for family, key, event in these]
    for family, _, raw in records:
        oracle.take(family, raw)
    return records


def _put(stand: Stand, prefix: str, records: Records) -> None:
    producer = producer_to(stand.bootstrap)
    for family, key, raw in records:
        send(producer, source(prefix, family), raw, key)
    producer.flush(120)
