"""The same events give the same scores: through a real Kafka, in any order, and through kills.

The reference is ``vitals replay`` of the same file; what is compared is the
exact health of every customer, to the hundredth, with its contributions and its
band, read from the changelog as a restoring worker would.
"""

import json
import os
import random
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from changelog import healths_of, ticked_to_ms
from records import records_of
from servers.vitals import WorkerServer, vitals
from servers.waiting import until

pytestmark = pytest.mark.integration

REPO = Path(__file__).resolve().parents[2]
AS_OF = "2025-01-01T00:00:00Z"
AS_OF_MS = 1_735_689_600_000
WEEK_S = "604800"
#: A card of fewer measures: the order of things is judged here, and the shipped one takes long.
CARD = str(REPO / "tests" / "cards" / "b2b-saas.yaml")
YEARS_S = "100000000"


@pytest.fixture(scope="module")
def ravenstack(tmp_path_factory) -> Path:
    """All five tables as events, in order of time."""
    data = Path(os.environ.get("VITALS_TEST_DATA", REPO.parent / "shared" / "data")) / "ravenstack"
    tables = sorted(str(path) for path in data.glob("ravenstack_*.csv*"))
    if not tables:
        pytest.skip("the RavenStack tables are not here (VITALS_TEST_DATA names their folder)")
    out = tmp_path_factory.mktemp("ravenstack") / "events.jsonl"
    mapping = str(REPO / "deploy" / "mappings" / "ravenstack.yaml")
    done = vitals("import", "--mapping", mapping, *tables, "--sort", "--out", str(out), "--quiet")
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def replayed(ravenstack, tmp_path_factory) -> dict:
    """What ``vitals replay`` makes of them."""
    out = tmp_path_factory.mktemp("replay") / "scores.json"
    arguments = ("--as-of", AS_OF, "--step-s", WEEK_S, "--json", str(out), "--quiet")
    done = vitals("replay", str(ravenstack), "--scorecard", CARD, *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text())


class Run:
    """One run of a file through a real Kafka, in event time."""

    def __init__(self, kafka, redis_url, prefix, directory: Path, *options: str) -> None:
        self.bootstrap, self.prefix = kafka.bootstrap, prefix
        self.customers = f"{prefix}health.customers.v1"
        self.common = ("--bootstrap", kafka.bootstrap, "--prefix", prefix)
        self.worker = WorkerServer(
            directory, *self.common, "--redis", redis_url, "--clock", "event", "--as-of", AS_OF,
            "--step-s", WEEK_S, "--disorder-s", YEARS_S, "--session-timeout-s", "2",
            "--scorecard", CARD, *options,
        )  # fmt: skip

    def feed(self, file: Path) -> None:
        """Create the topics and produce the file's events."""
        shape = ("--signals-partitions", "4", "--source-partitions", "3")
        done = vitals("topics", "--create", *shape, *self.common)
        assert done.returncode == 0, done.stderr
        done = vitals("import", "--mapping", "events", str(file), "--quiet", *self.common)
        assert done.returncode == 0, done.stderr

    def is_done(self) -> bool:
        """Whether time has come to its end, durably, in every partition."""
        return ticked_to_ms(self.bootstrap, self.customers) >= AS_OF_MS

    def rows_written(self) -> int:
        """How many records the changelog has had."""
        return sum(end for _, end in self._spans(self.customers).values())

    def scores(self) -> list[bytes]:
        """All records of the scores topic."""
        topic = f"{self.prefix}health.scores.v1"
        return [message.value() for message in records_of(self.bootstrap, topic)]

    def _spans(self, topic: str) -> dict[int, tuple[int, int]]:
        reader = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "r"})
        try:
            return {p: reader.get_watermark_offsets(TopicPartition(topic, p)) for p in range(4)}
        finally:
            reader.close()


def assert_equal(found: dict, expected: dict) -> None:
    """Customer by customer: score, band, letter, coverage, contributions."""
    assert found.keys() == expected.keys()
    for customer_id, health in expected.items():
        got = {name: found[customer_id][name] for name in health}
        assert json.loads(json.dumps(got)) == health, customer_id


