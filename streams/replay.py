"""Score files without a broker: the same fold, in event time.

Lines are events of any family, as JSON. Time is moved by the events: customers
are evaluated at fixed instants (midnight UTC, unless the step says otherwise)
behind the youngest event so far, and once more at the end. The order of lines
within the stated disorder changes nothing.
"""

import gzip
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BufferedReader
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from schemas.control import PercentilesTaken, ScorecardActivated
from schemas.dead_letters import DeadLetter
from schemas.inbound import FAMILIES, Rejection, family_of, parse
from schemas.signals import ROLLUP, Block, ControlCopy, Progress, Signal
from schemas.topics import Topics
from scoring.card import Card
from scoring.emission import exact
from scoring.evaluate import assess
from scoring.outputs import Output, health_of
from scoring.partition import FoldPolicy, PartitionFold, TickMode
from scoring.signals import signal_of
from streams.clock import from_ms
from streams.exits import Exit, NamedExit
from streams.intake.plain_events import PlainEvents
from streams.scorecards import load_card

__all__ = ["Replay", "Result", "Said", "event_in", "final_health", "lines_of"]

BLOCK_LINES = 1000
GZIP_MAGIC = b"\x1f\x8b"
#: Lines are read so many bytes at a time; of a file, and of what comes out of a gzipped one.
READ_BYTES = 1 << 20

#: What a line says: the topic it would lie in, who says it, and its signal (``source_ix`` 0).
Said = tuple[str, str, Signal]
_TOPICS = {family: Topics().source(family) for family in FAMILIES}
_USAGE = _TOPICS["usage"]
_WORDS = ((b"ticket.changed", "tickets"), (b"billing.changed", "billing"))
_AT_MS = itemgetter(1)


@dataclass
class Result:
    """What a replay found."""

    events: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    first_rejections: list[str] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    customers: dict[str, dict[str, Any]] = field(default_factory=dict)
    as_of_ms: int = 0
    duplicates: int = 0


