"""All that is read from outside takes whatever comes: an answer or an error with a name.

Inputs are real ones, mutated: cut, spliced with each other, with odd pieces put in. What once
did harm is in ``corpus/`` for ever: FORMAT-what-it-is. No input may take a second.
"""

import contextlib
import gc
import io
import random
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_stand import record
from golden_state import GOLDEN, of_all_types
from partitionlog import START_MS
from properties import examples
from schemas import signals
from schemas.control import decision_in
from schemas.signals import ControlCopy
from schemas.topics import SOURCES
from scoring.header import decode_header, encode_header
from scoring.row import HEADER_KEY, SEGMENT_KEY, is_customer, pack, prefix_of, unpack
from scoring.segment import decode_segment, encode_segment
from scoring.versions import RowError
from streams.exits import NamedExit
from streams.importing.mapping_file import load_mapping
from streams.intake.blocks import Chunk, TimeBounds, blocks_of
from streams.intake.plain_events import PlainEvents
from streams.intake.routing import CustomerRouter
from streams.scorecards import load_card
from streams.state_copies.file import BrokenCopy, StateReader

ROOT = Path(__file__).resolve().parents[2]
CORPUS = sorted((Path(__file__).parent / "corpus").iterdir())
#: So many inputs of one format are one example.
BATCH = 50
SECONDS_MAX = 1.0
#: What bounded caches may still take after a while; msgspec has one of 512 keys.
GROWN_MAX = 48 * 1024
_BOUNDS = TimeBounds(0, 2**62)
_PLAIN = PlainEvents()
_ODD = (
    b"9" * 30, b"1" * 5000, b"1e999", b"-1", b"null", b"{}", b"[" * 50, b"[" * 200, b"- " * 50,
    b"\xff", b"\x00", b'"\\ud800"', b"\xdf\xff\xff\xff\xff", b"\xcf" + b"\xff" * 8, b"&a [*a]",
    "\u0663".encode(), b"!!int x", b"!!timestamp x", b"\x91" * 200,
)  # fmt: skip


def _event(data: bytes) -> None:
    """As intake takes it: a block on the log, or a dead letter."""
    for family in SOURCES:
        chunk = Chunk(f"health.{family}.v1", 0, family, [record(0, data, timestamp=START_MS)])
        found = blocks_of(chunk, CustomerRouter(1), _BOUNDS, START_MS, _PLAIN)
        for _, block in found.blocks:
            signals.decode(signals.encode(block))
        for letter in found.dead_letters:
            letter.model_dump_json()
        assert len(found.blocks) + len(found.dead_letters) == 1


def _signals(data: bytes) -> None:
    with contextlib.suppress(msgspec.MsgspecError):
        signals.encode(signals.decode(data))


def _customer(data: bytes) -> None:
    try:
        prefix_of(data)
        pack(unpack(data))
    except RowError:
        pass


def _header(data: bytes) -> None:
    with contextlib.suppress(RowError):
        encode_header(decode_header(data))


def _segment(data: bytes) -> None:
    with contextlib.suppress(RowError):
        encode_segment(decode_segment(data))


def _copy(data: bytes) -> None:
    with contextlib.suppress(BrokenCopy):
        list(StateReader(io.BytesIO(data)).pieces())


def _scorecard(data: bytes) -> None:
    with contextlib.suppress(NamedExit, UnicodeDecodeError):
        load_card(data.decode())


class _Mapping:
    """Mappings are read from a file."""

    path: Path

    def __call__(self, data: bytes) -> None:
        self.path.write_bytes(data)
        with contextlib.suppress(NamedExit):
            load_mapping(self.path)


_mapping = _Mapping()
#: Format -> what reads it, and how many inputs a gate takes: YAML costs a hundred times more.
READERS: dict[str, tuple[Callable[[bytes], object], int]] = {
    "event": (_event, 3_000),
    "signals": (_signals, 4_000),
    "control": (decision_in, 3_000),
    "customer": (_customer, 4_000),
    "header": (_header, 2_500),
    "segment": (_segment, 2_000),
    "copy": (_copy, 1_000),
    "scorecard": (_scorecard, 250),
    "mapping": (_mapping, 250),
}


