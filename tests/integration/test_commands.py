"""A real worker on a real Kafka: good and bad records in, and the commands that look at them.

One worker serves the whole module. The tests run in the order in which they stand:
those that break the view or kill the worker come last.
"""

import json
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from confluent_kafka import Message, Producer

from records import records_of
from schemas.dead_letters import RAW_BYTES_MAX, DeadLetter
from schemas.scores import ScoreChanged
from schemas.topics import Topics
from servers.vitals import WorkerServer, vitals
from servers.waiting import until
from streams.clock import to_ms
from streams.intake.routing import partition_of
from streams.scorecards import read_card

pytestmark = pytest.mark.integration

REPO = Path(__file__).resolve().parents[2]
CARD = REPO / "deploy" / "scorecards" / "b2b-saas.yaml"
PARTITIONS = 3
CUSTOMERS = [f"customer-{n}" for n in range(24)]
#: Of this customer every event is looked for in the log.
WATCHED = CUSTOMERS[7]


def event(kind: str, customer: str | None, at: str, /, **fields: Any) -> dict[str, Any]:
    body = {
        "event_id": secrets.token_hex(8),
        "customer_id": customer,
        "occurred_at": at,
        "source": "app",
        "type": kind,
        **fields,
    }
    return {name: value for name, value in body.items() if value is not None}


def good_events(customer: str, now: datetime) -> dict[str, list[dict[str, Any]]]:
    """Events of all families, by topic."""

    def ago(days: float) -> str:
        return (now - timedelta(days=days)).isoformat()

    renewal = (now + timedelta(days=100)).isoformat()
    return {
        "accounts": [
            event("account.created", customer, ago(60), name=f"The {customer}", status="customer",
                  seats=4, mrr_minor=90_000, currency="EUR", owner="Dana", renewal_at=renewal),
        ],
        "usage": [
            event("usage.feature", customer, ago(day), feature=f"f{day % 4}", user=f"u{day % 3}")
            for day in range(1, 50)
        ],
        "tickets": [
            event("ticket.changed", customer, ago(9), ticket_id="t", change="opened",
                  priority="normal"),
            event("ticket.changed", customer, ago(8), ticket_id="t", change="solved",
                  first_response_s=1800, resolution_s=9000, satisfaction=1,
                  satisfaction_scale_max=1),
        ],
        "billing": [
            event("billing.changed", customer, ago(20), change="invoice_paid", invoice_id="i",
                  amount_minor=90_000, currency="EUR"),
            # A minor version nobody knows yet is read.
            event("billing.changed", customer, ago(5), change="payment_failed", invoice_id="j",
                  schema_version="1.7"),
        ],
        "engagement": [
            event("engagement.survey", customer, ago(10), survey="nps", score=9),
            event("engagement.contact", customer, ago(3), kind="call"),
            event("engagement.pulse", customer, ago(2), pulse="good", reason="met", author="Dana"),
        ],
        # Any family may come again here.
        "redrive": [event("usage.feature", customer, ago(0.5), feature="f9", user="u9")],
    }  # fmt: skip


def bad_records(now: datetime) -> list[tuple[str, str, bytes | None]]:
    """What is wrong, the reason that must be given, the record. All go into the usage topic."""
    at = now.isoformat()
    ok = event("usage.feature", "bad", at, feature="f", user="u")

    def but(**changes: Any) -> bytes:
        return json.dumps(ok | changes).encode()

    without = {name: value for name, value in ok.items() if name != "customer_id"}
    return [
        ("not JSON", "not_json", b"{not json"),
        ("not UTF-8", "not_json", b"\xff\xfe\x00"),
        ("not an object", "not_an_object", b"[1, 2]"),
        ("an unknown type", "unknown_type", but(type="usage.dreamt")),
        ("another family's type", "unknown_type", but(type="ticket.changed")),
        ("a field of the wrong type", "invalid", but(feature=7)),
        ("an unknown major version", "unknown_version", but(schema_version="9.0")),
        ("no customer", "missing_customer", json.dumps(without).encode()),
        ("a time without offset", "bad_time", but(occurred_at="2026-03-02T10:00:00")),
        ("a time in the future", "time_in_future", but(occurred_at="2126-03-02T10:00:00Z")),
        ("a time in the past", "time_too_old", but(occurred_at="1976-03-02T10:00:00Z")),
        ("two megabytes", "too_large", but(feature="x" * 2_000_000)),
        ("an empty value", "empty", b""),
        ("no value", "empty", None),
    ]