class Replay:
    """Folds events one after the other; ``finish`` makes the last evaluation.

    ``percentiles`` are what percentile measures compare with from the beginning; without
    them these have no data.
    """

    def __init__(
        self,
        card_text: str,
        *,
        step_ms: int,
        disorder_ms: int,
        as_of_ms: int | None,
        percentiles: PercentilesTaken | None = None,
    ) -> None:
        self.card: Card = load_card(card_text)
        self.result = Result()
        self._step_ms = step_ms
        self._disorder_ms = disorder_ms
        self._as_of_ms = as_of_ms
        self._latest_ms = -1
        self._fold = PartitionFold(
            0,
            {},
            FoldPolicy(load_card, TickMode.EVENT, step_ms, as_of_ms, source="/vitals/replay"),
        )
        self._fold.apply(0, 0, _activation(self.card, card_text, 0, 0))
        if percentiles is not None:
            self._apply(ControlCopy(1, percentiles.model_dump_json().encode()))
        self._open: dict[str, tuple[list[Signal], dict[str, int]]] = {}
        self._waiting = 0

    def read(self, paths: Sequence[Path], progress: Callable[[int], None] = lambda _: None) -> None:
        """Fold the lines of files; ``progress`` hears of bytes read (compressed ones)."""
        plain, fold = PlainEvents(), self._fold_in
        read_usage = plain.usage.read
        for line, path, number in lines_of(paths, progress):
            found = read_usage(line, 0)  # most lines: the way through event_in costs them a tenth
            if found is None:
                self.take(event_in(line, plain), path, number)
            else:
                fold(_USAGE, *found)

    def take(self, said: Said | Rejection, path: Path | str, number: int = 0) -> None:
        """Fold what :func:`event_in` made of a line; the place stands in a rejection's message."""
        if isinstance(said, Rejection):
            self._reject(str(said.reason), f"{path}:{number}: {said.reason}: {said.detail}")
        else:
            topic, source, signal = said
            self._fold_in(topic, source, [*signal])  # two replays may take the same

    def _fold_in(self, topic: str, source: str, signal: Signal) -> None:
        opened = self._open.get(topic)
        if opened is None:
            opened = self._open[topic] = ([], {})
        signals, sources = opened
        result = self.result
        result.events = signal[0] = result.events + 1
        signal[3] = sources.setdefault(source, len(sources))
        signals.append(signal)
        self._waiting += 1
        if self._waiting >= BLOCK_LINES:
            self._flush()
            # Strictly behind the youngest event: others of the same instant may follow.
            self._advance(self._latest_ms - self._disorder_ms - 1)

    def _flush(self) -> None:
        for topic, (signals, sources) in self._open.items():
            youngest_ms = max(map(_AT_MS, signals))
            self._latest_ms = max(self._latest_ms, youngest_ms)
            self._apply(Block(topic, 0, list(sources), signals))
        self._open = {}
        self._waiting = 0

    def _advance(self, read_to_ms: int) -> None:
        if read_to_ms < 0:
            return
        self._apply(Progress({"files/0": read_to_ms}))
        while ticks := self._fold.ticks(read_to_ms, 10**9):
            for tick in ticks:
                for output in self._apply(tick):
                    if output.topic == "scores":
                        self.result.changes.append(_change(output.body))

    def _apply(self, record: Any) -> list[Output]:
        """Apply a record; what accounts tell each other because of it is heard at once."""
        found = self._fold.apply(self._fold.header.position, 0, record)
        for output in found:
            if output.topic == "dead_letters":
                self._refused(output.body)
        told = [msgspec.msgpack.decode(one.body) for one in found if one.topic == "signals"]
        return found + self._apply(Block(ROLLUP, 0, [ROLLUP], told)) if told else found

    def _refused(self, body: bytes) -> None:
        """Count an account's parent that is refused, as intake's refusals are."""
        letter = DeadLetter.model_validate_json(body)
        self._reject(letter.reason, letter.detail)

    def _reject(self, reason: str, told: str) -> None:
        reasons = self.result.rejected
        reasons[reason] = reasons.get(reason, 0) + 1
        if len(self.result.first_rejections) < 5:
            self.result.first_rejections.append(told)

    def switch(self, text: str) -> list[dict[str, Any]]:
        """Activate another card at the end, as ``vitals scorecard activate`` does it.

        To be called after :meth:`finish`. The changes that it makes at once; those that
        wait for a hold are :meth:`pending` then.

        Raises:
            NamedExit: exit code 2, if the card is wrong.
        """
        known = len(self.result.changes)
        self._apply(_activation(load_card(text), text, 2, self.result.as_of_ms))
        self._advance(self.result.as_of_ms)
        return self.result.changes[known:]

    def pending(self) -> dict[str, tuple[str, str]]:
        """The customers that wait for the end of a hold: the band they are in, and the next."""
        found = {}
        for customer_id in sorted(self._fold.customers()):
            customer = self._fold.customer(customer_id)
            if customer is not None and customer.past.standing.pending is not None:
                standing = customer.past.standing
                found[customer_id] = (str(standing.band), str(standing.pending))
        return found

    def finish(self) -> Result:
        """Evaluate everybody at ``as_of``, or at the first fixed instant after the last event."""
        self._flush()
        as_of_ms = self._as_of_ms
        if as_of_ms is None:
            as_of_ms = -(-max(self._latest_ms, 0) // self._step_ms) * self._step_ms
        self._advance(as_of_ms)
        self.result.as_of_ms = as_of_ms
        self.result.duplicates = self._fold.counts.duplicates
        for customer_id in sorted(self._fold.customers()):
            health = final_health(self._fold, customer_id, as_of_ms)
            if health is not None:
                self.result.customers[customer_id] = health
        return self.result


def event_in(line: bytes, plain: PlainEvents | None = None) -> Said | Rejection:
    """What an event of any family in a line says, or why it is none.

    With ``plain`` what is plain is read the short way, as intake does it.
    """
    if plain is not None:
        # A guess, so that few are tried: each of them looks at the type itself.
        family = next((family for word, family in _WORDS if word in line), "usage")
        found = plain.reader(family)(line, 0)
        if found is not None:
            return _TOPICS[family], *found
    event = parse("redrive", line)
    if isinstance(event, Rejection):
        return event
    return _TOPICS[family_of(event)], event.source, signal_of(event, 0, 0)


def final_health(fold: PartitionFold, customer_id: str, now_ms: int) -> dict[str, Any] | None:
    """A customer's exact health at an instant; None if nothing of it was told so far."""
    customer, card = fold.customer(customer_id), fold.card
    if card is None or customer is None or customer.emitted is None:
        return None
    moment = fold.moment(customer, now_ms)
    assessment = assess(customer.state, customer.past, card, moment, customer.sums)
    emitted = exact(customer.emitted, assessment, card)
    health = health_of(emitted, card)
    return {
        "name": customer.state.fact("name"),
        "score": health["score"],
        "band": health["band"],
        "letter": health["letter"],
        "coverage": emitted.coverage_ppm / 1_000_000,
        "contributions": health["contributions"],
        "overrides": health["overrides"],
        "because": emitted.because,
    }


class _Score(msgspec.Struct):
    score: int | None
    band: str
    letter: str | None
    coverage_ppm: int


class _Data(msgspec.Struct):
    customer_id: str
    epoch: int
    sequence: int
    cause: str
    before: _Score | None
    after: _Score
    delta: int | None
    movers: list[dict[str, Any]]
    because: str


class _ScoreChange(msgspec.Struct):
    """Of a score change what is kept: its lines, which are most of it, are passed over."""

    time: str
    data: _Data


_read_change = msgspec.json.Decoder(_ScoreChange).decode


def _change(body: bytes) -> dict[str, Any]:
    """A score change in short: what moved, from where to where. The lines stay behind."""
    event = _read_change(body)
    data = event.data
    before, after = data.before, data.after
    return {
        "customer_id": data.customer_id,
        "at": event.time,
        "epoch": data.epoch,
        "sequence": data.sequence,
        "cause": data.cause,
        "score_before": None if before is None else before.score,
        "score_after": after.score,
        "band_before": None if before is None else before.band,
        "band_after": after.band,
        "letter": after.letter,
        "coverage": after.coverage_ppm / 1_000_000,
        "delta": data.delta,
        "movers": data.movers,
        "because": data.because,
    }


def _activation(card: Card, text: str, number: int, at_ms: int) -> ControlCopy:
    """The decision to score with a card; ``number`` is its place among the decisions."""
    decision = ScorecardActivated(
        at=from_ms(at_ms),
        author="replay",
        reason="replay",
        name=card.name,
        version=card.version,
        hash=card.hash,
        text=text,
    )
    return ControlCopy(number, decision.model_dump_json().encode())


def lines_of(
    paths: Sequence[Path], progress: Callable[[int], None] = lambda _: None
) -> Iterator[tuple[bytes, Path, int]]:
    """The lines of files that are not empty, each with its file and its number there from 1.

    ``progress`` hears of bytes read (compressed ones).

    Raises:
        NamedExit: exit code 2, if a file cannot be read.
    """
    for path in paths:
        for number, line in enumerate(_lines(path, progress), 1):
            if not line.isspace():
                yield line, path, number


def _lines(path: Path, progress: Callable[[int], None]) -> Iterator[bytes]:
    """The lines of a file, gzipped or not; - is standard input."""
    try:
        with _opened(path) as raw:
            gzipped = raw.peek(2)[:2] == GZIP_MAGIC
            stream: BinaryIO | gzip.GzipFile = gzip.GzipFile(fileobj=raw) if gzipped else raw
            told = 0
            while lines := stream.readlines(READ_BYTES):
                yield from lines
                if raw.seekable():
                    progress(raw.tell() - told)
                    told = raw.tell()
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise NamedExit(Exit.USAGE, f"{path}: cannot read it: {reason}") from None


def _opened(path: Path) -> BufferedReader:
    if str(path) == "-":
        return cast("BufferedReader", open(0, "rb", READ_BYTES, closefd=False))
    return cast("BufferedReader", path.open("rb", READ_BYTES))
