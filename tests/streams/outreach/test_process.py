"""``vitals outreach`` itself, on a real broker, with a receiver that remembers."""

import asyncio
import contextlib
import json
import re
import signal
import subprocess
import sys
import urllib.request
from collections import Counter

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from samples.activations import crossings, report
from samples.sources import decision
from samples.transitions import transition
from schemas.actions import Action, Delivery, Outcome
from schemas.dead_letters import DeadLetter
from schemas.scores import Cause
from servers.process import free_port
from servers.waiting import until_async
from streams.clock import SystemClock, from_ms
from streams.engine.topics import create_topics
from streams.exits import Exit
from streams.outreach.tally import tally
from streams.settings import Settings, child_environment
from streams.sinks.recording import RecordingServer

pytestmark = pytest.mark.integration

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PARTITIONS = 4
WAIT_S = 120  # waits end with what they wait for


class Installation:
    """Topics under a prefix, a receiver, and outreach processes that are ended for certain."""

    def __init__(self, bootstrap, prefix, folder, server):
        self.folder = folder
        self.server = server
        self.processes = []
        self.given = {
            "bootstrap": bootstrap,
            "prefix": prefix,
            "signals_partitions": str(PARTITIONS),
            "session_timeout_s": "2",
            "webhook_url": server.webhook_url,
            "webhook_secret": SECRET,
            "console_sink": "false",
            "data_dir": str(folder / "data"),
        }
        self.settings = Settings(
            bootstrap=bootstrap, prefix=prefix, signals_partitions=PARTITIONS, source_partitions=2
        )
        create_topics(self.settings)

    def start(self, **more):
        out = self.folder / f"out{len(self.processes)}.txt"
        process = subprocess.Popen(
            [sys.executable, "-m", "streams", "outreach"],
            stdout=out.open("wb"),
            stderr=(self.folder / f"err{len(self.processes)}.txt").open("wb"),
            env=child_environment(**{**self.given, **more}),
        )
        process.out = out
        self.processes.append(process)
        return process

    def cross(self, *transitions):
        """Write transitions as a worker does: keyed by customer, one partition each."""
        producer = Producer({"bootstrap.servers": self.given["bootstrap"]})
        for crossed in transitions:
            self._produce(producer, crossed.subject, crossed.model_dump_json())
        assert producer.flush(WAIT_S) == 0

    def cross_raw(self, customer, value):
        producer = Producer({"bootstrap.servers": self.given["bootstrap"]})
        self._produce(producer, customer, value)
        assert producer.flush(WAIT_S) == 0

    def report(self, *reports):
        """Write what partitions report about an activation."""
        producer = Producer({"bootstrap.servers": self.given["bootstrap"]})
        for each in reports:
            producer.produce(self.settings.topics.name("activations"), each.model_dump_json())
        assert producer.flush(WAIT_S) == 0

    def decide(self, decision):
        """Write to the control topic."""
        producer = Producer({"bootstrap.servers": self.given["bootstrap"]})
        producer.produce(self.settings.topics.name("control"), decision.model_dump_json())
        assert producer.flush(WAIT_S) == 0

    def _produce(self, producer, customer, value):
        topic = self.settings.topics.name("transitions")
        producer.produce(topic, value, customer, partition_of(customer))

    def read(self, key, enough):
        """All records of a topic, as soon as ``enough(records)``; deletions are none."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.given["bootstrap"],
                "group.id": "x",
                "enable.auto.commit": False,
            }
        )
        name = self.settings.topics.name(key)
        count = len(consumer.list_topics(name, WAIT_S).topics[name].partitions)
        consumer.assign([TopicPartition(name, n, 0) for n in range(count)])
        records, deadline = [], SystemClock().elapsed_s() + WAIT_S
        while not enough(records):
            assert SystemClock().elapsed_s() < deadline, f"{key}: only {len(records)} records"
            found = [r for r in consumer.consume(500, 0.2) if r.error() is None]
            records += [r for r in found if r.value() is not None]
        consumer.close()
        return records

    def final_lines(self, count):
        """The last line of each action, once ``count`` of them are final."""

        def last(records):
            lines = [Delivery.model_validate_json(r.value()) for r in records]
            return {line.action_id: line for line in lines}

        def enough(records):
            return sum(line.outcome.final for line in last(records).values()) >= count

        return last(self.read("deliveries", enough))


def partition_of(customer):
    return sum(customer.encode()) % PARTITIONS


def fresh(customer, sequence=1, **changes):
    return transition(customer, sequence, time_ms=SystemClock().now_ms(), **changes)


@pytest.fixture
async def installation(kafka, topic_prefix, tmp_path):
    async with RecordingServer(secret=SECRET) as server:
        made = Installation(kafka.bootstrap, topic_prefix, tmp_path, server)
        yield made
        for process in made.processes:
            process.kill()
            process.wait()


def _end(process, number=signal.SIGTERM):
    process.send_signal(number)
    return process.wait(timeout=5)


async def test_each_crossing_reaches_each_sink_once_and_history_reaches_none(installation):
    server = installation.server
    told = [fresh(f"c{n}") for n in range(6)]
    silent = [
        fresh("correction", cause=Cause.CORRECTION),
        fresh("first", cause=Cause.FIRST, before="unknown"),
        fresh("card", cause=Cause.SCORECARD),
        fresh("unknown", after="unknown"),
        transition("old"),
    ]
    installation.cross(*told, *silent, *told)  # a worker that crashed writes them again
    process = installation.start(slack_webhook_url=server.slack_url, console_sink="true")
    await server.until(lambda s: s.accepted("slack") == s.accepted("webhook") == 6, WAIT_S)
    lines = installation.final_lines(18)
    assert _end(process) == 0

    assert {line.outcome for line in lines.values()} == {Outcome.DELIVERED}
    assert sorted(lines) == sorted(
        f"{t.id}/{sink}" for t in told for sink in ("console", "slack", "webhook")
    )
    sent = [counts for ids in server.ledger()["ids"].values() for counts in ids.values()]
    assert sent == [{"attempts": 1, "accepted": 1, "bodies": 1}] * 12
    assert server.ledger()["refused"] == 0
    printed = process.out.read_text().splitlines()
    assert sorted(line.split()[0] for line in printed) == ["high"] * 6


async def test_n3_killed_in_the_middle_nothing_is_missing_and_nothing_has_two_effects(
    installation, rng
):
    server = installation.server
    crossings = [fresh(f"c{n}") for n in range(400)]
    expected = {f"{t.id}/webhook" for t in crossings}
    installation.cross(*crossings)
    kills = sorted(rng.sample(range(20, 380), 3))
    for at in kills:
        process = installation.start()
        await server.until(lambda s, at=at: s.accepted("webhook") >= at, WAIT_S)
        process.kill()
        process.wait()
        assert server.accepted("webhook") < len(expected), "the kill came too late to show anything"
    process = installation.start()
    await server.until(lambda s: s.accepted("webhook") == len(expected), WAIT_S)
    lines = installation.final_lines(len(expected))
    assert _end(process) == 0

    ids = server.ledger(records=False)["ids"]["webhook"]
    repeats = sum(counts["attempts"] - 1 for counts in ids.values())
    print(f"kills at {kills}: distinct {len(ids)}, repeated attempts {repeats}")
    assert set(lines) == expected
    assert {line.outcome for line in lines.values()} == {Outcome.DELIVERED}
    assert len(ids) == len(expected)
    assert {counts["bodies"] for counts in ids.values()} == {1}
    assert repeats <= 4 * len(kills)  # the webhook's sends at the same time, per kill


async def test_n4_a_frozen_process_that_wakes_adds_no_effect(installation):
    """Its partitions were given to another; what it had in hand is all that it may repeat."""
    server = installation.server
    crossings = [fresh(f"c{n}") for n in range(400)]
    installation.cross(*crossings)
    frozen = installation.start()
    await server.until(lambda s: s.accepted("webhook") >= 40, WAIT_S)
    frozen.send_signal(signal.SIGSTOP)
    assert server.accepted("webhook") < 400, "frozen too late to show anything"
    second = installation.start()
    await server.until(lambda s: s.accepted("webhook") == 400, WAIT_S)
    lines = installation.final_lines(400)
    frozen.send_signal(signal.SIGCONT)
    # In every partition: when these arrive, whoever owns it has read all that lay before.
    installation.cross(*(fresh(f"c{n}", 2) for n in range(40)))
    await server.until(lambda s: s.accepted("webhook") == 440, WAIT_S)
    codes = [_end(process) for process in (frozen, second)]

    ids = server.ledger(records=False)["ids"]["webhook"]
    assert set(lines) == {f"{t.id}/webhook" for t in crossings}
    assert len(ids) == 440
    assert {counts["bodies"] for counts in ids.values()} == {1}
    assert sum(counts["attempts"] - 1 for counts in ids.values()) <= 2 * 4
    assert codes[0] in (Exit.OK, Exit.OWNERSHIP_LOST)
    assert codes[1] == Exit.OK


async def test_a_source_that_stops_is_told_once_whoever_owns_the_partitions(installation):
    """A paused partition and its stall are one message; a restart adds none."""
    server = installation.server
    at = from_ms(SystemClock().now_ms())
    topic = installation.settings.topics.source("usage")
    installation.decide(decision("intake.paused", at=at, topic=topic, partition=1))
    installation.decide(decision("source.stalled", at=at, topic=topic))
    process = installation.start(slack_webhook_url=server.slack_url)
    await server.until(lambda s: s.accepted("slack") == s.accepted("webhook") == 1, WAIT_S)
    installation.final_lines(2)
    assert _end(process) == 0
    process = installation.start(slack_webhook_url=server.slack_url)
    installation.cross(fresh("c0"))
    await server.until(lambda s: s.accepted("slack") == s.accepted("webhook") == 2, WAIT_S)
    installation.decide(decision("source.stalled", at=at, topic=topic.replace("usage", "billing")))
    await server.until(lambda s: s.accepted("slack") == s.accepted("webhook") == 3, WAIT_S)
    lines = installation.final_lines(6)
    assert _end(process) == 0
    about = {key.rpartition("/")[0].rpartition("health.")[2] for key in lines if "source/" in key}
    assert about == {"usage.v1/1/0", "billing.v1/2"}
    ids = server.ledger(records=False)["ids"]
    assert {counts["attempts"] for sink in ids.values() for counts in sink.values()} == {1}


async def test_n7_a_restart_repeats_nothing_that_is_final(installation):
    server = installation.server
    installation.cross(*(fresh(f"c{n}") for n in range(40)))
    process = installation.start()
    await server.until(lambda s: s.accepted("webhook") == 40, WAIT_S)
    installation.final_lines(40)
    assert _end(process) == 0
    before = Counter(record.id for record in server.records)
    # One more crossing in each partition: when these arrive, all that lay before was read.
    installation.cross(*(fresh(f"c{n}", 2) for n in range(40)))
    process = installation.start()
    await server.until(lambda s: s.accepted("webhook") == 80, WAIT_S)
    assert _end(process, signal.SIGINT) == 0
    assert set(before.values()) == {1}
    assert {record.id for record in server.records} >= set(before)
    assert Counter(record.id for record in server.records).most_common(1)[0][1] == 1


async def test_d5_waiting_messages_survive_a_restart_though_the_outbox_was_acknowledged(
    installation,
):
    server = installation.server
    server.script = ("503", "503", "200")
    installation.cross(*(fresh(f"c{n}") for n in range(5)))
    process = installation.start()
    await server.until(lambda s: len(s.records) == 5, WAIT_S)
    waiting = installation.read(
        "deliveries",
        lambda records: (
            sum(Delivery.model_validate_json(r.value()).attempts == 1 for r in records) == 5
        ),
    )
    assert _end(process) == 0
    assert len(waiting) == 10
    process = installation.start()
    await server.until(lambda s: len(s.records) == 10, WAIT_S)  # 5 s later: the second attempts
    assert _end(process) == 0
    ids = server.ledger()["ids"]["webhook"]
    assert [counts["attempts"] for counts in ids.values()] == [2] * 5
    assert {counts["bodies"] for counts in ids.values()} == {1}


async def test_n11_a_dead_sink_delays_neither_the_others_nor_the_end(installation):
    server = installation.server
    async with RecordingServer(script=("slow",)) as dead:
        process = installation.start(slack_webhook_url=dead.slack_url)
        installation.cross(*(fresh(f"c{n}") for n in range(50)))
        await server.until(lambda s: s.accepted("webhook") == 50, WAIT_S)
        await dead.until(lambda s: len(s.records) == 1, WAIT_S)
        assert _end(process) == 0  # within 5 s, while Slack does not answer
        assert len(dead.records) == 1


async def test_two_processes_share_the_work_and_one_takes_over(installation):
    server = installation.server
    first, second = installation.start(), installation.start()
    installation.cross(*(fresh(f"c{n}") for n in range(100)))
    await server.until(lambda s: s.accepted("webhook") == 100, WAIT_S)
    assert _end(first) == 0
    installation.cross(*(fresh(f"c{n}", 2) for n in range(100)))
    await server.until(lambda s: s.accepted("webhook") == 200, WAIT_S)
    assert _end(second) == 0
    ids = server.ledger(records=False)["ids"]["webhook"]
    assert (len(ids), {counts["bodies"] for counts in ids.values()}) == (200, {1})


async def test_what_is_no_transition_is_a_dead_letter_and_the_next_one_is_told(installation):
    server = installation.server
    installation.cross_raw("c0", b"not json")
    installation.cross_raw("c0", b'{"id": "c0/1-1"}')
    installation.cross_raw("c0", None)
    installation.cross(fresh("c0"))
    process = installation.start()
    await server.until(lambda s: s.accepted("webhook") == 1, WAIT_S)
    letters = installation.read("dead_letters", lambda records: len(records) == 3)
    assert _end(process) == 0
    found = [DeadLetter.model_validate_json(letter.value()) for letter in letters]
    assert [(f.offset, f.reason) for f in found] == [(0, "not_json"), (1, "invalid"), (2, "empty")]
    assert {f.topic for f in found} == {installation.settings.topics.name("transitions")}


async def test_it_is_ready_when_it_owns_its_partitions_and_counts_what_it_does(installation):
    port = free_port()
    installation.cross(fresh("c0"), fresh("c1", cause=Cause.CORRECTION))
    process = installation.start(metrics_port=str(port))
    await installation.server.until(lambda s: s.accepted("webhook") == 1, WAIT_S)
    installation.final_lines(1)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
        assert json.load(answer) == {"status": "ready"}
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        metrics = answer.read().decode()
    assert _end(process) == 0
    assert 'health_actions_total{sink="webhook"} 1.0' in metrics
    assert 'health_actions_withheld_total{reason="cause_correction"} 1.0' in metrics
    assert 'health_deliveries_total{outcome="delivered",sink="webhook"} 1.0' in metrics


async def test_the_outbox_holds_all_that_a_send_needs(installation):
    crossed = fresh("c0")
    installation.cross(crossed)
    process = installation.start(public_url="https://vitals.example")
    await installation.server.until(lambda s: s.accepted("webhook") == 1, WAIT_S)
    [record] = installation.read("actions", lambda records: len(records) == 1)
    assert _end(process) == 0
    sent = Action.model_validate_json(record.value())
    assert (record.key(), record.partition()) == (b"c0", partition_of("c0"))
    assert sent.transition == crossed
    assert sent.message.link == "https://vitals.example/customers/c0"


async def test_killed_while_it_counts_an_activation_has_one_effect_in_each_sink(installation):
    """Also when the first attempts are refused, and several processes count at once."""
    server = installation.server
    server.script = ("503", "200")
    parts = [
        report(n, 5, at=from_ms(SystemClock().now_ms()), evaluated=9, crossings=crossings(red=2))
        for n in range(PARTITIONS)
    ]
    more = {"slack_webhook_url": server.slack_url}
    port = free_port()
    installation.report(*parts[:-1], *parts[:2])
    process = installation.start(metrics_port=str(port), **more)
    assert await until_async(lambda: _missing(port) == 1, WAIT_S)
    process.kill()
    process.wait()
    assert not server.records
    first, second = installation.start(**more), installation.start(**more)
    installation.report(parts[-1], parts[0])
    await server.until(lambda s: s.accepted("webhook") + s.accepted("slack") > 0, WAIT_S)
    first.kill()
    first.wait()
    await server.until(lambda s: s.accepted("webhook") == s.accepted("slack") == 1, WAIT_S)
    # In a thread: the receiver must go on, for the one that is left sends once more.
    lines = await asyncio.to_thread(installation.final_lines, 2)
    assert _end(second) == 0
    third = installation.start(**more)  # it counts anew, and finds in the log that all was told
    installation.cross(*(fresh(f"c{n}") for n in range(PARTITIONS)))
    await server.until(lambda s: s.accepted("webhook") == 1 + PARTITIONS, WAIT_S)
    assert _end(third) == 0

    [event] = [each.event() for each in tally(parts).values()]
    assert sorted(lines) == [f"{event.id}/slack", f"{event.id}/webhook"]
    assert {line.customer_id for line in lines.values()} == {None}
    ids = server.ledger(records=False)["ids"]
    told = {i: n for sink in ids.values() for i, n in sink.items() if i.startswith("scorecard/")}
    assert sorted(told) == sorted(lines)
    assert {counts["bodies"] for counts in told.values()} == {1}
    body = json.loads(next(r.body for r in server.records if r.sink == "webhook"))
    assert body["data"]["customers_changed"] == 2 * PARTITIONS


def _missing(port):
    """How many partitions' last reports it waits for; None while it is not up."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    except OSError:
        return None
    return float(re.search("^health_activation_reports_missing (.*)$", text, re.MULTILINE)[1])


def _run(**given):
    with contextlib.suppress(KeyError):
        given["bootstrap"] = given.pop("bootstrap")
    return subprocess.run(
        [sys.executable, "-m", "streams", "outreach"],
        env=child_environment(**given),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_a_broker_it_says_where_it_looked_and_what_to_do():
    port = free_port()
    ended = _run(bootstrap=f"127.0.0.1:{port}")
    assert ended.returncode == Exit.USAGE
    assert f"no Kafka broker answers at 127.0.0.1:{port}" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"webhook_url": "https://example.com/x"}, "at least one webhook signing secret"),
        ({"webhook_url": "example.com", "webhook_secret": SECRET}, "expected a webhook address"),
        ({"slack_webhook_url": "not-an-address"}, "expected a Slack incoming webhook"),
    ],
)
def test_a_wrong_sink_setting_is_named_and_no_secret_is_printed(given, said):
    ended = _run(**given)
    assert ended.returncode == Exit.USAGE
    assert said in ended.stderr
    assert SECRET not in ended.stderr + ended.stdout
    assert "Traceback" not in ended.stderr