@dataclass
class Stand:
    """The worker, where it stands, and what was sent."""

    bootstrap: str
    prefix: str
    redis_url: str
    worker: WorkerServer
    bad: dict[str, tuple[str, str, bytes | None]] = field(default_factory=dict)
    good: int = 0

    @property
    def kafka(self) -> tuple[str, ...]:
        return ("--bootstrap", self.bootstrap, "--prefix", self.prefix)

    @property
    def both(self) -> tuple[str, ...]:
        return (*self.kafka, "--redis", self.redis_url)

    @property
    def topics(self) -> Topics:
        return Topics(self.prefix)

    def read(self, key: str) -> list[Message]:
        """All records of a topic by now."""
        return list(records_of(self.bootstrap, self.topics.name(key)))

    def changes(self) -> list[ScoreChanged]:
        return [ScoreChanged.model_validate_json(m.value() or b"") for m in self.read("scores")]


def send(stand: Stand, now: datetime) -> None:
    """Good and bad records, mixed in one topic; remember where the bad ones went."""
    producer = Producer({"bootstrap.servers": stand.bootstrap, "message.max.bytes": 3_000_000})
    bad = bad_records(now)

    def remember(what: tuple[str, str, bytes | None]) -> Any:
        def delivered(error: object, message: Message) -> None:
            assert error is None, error
            stand.bad[f"{message.topic()}/{message.partition()}/{message.offset()}"] = what

        return delivered

    for customer in CUSTOMERS:
        for family, events in good_events(customer, now).items():
            for one in events:
                topic = stand.topics.source(family)
                producer.produce(topic, json.dumps(one).encode(), customer)
                stand.good += 1
        if bad:
            what = bad.pop()
            producer.produce(stand.topics.source("usage"), what[2], on_delivery=remember(what))
    assert bad == []
    assert producer.flush(30) == 0


def has_settled(stand: Stand) -> bool:
    """All good events are in states, and every customer has a score in the view."""
    folded = stand.worker.metric("health_signals_total")
    if folded < stand.good:
        return False
    return {change.subject for change in stand.changes()} == set(CUSTOMERS) and (
        vitals("view", "verify", *stand.both).returncode == 0
    )


@pytest.fixture(scope="module")
def stand(
    kafka: Any, redis_server: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stand]:
    """Topics, a worker, and everything sent and settled."""
    prefix = f"t{secrets.token_hex(4)}.commands."
    redis_server.flush()
    address = ("--bootstrap", kafka.bootstrap, "--prefix", prefix)
    shape = ("--signals-partitions", str(PARTITIONS), "--source-partitions", "2")
    done = vitals("topics", "--create", *shape, *address)
    assert done.returncode == 0, done.stderr
    worker = WorkerServer(
        tmp_path_factory.mktemp("worker"), *address, "--redis", redis_server.url,
        "--progress-ms", "200", "--checkpoint-ms", "200", "--session-timeout-s", "3",
    )  # fmt: skip
    made = Stand(kafka.bootstrap, prefix, redis_server.url, worker.launch())
    try:
        send(made, datetime.now(UTC).replace(microsecond=0))
        assert until(lambda: has_settled(made)), worker.tail()
        yield made
    finally:
        worker.kill()


# -- what the worker did ------------------------------------------------------------------------


def test_s10_each_bad_record_is_one_dead_letter(stand: Stand) -> None:
    """By topic, partition and offset, with the reason, and the raw bytes up to the stated limit."""
    found = stand.read("dead_letters")
    letters = [DeadLetter.model_validate_json(message.value() or b"") for message in found]
    assert sorted(letter.key for letter in letters) == sorted(stand.bad)
    assert [message.key() for message in found] == [letter.key.encode() for letter in letters]
    for letter in letters:
        what, reason, raw = stand.bad[letter.key]
        assert letter.reason == reason, what
        assert letter.raw == (raw or b"")[:RAW_BYTES_MAX], what
        assert letter.raw_bytes == len(raw or b""), what
        assert letter.detail, what


