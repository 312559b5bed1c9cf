"""A stricter card while all runs, on a real Kafka: nobody is messaged, and one summary is.

Worker and outreach are killed in the middle. What the summary says is held against
the transitions topic, each crossing counted once.
"""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

import histories
from partitionlog import SAAS, changed_card
from records import records_of
from schemas.activations import ActivationReport
from schemas.inbound import family_of
from schemas.scores import Transition
from schemas.topics import Topics
from servers.process import ServerProcess
from servers.vitals import WorkerServer, vitals
from servers.waiting import until, until_async
from streams.clock import SystemClock
from streams.sinks.recording import RecordingServer

pytestmark = pytest.mark.integration

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CUSTOMERS = 200
PARTITIONS = 4
#: At once red below 99, so that everybody crosses.
STRICT = changed_card(
    ('version: "1"', 'version: "2"'),
    ('red: {enter: "< 50", leave: ">= 56", hold: 1h}', 'red: {enter: "< 99", leave: ">= 99"}'),
    ('green: {enter: ">= 75", leave: "< 70"', 'green: {enter: ">= 99", leave: "< 99"'),
)


class Installation:
    """Topics, a worker, outreach with two sinks, a receiver; ended for certain."""

    def __init__(self, bootstrap: str, prefix: str, redis_url: str, folder: Path) -> None:
        self.bootstrap, self.topics = bootstrap, Topics(prefix)
        self.kafka = ("--bootstrap", bootstrap, "--prefix", prefix)
        self.redis_url, self.folder = redis_url, folder
        self.started: list[ServerProcess] = []
        count = str(PARTITIONS)
        done = vitals("topics", "--create", "--signals-partitions", count, *self.kafka)
        assert done.returncode == 0, done.stderr

    def worker(self) -> WorkerServer:
        """Few customers in a tick: the switch takes many of them."""
        first = self.folder / "first.yaml"
        first.write_text(SAAS)
        options = (
            "--scorecard",
            str(first),
            "--tick-customers",
            "7",
            "--session-timeout-s",
            "3",
            "--checkpoint-ms",
            "300",
        )
        made = WorkerServer(
            self.folder / f"worker{len(self.started)}", *self.kafka, "--redis", self.redis_url,
            *options,
        )  # fmt: skip
        self.started.append(made)
        return made.launch()

    def outreach(self, server: RecordingServer) -> ServerProcess:
        folder = self.folder / f"outreach{len(self.started)}"
        folder.mkdir()
        made = ServerProcess(
            "outreach",
            [
                sys.executable, "-m", "streams", "outreach", *self.kafka, "--no-console-sink",
                "--session-timeout-s", "3", "--data-dir", str(folder / "data"),
                "--webhook-url", server.webhook_url, "--webhook-secret", SECRET,
                "--slack-webhook-url", server.slack_url,
            ],
            folder,
        )  # fmt: skip
        self.started.append(made)
        made.start(lambda: True)
        return made

    def fill(self) -> None:
        producer = Producer({"bootstrap.servers": self.bootstrap})
        now_ms = SystemClock().now_ms()
        for number in range(CUSTOMERS):
            customer = f"c{number:03}"
            for event in histories.known(customer, now_ms - 60_000):
                body = event.model_dump(mode="json", exclude_none=True)
                if body["type"] == "account.created":
                    body |= {"name": f"Customer {number}", "mrr_minor": 100_00 * (number + 1),
                             "currency": "EUR"}  # fmt: skip
                topic = self.topics.source(family_of(event))
                producer.produce(topic, json.dumps(body).encode(), customer.encode())
        assert producer.flush(60) == 0

    def read(self, key: str) -> list[bytes]:
        """All records of a topic, up to its present end."""
        return [each.value() for each in records_of(self.bootstrap, self.topics.name(key))]

    def crossings(self) -> dict[str, Transition]:
        """Each crossed line once, by its id."""
        told = map(Transition.model_validate_json, self.read("transitions"))
        return {each.id: each for each in told}

    def everybody_has_a_band(self) -> bool:
        """Not as many crossings as customers: who is judged between two events crosses twice."""
        return len({each.data.customer_id for each in self.crossings().values()}) == CUSTOMERS

    def reports(self) -> list[ActivationReport]:
        return list(map(ActivationReport.model_validate_json, self.read("activations")))

    def repeat(self, report: ActivationReport) -> None:
        """As a worker does that died between rows and header: again, but for one customer all."""
        again = report.model_copy(update={"evaluated": 1, "crossings": (), "turned_red": ()})
        producer = Producer({"bootstrap.servers": self.bootstrap})
        producer.produce(self.topics.name("activations"), again.model_dump_json().encode())
        assert producer.flush(30) == 0

    def activate(self, text: str, version: str) -> None:
        path = self.folder / f"{version}.yaml"
        path.write_text(text)
        said = ("--author", "Dana", "--reason", "stricter")
        done = vitals("scorecard", "activate", str(path), *said, *self.kafka)
        assert done.returncode == 0, done.stderr


@pytest.fixture
async def installation(kafka: Any, topic_prefix: str, redis_url: str, tmp_path: Path) -> Any:
    made = Installation(kafka.bootstrap, topic_prefix, redis_url, tmp_path)
    yield made
    for process in made.started:
        process.stop()