def test_ravenstack_through_a_real_kafka_equals_replay(
    ravenstack, replayed, kafka, redis_url, topic_prefix, tmp_path
):
    """Item by item: five tables in, equal to the hundredth."""
    run = Run(kafka, redis_url, topic_prefix, tmp_path)
    run.feed(ravenstack)
    run.worker.launch()
    try:
        assert until(run.is_done, 180), run.worker.tail()
    finally:
        run.worker.stop()
    assert_equal(healths_of(run.bootstrap, run.customers, AS_OF_MS), replayed["customers"])
    assert len(replayed["customers"]) == 500


def test_the_shipped_card_knows_customers_without_surveys_and_users(ravenstack, tmp_path):
    """Use, tickets and bills are there, nothing of engagement: 90 % of them have a score."""
    lines = ravenstack.read_text().splitlines(keepends=True)
    some = sorted({json.loads(line)["customer_id"] for line in lines})[::5]
    events, out = tmp_path / "events.jsonl", tmp_path / "scores.json"
    events.write_text("".join(line for line in lines if json.loads(line)["customer_id"] in some))
    arguments = ("--as-of", AS_OF, "--step-s", WEEK_S, "--json", str(out), "--quiet")
    done = vitals("replay", str(events), *arguments)
    assert done.returncode == 0, done.stderr
    bands = [health["band"] for health in json.loads(out.read_text())["customers"].values()]
    assert len(bands) == 100
    assert bands.count("unknown") <= 10


@pytest.mark.soak
def test_s1_t2_shuffled_and_killed_four_times_equals_replay(
    ravenstack, replayed, kafka, redis_url, topic_prefix, tmp_path, seed
):
    """Disorder over two years, kill -9 in the middle: the same scores, the same outputs."""
    lines = ravenstack.read_text().splitlines(keepends=True)
    random.Random(seed).shuffle(lines)
    shuffled = tmp_path / "shuffled.jsonl"
    shuffled.write_text("".join(lines))
    # In small steps, often made durable: each life of the worker does a small part of the work.
    steps = ("--chunk-records", "100", "--tick-customers", "10", "--checkpoint-ms", "50")
    run = Run(kafka, redis_url, topic_prefix, tmp_path, *steps)
    run.feed(shuffled)
    landed = 0
    for _ in range(4):
        written = run.rows_written()
        run.worker.start(lambda: True)
        # As soon as a checkpoint was written: some of the work is durable, the rest is not.
        assert until(lambda written=written: run.rows_written() > written, 90), run.worker.tail()
        run.worker.kill()
        landed += not run.is_done()
    run.worker.launch()
    try:
        assert until(run.is_done, 180), run.worker.tail()
    finally:
        run.worker.stop()
    assert landed == 4, "the kills came when nothing was left to do"
    assert_equal(healths_of(run.bootstrap, run.customers, AS_OF_MS), replayed["customers"])
    bodies: dict[str, set[bytes]] = {}
    for body in run.scores():
        bodies.setdefault(json.loads(body)["id"], set()).add(body)
    assert all(len(same) == 1 for same in bodies.values()), "one id with two bodies"
    changes = [f"{c['customer_id']}/{c['epoch']}-{c['sequence']}" for c in replayed["changes"]]
    assert len(bodies) == len(changes)


@pytest.mark.soak
def test_replay_does_not_mind_the_order(ravenstack, replayed, tmp_path, seed):
    """The shuffled file, replayed with disorder allowed, gives the same customers and changes."""
    lines = ravenstack.read_text().splitlines(keepends=True)
    random.Random(seed).shuffle(lines)
    shuffled, out = tmp_path / "shuffled.jsonl", tmp_path / "scores.json"
    shuffled.write_text("".join(lines))
    arguments = ("--as-of", AS_OF, "--step-s", WEEK_S, "--disorder-s", YEARS_S)
    arguments += ("--scorecard", CARD, "--json", str(out), "--quiet")
    done = vitals("replay", str(shuffled), *arguments)
    assert done.returncode == 0, done.stderr
    again = json.loads(out.read_text())
    assert again["customers"] == replayed["customers"]

    def by_customer(changes):
        return sorted(changes, key=lambda c: (c["customer_id"], c["sequence"]))

    assert by_customer(again["changes"]) == by_customer(replayed["changes"])
