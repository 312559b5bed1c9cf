"""A customer's row, and the partition's header row: state as the changelog holds it.

A row is a fixed prefix, readable without unpacking the rest, and a versioned
MessagePack body::

    version u8 | position i64 | epoch i64 | sequence u32 | due i64 | flags u8 | card 8 bytes | body

``position`` is the offset, in the signals log, of the last record applied to
the customer: a record at or before it changes nothing any more. Keys that begin
with a zero byte belong to the partition, all others are customer ids in UTF-8.
"""

import struct
from typing import Any, NamedTuple

import msgspec

from schemas.signals import Signal
from scoring.bands import Standing
from scoring.duplicates import Segment
from scoring.evaluate import Past
from scoring.forecast import Coming
from scoring.kin import Kin, Sums
from scoring.recent import FRESH_MAX, Feeding, Recent, settle, thinned
from scoring.seal import Seal
from scoring.state import HELD_BYTES_MAX, HELD_MAX, CustomerState
from scoring.versions import Codec, MissingCard, NewerState, RowError, check_version

__all__ = [
    "CARD_KEY",
    "CODECS",
    "HEADER_KEY",
    "NO_CARD",
    "PERCENTILES_KEY",
    "SEGMENT_KEY",
    "STATE_VERSION",
    "Activation",
    "Codec",
    "Customer",
    "Emitted",
    "Header",
    "MissingCard",
    "NewerState",
    "Prefix",
    "RowError",
    "Told",
    "decode_header",
    "decode_segment",
    "encode_header",
    "encode_segment",
    "is_customer",
    "newer",
    "pack",
    "prefix_of",
    "unpack",
]

#: The newest version that this release writes: once it was finalized, or where the state is new.
#: Until then it reads and writes the one before, so that the release before can go on with it.
STATE_VERSION = 1
HEADER_KEY = b"\x00h"
CARD_KEY = b"\x00c"
SEGMENT_KEY = b"\x00i"
PERCENTILES_KEY = b"\x00p"
#: In place of a scorecard's mark: never evaluated.
NO_CARD = b"\0" * 8
_PREFIX = struct.Struct(">BqqIqB8s")
_NEVER = -1
_DIRTY, _LATE, _BAND_SHIFT = 1, 2, 2
#: What decoding damaged bytes may raise: a broken text is no error of msgspec's own.
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
_BANDS = ("", "unknown", "green", "yellow", "red")
_NIL = b"\xc0"


class Prefix(NamedTuple):
    """What is known of a row without unpacking it."""

    version: int
    position: int
    epoch: int
    sequence: int
    due_ms: int
    flags: int
    card: bytes

    @property
    def dirty(self) -> bool:
        """Touched since its last evaluation."""
        return bool(self.flags & _DIRTY)

    @property
    def band(self) -> str:
        """The band last emitted; empty if nothing was."""
        return _BANDS[self.flags >> _BAND_SHIFT]


#: A line as it was told: name, kind, points, curve points, value, weight.
Told = tuple[str, str, int, int | None, int | str | None, int]


class Emitted(msgspec.Struct, array_like=True, frozen=True):
    """The last score told to the world: all that a view needs of it."""

    at_ms: int
    card: str
    score: int | None
    band: str
    letter: str | None
    coverage_ppm: int
    lines: list[Told]
    overrides: list[str]
    pending: tuple[str, int, int] | None
    cause: str
    because: str
    delta: int | None
    movers: list[tuple[str, str, int]]
    #: Empty: ``fed`` says it.
    events: list[tuple[str, str]]
    next_ms: int | None
    attributes: dict[str, Any] = {}
    #: Segment, stage, archetype, outlook: kind -> (class, since).
    places: dict[str, tuple[str, int]] = {}
    indicators: dict[str, tuple[int, int | None]] = {}
    #: Further scores: name, score, letter, coverage, lines.
    others: list[tuple[str, int | None, str | None, int, list[Told]]] = []
    #: The way to green: reachable, score, and the steps (measure, points, value).
    way: tuple[bool, int, list[tuple[str, int, int | str | None]]] | None = None
    #: What a person set: since when, who, why, until when.
    not_pursued: tuple[int, str, str, int | None] | None = None
    handled: tuple[int, str, str, int | None] | None = None
    #: What moved or changed (name, kind), and the latest events that fed it, newest first.
    fed: list[tuple[str, str, list[tuple[int, str, str]]]] = []
    #: What comes if nothing happens: the next other band, the next change that is told.
    crossing: Coming | None = None
    next_told: Coming | None = None
    #: Measures whose source is stalled, and since when.
    frozen: dict[str, int] = {}