def test_s10_nothing_valid_is_lost(stand: Stand) -> None:
    assert stand.worker.metric("health_signals_total") == stand.good
    last = {change.subject: change.data for change in stand.changes()}
    assert last.keys() == set(CUSTOMERS)
    for data in last.values():
        assert data.after.score is not None
        assert sum(line.points for line in data.after.contributions) == data.after.score
    # Everybody did the same, but not everybody was told at the same tick: what is not worth
    # telling keeps each of them closer than `at_least` to the one true score.
    scores = [data.after.score or 0 for data in last.values()]
    assert max(scores) - min(scores) < 2 * read_card(CARD)[0].emit_at_least


def test_t6_a_time_far_off_moves_no_clock(stand: Stand) -> None:
    for message in stand.read("scores"):
        change = ScoreChanged.model_validate_json(message.value() or b"")
        _, appended_ms = message.timestamp()
        assert to_ms(change.time) <= appended_ms


# -- vitals signals -----------------------------------------------------------------------------


def signals(stand: Stand, *options: str) -> list[dict[str, Any]]:
    done = vitals("signals", *stand.kafka, "--json", *options)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_signals_shows_a_customer_everything_that_concerns_them(stand: Stand) -> None:
    entries = signals(stand, "--customer", WATCHED)
    assert {entry["partition"] for entry in entries} == {partition_of(WATCHED, PARTITIONS)}
    shown = [signal for entry in entries for signal in entry.get("signals", ())]
    assert {signal["customer"] for signal in shown} == {WATCHED}
    kinds = {signal["kind"] for signal in shown}
    assert kinds == {"account", "feature", "ticket", "billing", "survey", "contact", "pulse"}
    assert len(shown) == stand.good / len(CUSTOMERS)
    (decision,) = [entry["decision"] for entry in entries if entry["kind"] == "control"]
    assert decision["type"] == "scorecard.activated"


def test_signals_shows_the_whole_log(stand: Stand) -> None:
    entries = signals(stand)
    assert {entry["kind"] for entry in entries} == {"block", "tick", "progress", "control"}
    for partition in range(PARTITIONS):
        offsets = [entry["offset"] for entry in entries if entry["partition"] == partition]
        assert offsets == list(range(len(offsets)))
    held = sum(entry.get("signals_in_block", 0) for entry in entries)
    assert held == sum(len(entry.get("signals", ())) for entry in entries) == stand.good


@pytest.mark.parametrize(
    ("options", "offsets"),
    [
        (("--from", "2", "--limit", "3"), [2, 3, 4]),
        (("--from", "beginning", "--limit", "2"), [0, 1]),
        (("--from", "end"), []),
        (("--from", "999999999"), []),
    ],
)
def test_signals_begins_where_it_is_told(
    stand: Stand, options: tuple[str, ...], offsets: list[int]
) -> None:
    entries = signals(stand, "--partition", "1", *options)
    assert [entry["offset"] for entry in entries] == offsets


def test_signals_shows_the_last_ones(stand: Stand) -> None:
    entries = signals(stand, "--partition", "1", "--from", "-3")
    first = entries[0]["offset"]
    assert [entry["offset"] for entry in entries] == [first, first + 1, first + 2]
    assert first > 5


def test_signals_follows_the_log_until_it_has_enough(stand: Stand) -> None:
    """Progress goes on being written: what is shown was not there when it began."""
    before = signals(stand, "--partition", "0", "--from", "-1")[-1]["offset"]
    entries = signals(stand, "--partition", "0", "--follow", "--kind", "progress", "--limit", "2")
    assert [entry["kind"] for entry in entries] == ["progress", "progress"]
    assert all(entry["offset"] > before for entry in entries)


def test_signals_ends_well_when_its_reader_goes_away(stand: Stand) -> None:
    command = [sys.executable, "-m", "streams", "signals", *stand.kafka, "--follow", "--from", "0"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*command, "--partition", "0"], **pipes) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        assert first.startswith("p0 @0 "), first or process.stderr.read()
        process.stdout.close()
        errors = process.stderr.read()
        assert (process.wait(60), errors) == (0, "")