def summaries(server: RecordingServer, sink: str) -> list[str]:
    """The ids of messages that a sink has taken."""
    return sorted(server.ledger(records=False)["ids"].get(sink, {}))


def changed(crossings: dict[str, Transition], version: str) -> Counter[tuple[str, str]]:
    return Counter(
        (str(each.data.before), str(each.data.after))
        for each in crossings.values()
        if each.data.scorecard.version == version and each.data.cause == "scorecard"
    )


async def test_a_stricter_card_makes_one_summary_and_no_other_message(
    installation: Installation,
) -> None:
    """Worker and outreach killed while it is counted; the same card again is told again."""
    async with RecordingServer(secret=SECRET, script=("503", "200")) as server:
        worker, outreach = installation.worker(), installation.outreach(server)
        installation.fill()
        assert until(installation.everybody_has_a_band, 120)
        assert not server.records  # the first bands message nobody

        installation.activate(STRICT, "2")
        assert until(lambda: any(r.outcome == "running" for r in installation.reports()), 60)
        worker.kill()
        outreach.kill()
        partly = installation.reports()
        installation.repeat(next(r for r in partly if r.outcome == "running"))
        worker, outreach = installation.worker(), installation.outreach(server)
        # It refuses the first attempt of each sink: the next kill falls between the attempts.
        assert await until_async(lambda: len(server.records) >= 1, 120)
        outreach.kill()
        outreach = installation.outreach(server)
        await server.until(lambda s: s.accepted("webhook") == s.accepted("slack") == 1, 120)

        crossings = installation.crossings()
        expected = changed(crossings, "2")
        assert expected.total() == CUSTOMERS
        [sent] = summaries(server, "webhook")
        assert summaries(server, "slack") == [sent.replace("webhook", "slack")]
        body = json.loads(next(r.body for r in server.records if r.sink == "webhook"))
        assert (body["type"], f"{body['id']}/webhook") == ("scorecard.applied", sent)
        data = body["data"]
        counted = {(c["before"], c["after"]): c["customers"] for c in data["crossings"]}
        assert counted == dict(expected)
        assert data["customers_changed"] == data["evaluated"] == CUSTOMERS
        assert [each["customer_id"] for each in data["turned_red"]] == [
            f"c{number:03}" for number in range(CUSTOMERS - 1, CUSTOMERS - 11, -1)
        ]
        assert f"{CUSTOMERS} customers changed band: {CUSTOMERS} to red" in data["text"]
        print(f"{len(partly)} reports before the kill, {len(installation.reports())} in all")
        assert data["evaluated"] < sum(
            r.evaluated for r in installation.reports()
        )  # one came twice

        listed = vitals("scorecard", "history", "--json", *installation.kafka).stdout.splitlines()
        effect = json.loads(listed[-1])["effect"]
        assert (effect["customers_changed"], effect["partitions_done"]) == (CUSTOMERS, PARTITIONS)

        installation.activate(SAAS, "1")
        installation.activate(STRICT, "2")
        await server.until(lambda s: s.accepted("webhook") >= 2, 120)
        assert all(i.startswith("scorecard/") for i in summaries(server, "webhook"))
        ids = server.ledger(records=False)["ids"]
        assert {counts["bodies"] for sink in ids.values() for counts in sink.values()} == {1}
        outreach.stop()
        assert worker.metric("health_decisions_refused_total") == 0


async def test_a_card_that_nobody_can_read_leaves_the_worker_and_its_card_alone(
    installation: Installation,
) -> None:
    """Nonsense, an unknown decision and a broken card on the control topic; then a good one."""
    async with RecordingServer(secret=SECRET) as server:
        worker = installation.worker()
        installation.outreach(server)
        installation.fill()
        assert until(installation.everybody_has_a_band, 120)
        producer = Producer({"bootstrap.servers": installation.bootstrap})
        broken = json.loads(installation.read("control")[0]) | {
            "text": "scorecard: [", "hash": "00", "version": "7", "first": False,
        }  # fmt: skip
        for value in (b"nonsense", b'{"type": "moon.full"}', json.dumps(broken).encode()):
            producer.produce(installation.topics.name("control"), value, partition=0)
        assert producer.flush(30) == 0
        await server.until(lambda s: s.accepted("webhook") == s.accepted("slack") == 1, 120)
        text = json.loads(next(r.body for r in server.records if r.sink == "webhook"))
        assert "b2b-saas 7 is refused: the one before stays active" in text["data"]["text"]
        assert worker.metric("health_decisions_refused_total") == 3
        told = vitals("scorecard", "history", *installation.kafka).stdout
        assert "[refused]" in told
        assert f"refused in {PARTITIONS} of {PARTITIONS} partitions" in told
        shown = vitals("scorecard", "show", *installation.kafka)
        assert shown.stdout == SAAS

        worker.stop()
        installation.worker()  # it starts, with all of that in the topic
        installation.activate(STRICT, "2")
        await server.until(lambda s: s.accepted("webhook") == 2, 120)
        assert changed(installation.crossings(), "2").total() == CUSTOMERS
