"""``vitals dead-letters`` on a real Kafka: from the refusal to the event that is counted."""

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from records import records_of
from schemas.dead_letters import DeadLetter
from schemas.inbound import Reason
from schemas.redrives import Redrive
from schemas.topics import Topics
from servers.vitals import WorkerServer, vitals
from servers.waiting import until
from streams.clock import SystemClock, from_ms
from streams.exits import Exit, NamedExit
from streams.reading.dead_letters import letters, read_again
from streams.reading.settling import Settler
from streams.reading.sources import sources
from streams.settings import Settings

pytestmark = pytest.mark.integration


class Night:
    """Topics with dead letters in them, and the command."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self.bootstrap, self.topics = bootstrap, Topics(prefix)
        self.settings = Settings(bootstrap=bootstrap, prefix=prefix)
        self.kafka = ("--bootstrap", bootstrap, "--prefix", prefix)
        self.usage = self.topics.source("usage")
        shape = ("--signals-partitions", "1", "--source-partitions", "1")
        done = vitals("topics", "--create", *shape, *self.kafka)
        assert done.returncode == 0, done.stderr

    def event(self, number: int) -> bytes:
        body = {
            "event_id": f"e{number}", "customer_id": f"c{number}", "source": "app", "user": "u",
            "occurred_at": from_ms(SystemClock().now_ms() - 60_000).isoformat(),
            "type": "usage.feature", "feature": "export",
        }  # fmt: skip
        return json.dumps(body).encode()

    def refuse(self, offset: int, raw: bytes, **changes: Any) -> str:
        """A dead letter, as intake writes it; its key."""
        one = DeadLetter(
            topic=changes.pop("topic", self.usage), partition=0, offset=offset,
            reason=Reason.UNKNOWN_TYPE, detail="said so", rejected_at=from_ms(1_770_000_000_000),
            raw_base64=base64.b64encode(raw).decode(), raw_bytes=changes.pop("size", len(raw)),
        )  # fmt: skip
        producer = Producer({"bootstrap.servers": self.bootstrap})
        name = self.topics.name("dead_letters")
        producer.produce(name, one.model_dump_json(), one.key)
        assert producer.flush(30) == 0
        return one.key

    def command(self, *arguments: str, code: int = 0) -> str:
        """Run it; what it prints."""
        done = vitals("dead-letters", *arguments, *self.kafka)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    def sent(self) -> list[bytes]:
        """What was redriven."""
        found = records_of(self.bootstrap, self.topics.source("redrive"))
        return [message.value() or b"" for message in found]

    def notes(self) -> dict[str, Redrive]:
        """What is noted."""
        found = records_of(self.bootstrap, self.topics.name("redrives"))
        return {
            (m.key() or b"").decode(): Redrive.model_validate_json(m.value() or b"") for m in found
        }


@pytest.fixture
def night(kafka: Any, topic_prefix: str) -> Night:
    return Night(kafka.bootstrap, topic_prefix)


@pytest.fixture
def worker(night: Night, redis_url: str, tmp_path: Path) -> Iterator[WorkerServer]:
    made = WorkerServer(
        tmp_path, *night.kafka, "--redis", redis_url, "--session-timeout-s", "2",
        "--checkpoint-ms", "200", "--progress-ms", "100",
    )  # fmt: skip
    yield made
    made.kill()


def test_twice_is_the_same_as_once(night: Night) -> None:
    raws = [night.event(n) for n in range(3)]
    keys = [night.refuse(n, raw) for n, raw in enumerate(raws)]
    cut = night.refuse(7, b"x" * 100, size=70_000)
    foreign = night.refuse(8, b"{}", topic=night.topics.name("transitions"))

    assert "3 would be redriven" in night.command("redrive", "--topic", "usage", "--dry-run")
    assert night.sent() == []
    night.command("drop", keys[2], "--because", "a test of ours", "--author", "dana", "--yes")
    said = night.command("redrive", "--all", "--yes", "--author", "dana")
    assert f"{cut}: not redriven: of its 70,000 bytes the first 100 were kept" in said
    assert f"{foreign}: not redriven: {night.topics.name('transitions')} is no source" in said
    assert "2 redriven" in said
    assert "0 redriven" in night.command("redrive", "--all", "--yes")
    said = night.command("redrive", *keys, "--yes")
    assert "redriven already" in said
    assert "dropped already" in said
    night.command("redrive", cut, "--yes", code=Exit.FAILED)

    assert sorted(night.sent()) == sorted(raws[:2])
    notes = night.notes()
    assert {key: note.outcome for key, note in notes.items()} == {
        keys[0]: "redriven", keys[1]: "redriven", keys[2]: "dropped",
    }  # fmt: skip
    rows = [json.loads(line) for line in night.command("list", "--json", "--all").splitlines()]
    states = {row["key"]: (row["state"], row["author"]) for row in rows}
    assert states[keys[0]] == ("redriven", "dana")
    assert states[cut] == ("open", None)
    shown = night.command("show", keys[0])
    assert '"customer_id": "c0"' in shown
    assert (notes[keys[0]].sent_to or "?") in shown


def test_who_is_not_at_a_terminal_is_not_asked(night: Night) -> None:
    night.refuse(0, night.event(0))
    done = vitals("dead-letters", "redrive", "--all", *night.kafka, input="y\n")
    assert done.returncode == Exit.USAGE
    assert "give --yes" in done.stderr
    assert night.sent() == []


async def _held(night: Night) -> Any:
    found = await letters(night.settings, lambda *_: None)
    return [one async for some in read_again(night.settings, found) for one in some]


def test_of_two_at_once_one_ends_and_nothing_is_sent_twice(night: Night) -> None:
    night.refuse(0, night.event(0))

    async def two() -> None:
        first = Settler(night.settings, "a", "first")
        await first.open()
        held = await _held(night)
        second = Settler(night.settings, "b", "second")
        await second.open()
        with pytest.raises(NamedExit, match="another `vitals dead-letters` began"):
            await first.redrive(held)
        await second.redrive(held)

    asyncio.run(two())
    assert len(night.sent()) == 1
    assert [note.author for note in night.notes().values()] == ["b"]


def test_killed_between_the_sending_and_the_note_nothing_is_there(night: Night) -> None:
    """What was begun is aborted by the next run, and that one sends it, once."""
    raw = night.event(0)
    key = night.refuse(0, raw)

    class _Dying:
        """A producer that is killed before it commits."""

        def __init__(self, producer: Any) -> None:
            self._producer = producer

        def __getattr__(self, name: str) -> Any:
            return _die if name == "commit_transaction" else getattr(self._producer, name)

    async def dies() -> None:
        settler = Settler(night.settings, "a", "first")
        await settler.open()
        held = await _held(night)
        settler._producer = _Dying(settler._producer)  # type: ignore[assignment]
        with pytest.raises(_Killed):
            await settler.redrive(held)

    asyncio.run(dies())
    assert (night.sent(), night.notes()) == ([], {})
    assert "1 redriven" in night.command("redrive", key, "--yes")
    assert night.sent() == [raw]
    assert night.notes()[key].author == "vitals dead-letters"


class _Killed(Exception):
    pass


def _die(*_: Any) -> None:
    raise _Killed


def test_a_redriven_event_is_counted_and_time_goes_on_behind_the_marker(
    night: Night, worker: WorkerServer
) -> None:
    """The last offset of the source is a transaction's marker: that is its end all the same."""
    worker.launch()
    night.refuse(0, night.event(0))
    bad = night.refuse(1, b"{still bad")
    night.command("redrive", "--all", "--yes")
    assert until(lambda: worker.metric("health_signals_total") == 1, 20), worker.tail()

    def at_end() -> bool:
        found = asyncio.run(sources(night.settings)).partitions
        return all(one.lag == 0 for one in found)

    assert until(at_end, 20), worker.tail()
    # The measure by which time passes: one offset short of the end, it would stand still.
    assert until(lambda: worker.metric("health_intake_lag_records") == 0, 20), worker.tail()
    rows = [json.loads(line) for line in night.command("list", "--json").splitlines()]
    (row,) = rows
    assert row["topic"] == night.topics.source("redrive")
    assert night.notes()[bad].sent_to == row["key"]