def test_signals_ends_quietly_on_ctrl_c(stand: Stand) -> None:
    command = [sys.executable, "-m", "streams", "signals", *stand.kafka, "--follow", "--from", "-1"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("p")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors.strip()) == (130, "")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--partition", "9"), "the signals log has 3, 0 to 2"),
        (("--from", "5"), "--from OFFSET needs --partition"),
        (("--from", "soon"), "expected beginning, end, an offset"),
        (("--kind", "dream"), "--kind dream: there are block, tick, progress, control, account"),
    ],
)
def test_signals_refuses_what_makes_no_sense(
    stand: Stand, options: tuple[str, ...], says: str
) -> None:
    done = vitals("signals", *stand.kafka, *options)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_signals_names_a_topic_that_is_not_there(stand: Stand) -> None:
    done = vitals("signals", "--bootstrap", stand.bootstrap, "--prefix", "nobody.")
    assert done.returncode == 71
    assert "no topic nobody.health.signals.v1" in done.stderr


# -- vitals scorecard ---------------------------------------------------------------------------


def test_a_scorecard_is_activated_once_and_remembered(stand: Stand, tmp_path: Path) -> None:
    """Checked, appended, refused the second time, listed, shown; and customers are re-scored."""
    text = CARD.read_text()
    version = read_card(CARD)[0].version
    changed, versions = re.subn(r'^version: ".*"', 'version: "next"', text, flags=re.MULTILINE)
    changed, weights = re.subn(r"usage: (\d+), support: 20,", r"support: \1, usage: 20,", changed)
    assert (versions, weights > 0) == (1, True)
    card = tmp_path / "card.yaml"
    card.write_text(changed)
    said = ("--author", "Dana", "--reason", "support counts for more")

    first = vitals("scorecard", "activate", str(CARD), *stand.kafka, *said)
    assert first.returncode == 2
    assert "active since" in first.stderr

    done = vitals("scorecard", "activate", str(card), *stand.kafka, *said)
    assert done.returncode == 0, done.stderr
    assert "b2b-saas next" in done.stdout

    again = vitals("scorecard", "activate", str(card), *stand.kafka, *said)
    assert again.returncode == 2
    assert "Dana: support counts for more" in again.stderr
    forced = vitals("scorecard", "activate", str(card), *stand.kafka, *said, "--force")
    assert forced.returncode == 0

    listed = vitals("scorecard", "history", *stand.kafka, "--json").stdout.splitlines()
    assert [(e["author"], e["version"]) for e in map(json.loads, listed)] == [
        ("vitals worker", version), ("Dana", "next"), ("Dana", "next"),
    ]  # fmt: skip
    told = vitals("scorecard", "history", *stand.kafka).stdout
    assert "support counts for more" in told
    shown = vitals("scorecard", "show", *stand.kafka)
    assert (shown.stdout, shown.returncode) == (changed, 0)
    assert "by Dana" in shown.stderr

    def rescored() -> bool:
        last = {change.subject: change.data for change in stand.changes()}
        return all(data.scorecard.version == "next" for data in last.values())

    assert until(rescored), stand.worker.tail()
    causes = {c.data.cause for c in stand.changes() if c.data.scorecard.version == "next"}
    assert causes == {"scorecard"}


def test_a_wrong_scorecard_is_not_activated(stand: Stand, tmp_path: Path) -> None:
    """Every problem with its file and line, exit code 2, nothing appended."""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(CARD.read_text().replace("days_since(human_use)", "days_since(human_us)"))
    lines = enumerate(wrong.read_text().splitlines(), 1)
    line = next(n for n, text in lines if "human_us)" in text)
    before = len(stand.read("control"))
    for action in (("check",), ("activate", "--author", "a", "--reason", "r", *stand.kafka)):
        done = vitals("scorecard", *action, str(wrong))
        assert done.returncode == 2
        assert f"{wrong}:{line}: " in done.stderr
        assert "did you mean human_use?" in done.stderr
        assert "Traceback" not in done.stderr
    assert len(stand.read("control")) == before


# -- vitals view --------------------------------------------------------------------------------


def keys_of(stand: Stand) -> list[str]:
    with redis.Redis.from_url(stand.redis_url, decode_responses=True) as client:
        return sorted(client.keys(f"{stand.prefix}*"))


