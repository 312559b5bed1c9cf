"""What loads do to others: a sink that never answers, a customer with half of all events."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from confluent_kafka import Producer

from chaos.latency import latencies_of, percentile
from chaos.rebalances import generations_of
from chaos.run import at_rest, lag_of
from chaos.system import PARTITIONS, Feeder, System
from chaos.world import Sent, World
from records import records_of
from samples.transitions import transition
from schemas.actions import Delivery
from servers.waiting import until
from streams.clock import SystemClock
from streams.intake.routing import CustomerRouter

pytestmark = pytest.mark.soak

REST_S = 300
#: Crossings that lie before the sink while it is blocked, beside those of the events.
BACKLOG, EVENTS, PER_S = 20_000, 30_000, 500
#: A message that waits is held with all that its sending needs.
WAITING_BYTES_MAX = 20_000
#: Of the hot key: events, and customers besides it.
LOAD, RATE, CUSTOMERS = 50_000, 2_000, 1_000
LATENCY_MS_MAX = 20_000


def test_s14_a_sink_that_never_answers_holds_up_nobody(tmp_path: Path, seed: int) -> None:
    """Scoring goes on, no group is rebalanced, and what waits takes a bounded place each."""
    records = list(World(seed, EVENTS, 300, datetime.now(UTC)).records())
    with System(tmp_path, answer="slow") as system:
        assert system.ready(), system.workers[0].tail()
        groups = [system.topics.group_intake, system.topics.group_score,
                  system.topics.group_outreach]  # fmt: skip
        where = system.kafka.bootstrap
        assert until(lambda: set(groups) <= generations_of(where).keys(), 60)
        before, held = generations_of(where), _memory(system.outreach.pid)
        feeder = Feeder(where, system.topics, records, PER_S)
        feeder.start()
        _cross(system)
        assert until(lambda: not feeder.is_alive(), 600)
        assert until(lambda: at_rest(system), REST_S), "scoring waits for the sink"
        assert until(lambda: not _not_taken(system), REST_S), system.outreach.tail()
        waiting = _waiting(system)
        grown = _memory(system.outreach.pid) - held
        after, ledger = generations_of(where), system.ledger()
        accepted = sum(each["accepted"] for each in ledger.values())
        print(json.dumps({
            "events": len(records), "waiting": waiting, "attempted": len(ledger),
            "accepted": accepted, "outreach_mb": held >> 20, "grown_mb": grown >> 20,
            "bytes_each": grown // waiting,
            "generations": {group: after[group] - before[group] for group in groups},
        }, indent=1))  # fmt: skip
    assert accepted == 0
    assert waiting > BACKLOG
    assert grown < waiting * WAITING_BYTES_MAX
    assert [after[group] for group in groups] == [before[group] for group in groups]


def _memory(pid: int) -> int:
    """Bytes of a process that lie in memory."""
    told = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", told)
    assert found is not None
    return int(found[1]) * 1024


def _cross(system: System) -> None:
    producer = Producer({"bootstrap.servers": system.kafka.bootstrap})
    route, now_ms = CustomerRouter(PARTITIONS), SystemClock().now_ms()
    for number in range(BACKLOG):
        crossed = transition(f"w{number}", time_ms=now_ms)
        producer.produce(
            system.topics.name("transitions"), crossed.model_dump_json(), crossed.subject,
            route(crossed.subject),
        )  # fmt: skip
        producer.poll(0)
    assert producer.flush(60) == 0


def _not_taken(system: System) -> int:
    """Crossings and actions of which outreach has not made a line in its log."""
    group = system.topics.group_outreach
    names = [system.topics.name(key) for key in ("transitions", "actions")]
    return sum(lag_of(system, group, name, PARTITIONS) for name in names)


def _waiting(system: System) -> int:
    """Messages whose last line in the log is an intent."""
    last = {}
    for message in records_of(system.kafka.bootstrap, system.topics.name("deliveries")):
        value = message.value()
        if value is not None:
            last[message.key()] = Delivery.model_validate_json(value).outcome.final
    return sum(not final for final in last.values())


def test_s15_a_customer_with_half_of_all_events_delays_others_little(tmp_path: Path) -> None:
    """How long an event takes until it counts, in the partitions without that customer."""
    found = {}
    for name, hot in (("even", False), ("hot", True)):
        with System(tmp_path / name, workers=2) as system:
            assert system.ready(), system.workers[0].tail()
            feeder = Feeder(system.kafka.bootstrap, system.topics, list(_uses(hot=hot)), RATE)
            feeder.start()
            assert until(lambda feeder=feeder: not feeder.is_alive(), 600)
            assert until(lambda system=system: at_rest(system), REST_S)
            latencies = latencies_of(system.kafka.bootstrap, system.topics)
        its = CustomerRouter(PARTITIONS)("hot")
        assert sum(map(len, latencies.values())) == LOAD
        others = [ms for partition, each in latencies.items() if partition != its for ms in each]
        found[name] = {
            "events": {partition: len(each) for partition, each in sorted(latencies.items())},
            "others_ms": {percent: percentile(others, percent) for percent in (50, 99)},
            "its_ms": {percent: percentile(latencies[its], percent) for percent in (50, 99)},
        }
    print(json.dumps(found, indent=1))
    assert found["hot"]["others_ms"][99] < LATENCY_MS_MAX


def _uses(*, hot: bool) -> Iterator[Sent]:
    """Uses of many customers in turn; if one is hot, every other use is its own."""
    begin = datetime.now(UTC) - timedelta(hours=1)
    for number in range(LOAD):
        customer = "hot" if hot and number % 2 else f"c{number % CUSTOMERS:04}"
        body = {
            "event_id": str(number), "customer_id": customer, "source": "app",
            "occurred_at": (begin + timedelta(milliseconds=number)).isoformat(),
            "type": "usage.feature", "feature": f"f{number % 6}", "user": f"u{number % 3}",
        }  # fmt: skip
        yield Sent("usage", customer.encode(), json.dumps(body).encode())