class _Body(msgspec.Struct, array_like=True):
    past: Past
    emitted: msgspec.Raw
    recent: Recent
    state: CustomerState
    kin: Kin | None = None


class Customer:
    """A customer while unpacked: the row's fields, and the state."""

    __slots__ = (
        "card", "dirty", "due_ms", "emitted", "epoch", "fresh", "held_bytes", "kin", "late",
        "packed_emitted", "past", "position", "recent", "sequence", "state",
    )  # fmt: skip

    def __init__(self, epoch: int) -> None:
        self.position = -1
        self.epoch = epoch
        self.sequence = 0
        self.due_ms: int | None = None
        self.dirty = False
        #: An event since the last evaluation was history when it came.
        self.late = False
        self.card = NO_CARD
        self.past = Past()
        self.emitted: Emitted | None = None
        #: ``emitted`` with its packed form: it changes far less often than the state.
        self.packed_emitted: tuple[Emitted | None, bytes] = (None, _NIL)
        #: The latest events since the last score told, by what they fed: see scoring.recent.
        self.recent: Recent = {}
        #: Events that were not sorted into ``recent`` yet; none when a row is written.
        self.fresh: list[Signal] = []
        self.state = CustomerState()
        #: Its parent and its children; None: it has neither.
        self.kin: Kin | None = None
        #: What the held signals take; None until somebody asks.
        self.held_bytes: int | None = None

    def note(self, signal: Signal, feeds: Feeding) -> None:
        """Remember an event: it may explain the next change."""
        self.fresh.append(signal)
        if len(self.fresh) >= FRESH_MAX:
            self.settle(feeds)

    def settle(self, feeds: Feeding) -> None:
        """Sort the fresh events into ``recent``."""
        if self.fresh:
            settle(self.recent, self.fresh, feeds)
            self.fresh.clear()

    def has_room_for(self, signal: Signal) -> bool:
        """Whether a signal may be held; if so its size is counted."""
        held = self.state.held
        if self.held_bytes is None or not held:
            self.held_bytes = sum(len(_encoder.encode(one)) for one in held)
        size = len(_encoder.encode(signal))
        if len(held) >= HELD_MAX or self.held_bytes + size > HELD_BYTES_MAX:
            return False
        self.held_bytes += size
        return True

    @property
    def standing(self) -> Standing:
        """The band, and the one that is pending."""
        return self.past.standing

    @property
    def sums(self) -> Sums | None:
        """What its children contribute."""
        return None if self.kin is None else self.kin.sums


class Activation(msgspec.Struct, array_like=True):
    """A scorecard's activation that has not reached all customers of the partition yet."""

    control_offset: int
    name: str
    version: str
    hash: str
    author: str
    reason: str
    #: When it was decided, RFC 3339.
    at: str
    #: The customers up to this id have been moved; None: none yet.
    reached: str | None = None


class Header(msgspec.Struct, array_like=True):
    """What belongs to the partition, not to one customer. Written last in each checkpoint."""

    #: The state version in which the partition's rows are written.
    version: int = STATE_VERSION
    #: Next offset of the signals log to apply.
    position: int = 0
    #: ``topic/partition`` -> last source offset applied: decides what is a duplicate.
    sources: dict[str, int] = {}
    #: ``topic/partition`` -> how far the source has been read, Unix milliseconds.
    progress_ms: dict[str, int] = {}
    tick_ms: int = 0
    card_hash: str = ""
    #: Source topics that are not waited for, and since when.
    stalled: dict[str, int] = {}
    #: Last record of the control topic taken over.
    control_offset: int = -1
    #: Partition count of the signals log; 0 until known.
    partitions: int = 0
    #: Numbers of the id segments still held.
    segments: dict[int, int] = {}
    segment_next: int = 0
    #: The scorecard before the active one: its series are kept, for a roll-back.
    previous_hash: str = ""
    #: Series that were not kept from the beginning: key -> (append time, time) of their first card.
    began: dict[int, tuple[int, int]] = {}
    activation: Activation | None = None
    #: Hash of a card in use -> the number of its snapshot of percentiles among the decisions.
    percentiles: dict[str, int] = {}
    #: Of all other rows that this header was written with; None: not known.
    seal: Seal | None = None


_encoder = msgspec.msgpack.Encoder()
_emitted_decoder: msgspec.msgpack.Decoder[Emitted | None] = msgspec.msgpack.Decoder(Emitted | None)
_body_decoder: msgspec.msgpack.Decoder[_Body] = msgspec.msgpack.Decoder(_Body)
_segment_decoder: msgspec.msgpack.Decoder[Segment] = msgspec.msgpack.Decoder(Segment)
_header_decoder: msgspec.msgpack.Decoder[Header] = msgspec.msgpack.Decoder(Header)