def test_n7_an_emptied_view_is_noticed_and_rebuilt(stand: Stand) -> None:
    assert vitals("view", "verify", *stand.both).returncode == 0
    with redis.Redis.from_url(stand.redis_url) as client:
        client.flushall()
    emptied = vitals("view", "verify", *stand.both, "--show", "5")
    assert emptied.returncode == 1
    assert "missing in the view" in emptied.stdout
    assert "... and 19 more" in emptied.stdout
    assert "24 differences over 24 customers" in emptied.stderr
    rebuilt = vitals("view", "rebuild", *stand.both)
    assert (rebuilt.returncode, rebuilt.stdout) == (0, "24 customers written\n"), rebuilt.stderr
    verified = vitals("view", "verify", *stand.both)
    assert verified.returncode == 0, verified.stdout
    assert verified.stdout == "24 customers: the view is equal to the rows\n"


def test_a_damaged_view_is_named_customer_by_customer(stand: Stand) -> None:
    """One row changed, one deleted, one that nobody wrote."""
    with redis.Redis.from_url(stand.redis_url, decode_responses=True) as client:
        (key,) = [k for k in keys_of(stand) if k.endswith(f"customer:{WATCHED}")]
        row = json.loads(client.hget(key, "row"))
        row["health"]["score"] -= 1
        client.hset(key, "row", json.dumps(row))
        (gone,) = [k for k in keys_of(stand) if k.endswith(f"customer:{CUSTOMERS[3]}")]
        client.delete(gone)
    damaged = vitals("view", "verify", *stand.both)
    assert damaged.returncode == 1
    assert f"{WATCHED}: score: expected {row['health']['score'] + 1}" in damaged.stdout
    assert f"{CUSTOMERS[3]}: missing in the view" in damaged.stdout
    assert vitals("view", "rebuild", *stand.both).returncode == 0
    assert vitals("view", "verify", *stand.both).returncode == 0


def test_view_says_when_redis_does_not_answer(stand: Stand) -> None:
    for action in ("verify", "rebuild"):
        done = vitals("view", action, *stand.kafka, "--redis", "redis://127.0.0.1:1/0")
        assert done.returncode == 2
        assert "Redis at redis://127.0.0.1:1/0 does not answer" in done.stderr
        assert "Traceback" not in done.stderr


# -- and after it was killed --------------------------------------------------------------------


def test_s1_a_killed_worker_goes_on_where_it_was(stand: Stand) -> None:
    """No second dead letter, no signal twice, the view equal to the rows."""
    letters = len(stand.read("dead_letters"))
    stand.worker.kill()
    stand.worker.launch()
    assert until(lambda: stand.worker.metric("health_partitions_owned") == PARTITIONS)
    producer = Producer({"bootstrap.servers": stand.bootstrap})
    late = event("usage.feature", "late", datetime.now(UTC).isoformat(), feature="f", user="u")
    account = event("account.created", "late", datetime.now(UTC).isoformat(), status="customer")
    producer.produce(stand.topics.source("accounts"), json.dumps(account).encode())
    producer.produce(stand.topics.source("usage"), json.dumps(late).encode())
    assert producer.flush(30) == 0
    assert until(lambda: "late" in {c.subject for c in stand.changes()}), stand.worker.tail()
    assert len(stand.read("dead_letters")) == letters
    bodies: dict[str, set[bytes]] = {}
    numbers: dict[str, set[tuple[int, int]]] = {}
    for message in stand.read("scores"):
        change = ScoreChanged.model_validate_json(message.value() or b"")
        bodies.setdefault(change.id, set()).add(message.value() or b"")
        numbers.setdefault(change.subject, set()).add((change.data.epoch, change.data.sequence))
    assert all(len(same) == 1 for same in bodies.values())
    for customer in CUSTOMERS:
        epoch = min(numbers[customer])[0]
        assert sorted(numbers[customer]) == [
            (epoch, n) for n in range(1, len(numbers[customer]) + 1)
        ]
    assert until(lambda: vitals("view", "verify", *stand.both).returncode == 0)


def test_o2_sigterm_stops_it_in_order(stand: Stand) -> None:
    process = stand.worker._process
    assert process is not None
    stand.worker.stop()
    assert process.returncode == 0, stand.worker.tail()
    assert vitals("view", "verify", *stand.both).returncode == 0