@cache
def seeds_of(kind: str) -> list[bytes]:
    """Real inputs of a format."""
    if kind == "copy":
        return [(GOLDEN / "state-v1.vitals").read_bytes()]
    if kind in ("event", "scorecard", "mapping"):
        where = {"event": "tests/schemas/golden/*.json", "scorecard": "deploy/scorecards/*.yaml",
                 "mapping": "deploy/mappings/*.yaml"}[kind]  # fmt: skip
        return [path.read_bytes() for path in sorted(ROOT.glob(where))]
    if kind in ("signals", "control"):
        values = [value for _, value in of_all_types().records]
        if kind == "signals":
            return values[:100]
        return [r.body for r in map(signals.decode, values) if isinstance(r, ControlCopy)]
    with (GOLDEN / "state-v1.vitals").open("rb") as source:
        rows = [row for piece in StateReader(source).pieces() for row in piece.rows.items()]
    wanted: Callable[[bytes], bool] = {
        "customer": is_customer,
        "header": lambda key: key == HEADER_KEY,
        "segment": lambda key: key.startswith(SEGMENT_KEY),
    }[kind]
    return [value for key, value in rows if wanted(key)]


def mutated(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """A real input in which something is not right; one in twenty is noise."""
    if chance.random() < 0.05:
        return chance.randbytes(chance.randrange(60))
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(data) + 1)
        how = chance.randrange(6)
        if how == 0 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif how == 1:
            data[at:at] = chance.randbytes(chance.choice((1, 2, 8)))
        elif how == 2:
            del data[at : at + chance.choice((1, 3, 20))]
        elif how == 3:
            other = chance.choice(seeds)
            begin = chance.randrange(len(other) + 1)
            data[at:at] = other[begin : begin + chance.choice((3, 20, 100))]
        elif how == 4:
            data[at:at] = chance.choice(_ODD)
        else:
            del data[at:]
    return bytes(data)


def take(kind: str, data: bytes) -> None:
    """Read it, in CPU time below the limit; a failure shows the input."""
    begin = time.process_time()
    try:
        READERS[kind][0](data)
    except Exception as error:
        raise AssertionError(f"{kind}: {error!r} of {data[:2000]!r}") from error
    assert time.process_time() - begin < SECONDS_MAX, data[:2000]


@pytest.fixture(scope="module", autouse=True)
def _mapping_path(tmp_path_factory: pytest.TempPathFactory) -> None:
    _mapping.path = tmp_path_factory.mktemp("fuzz") / "mapping.yaml"


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_what_once_did_harm_is_taken(path: Path) -> None:
    take(path.name.partition("-")[0], path.read_bytes())


@pytest.mark.parametrize("kind", READERS)
def test_mutated_inputs_are_an_answer_or_an_error_with_a_name(kind: str) -> None:
    _fuzz(kind, READERS[kind][1])


@pytest.mark.soak
@pytest.mark.parametrize("kind", READERS)
def test_a_million_mutated_inputs_are_taken(kind: str) -> None:
    _fuzz(kind, READERS[kind][1] * 50)


def grown_by(kind: str, inputs: int, read: Callable[[bytes], object]) -> int:
    """The bytes that are held after so many inputs more than after as many before them.

    How long one takes is not judged here: to trace memory slows down everything.
    """
    chance, seeds = random.Random(kind), seeds_of(kind)

    def some() -> None:
        for _ in range(inputs):
            read(mutated(chance, seeds))
        gc.collect()
        sys._clear_type_cache()  # Python's own: up to 4,096 names that were looked up

    with contextlib.suppress(ZoneInfoNotFoundError):
        ZoneInfo("Europe/Nowhere")  # modules are imported at the first zone that is none
    some()  # caches fill
    tracemalloc.start()
    try:
        some()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", READERS)
def test_what_was_read_is_let_go(kind: str) -> None:
    """The same inputs in every run."""
    read, inputs = READERS[kind]
    assert grown_by(kind, inputs // 10, read) < GROWN_MAX


@pytest.mark.soak
@pytest.mark.parametrize("kind", READERS)
def test_what_was_read_is_let_go_of_many_inputs(kind: str) -> None:
    read, inputs = READERS[kind]
    assert grown_by(kind, inputs * 3, read) < GROWN_MAX


@pytest.mark.parametrize("kind", ["event", "copy"])
def test_control_a_reader_that_keeps_something_of_each_input_grows(kind: str) -> None:
    read, inputs = READERS[kind]
    kept: list[bytes] = []

    def keeping(data: bytes) -> None:
        read(data)
        kept.append(b"kept" + data)

    assert grown_by(kind, inputs // 10, keeping) > GROWN_MAX


def _fuzz(kind: str, inputs: int) -> None:
    @settings(max_examples=examples(inputs // BATCH))
    @given(st.integers(0, 2**64 - 1))
    def run(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(BATCH):
            take(kind, mutated(chance, seeds_of(kind)))

    run()