#: The state versions that this release reads and writes.
CODECS: dict[int, Codec] = {1: Codec(_encoder.encode, _body_decoder.decode)}


def is_customer(key: bytes) -> bool:
    """Whether a row's key is a customer's (rather than the partition's own)."""
    return key[:1] != b"\x00"


def pack(customer: Customer, version: int = STATE_VERSION) -> bytes:
    """The customer's row, in the partition's state version."""
    emitted = customer.emitted
    if customer.packed_emitted[0] is not emitted:
        customer.packed_emitted = (emitted, _encoder.encode(emitted))
    raw = msgspec.Raw(customer.packed_emitted[1])
    body = _Body(customer.past, raw, thinned(customer.recent), customer.state, customer.kin)
    flags = (_DIRTY if customer.dirty else 0) | (_LATE if customer.late else 0)
    flags |= _BANDS.index("" if emitted is None else emitted.band) << _BAND_SHIFT
    due = _NEVER if customer.due_ms is None else customer.due_ms
    return _PREFIX.pack(
        version,
        customer.position,
        customer.epoch,
        customer.sequence,
        due,
        flags,
        customer.card,
    ) + CODECS[version].encode(body)


def prefix_of(row: bytes) -> Prefix:
    """The row's prefix.

    Raises:
        RowError: if the row is too short; NewerState: if it is of an unknown version.
    """
    if len(row) < _PREFIX.size:
        raise RowError(f"a row of {len(row)} bytes is shorter than its prefix")
    prefix = Prefix(*_PREFIX.unpack_from(row))
    check_version(prefix.version, CODECS)
    if prefix.flags >> _BAND_SHIFT >= len(_BANDS):
        raise RowError(f"damaged prefix: flags {prefix.flags}")
    return prefix


def unpack(row: bytes) -> Customer:
    """The customer in a row.

    Raises:
        RowError: if it cannot be read.
    """
    prefix = prefix_of(row)
    try:
        body = CODECS[prefix.version].decode(memoryview(row)[_PREFIX.size :])
        emitted = _emitted_decoder.decode(body.emitted)
    except _UNREADABLE as error:
        raise RowError(f"damaged body: {error}") from error
    if emitted is not None and emitted.band not in _BANDS:
        raise RowError(f"damaged body: a band {emitted.band!r}")
    customer = Customer(prefix.epoch)
    customer.position = prefix.position
    customer.sequence = prefix.sequence
    customer.due_ms = None if prefix.due_ms == _NEVER else prefix.due_ms
    customer.dirty = bool(prefix.flags & _DIRTY)
    customer.late = bool(prefix.flags & _LATE)
    customer.card = prefix.card
    customer.past = body.past
    customer.emitted = emitted
    customer.packed_emitted = (emitted, bytes(body.emitted))
    customer.recent = body.recent
    customer.state = body.state
    customer.kin = body.kin
    return customer


def encode_header(header: Header) -> bytes:
    """The header's row."""
    return _encoder.encode(header)


def decode_header(row: bytes) -> Header:
    """The header in a row.

    Raises:
        RowError: if it cannot be read.
    """
    try:
        header = _header_decoder.decode(row)
    except _UNREADABLE as error:
        raise RowError(f"damaged header: {error}") from error
    check_version(header.version, CODECS)
    return header


def encode_segment(segment: Segment) -> bytes:
    """The row of an id segment."""
    return _encoder.encode(segment)


def decode_segment(row: bytes) -> Segment:
    """The id segment in a row.

    Raises:
        RowError: if it cannot be read.
    """
    try:
        segment = _segment_decoder.decode(row)
    except _UNREADABLE as error:
        raise RowError(f"damaged id segment: {error}") from error
    if any(len(marks) % 8 for marks in segment.hours.values()):
        raise RowError("damaged id segment: a fingerprint is cut")
    return segment


def newer(key: bytes, candidate: bytes, known: bytes | None) -> bool:
    """Whether a row from the changelog replaces the known one: the highest position wins.

    A frozen worker that wakes may append rows that are older than the new
    owner's; they must not win by coming last.
    """
    if known is None:
        return True
    if is_customer(key):
        return _order(candidate) >= _order(known)
    if key == HEADER_KEY:
        return decode_header(candidate).position >= decode_header(known).position
    return True


def _order(row: bytes) -> tuple[Any, ...]:
    prefix = prefix_of(row)
    return (prefix.position, prefix.epoch)
