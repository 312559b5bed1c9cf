"""A customer's row, and the partition's header row: state as the changelog holds it.

A row is a fixed prefix, readable without unpacking the rest, and a versioned
MessagePack body::

    version u8 | position i64 | epoch i64 | sequence u32 | due i64 | flags u8 | card 8 bytes | body

``position`` is the offset, in the signals log, of the last record applied to
the customer: a record at or before it changes nothing any more. Keys that begin
with a zero byte belong to the partition, all others are customer ids in UTF-8.
"""

import struct
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from schemas.signals import Signal
from scoring.bands import Standing
from scoring.classes import Place
from scoring.emitted import Emitted
from scoring.header import decode_header
from scoring.kin import Kin, Sums
from scoring.past import Past
from scoring.recent import FRESH_MAX, Feeding, Recent, settle, thinned
from scoring.row_body import CODECS, STATE_VERSION, RowBody
from scoring.state import HELD_BYTES_MAX, HELD_MAX, KIND, CustomerState
from scoring.things import EVERYTHING, TOUCHES
from scoring.versions import RowError, check_version, readable

if TYPE_CHECKING:
    from scoring.unchanged import Looked

__all__ = [
    "CARD_KEY",
    "DIRTY",
    "HEADER_KEY",
    "NO_CARD",
    "PERCENTILES_KEY",
    "SEGMENT_KEY",
    "Customer",
    "Prefix",
    "at_position",
    "bands_in",
    "is_customer",
    "newer",
    "number_in",
    "numbered",
    "pack",
    "prefix_of",
    "standings",
    "unpack",
]

HEADER_KEY = b"\x00h"
CARD_KEY = b"\x00c"
SEGMENT_KEY = b"\x00i"
PERCENTILES_KEY = b"\x00p"
#: In place of a scorecard's mark: never evaluated.
NO_CARD = b"\0" * 8
_PREFIX = struct.Struct(">BqqIqB8s")
_POSITION, _POSITION_AT = struct.Struct(">q"), 1
_NEVER = -1
DIRTY, _LATE, _BAND_SHIFT = 1, 2, 2
_BANDS = ("", "unknown", "green", "yellow", "red")
#: What was told, the state version and the places that it was packed for, and its bytes.
Packed = tuple[Emitted | None, int, dict[str, Place], bytes]


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
        return bool(self.flags & DIRTY)

    @property
    def band(self) -> str:
        """The band last emitted; empty if nothing was."""
        return _BANDS[self.flags >> _BAND_SHIFT]


class Customer:
    """A customer while unpacked: the row's fields, and the state."""

    __slots__ = (
        "card", "due_ms", "emitted", "epoch", "fresh", "held_bytes", "kin", "late", "looked",
        "packed_emitted", "past", "position", "recent", "sequence", "state", "touched",
    )  # fmt: skip

    def __init__(self, epoch: int) -> None:
        self.position = -1
        self.epoch = epoch
        self.sequence = 0
        self.due_ms: int | None = None
        #: The families of what came since its last evaluation, see scoring.things.
        self.touched = 0
        #: What that evaluation looked at; None: nobody remembers.
        self.looked: Looked | None = None
        #: An event since the last evaluation was history when it came.
        self.late = False
        self.card = NO_CARD
        self.past = Past()
        self.emitted: Emitted | None = None
        #: ``emitted`` with its packed form: it changes far less often than the state. The state
        #: version and the places are those that it was packed for; version 0: not packed yet.
        self.packed_emitted: Packed = (None, 0, {}, b"")
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

    def touch(self, signal: Signal) -> None:
        """A signal was applied: what its family feeds may be another."""
        self.touched |= TOUCHES.get(signal[KIND], EVERYTHING)

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
    def dirty(self) -> bool:
        """Touched since its last evaluation."""
        return self.touched != 0

    @property
    def standing(self) -> Standing:
        """The band, and the one that is pending."""
        return self.past.standing

    @property
    def sums(self) -> Sums | None:
        """What its children contribute."""
        return None if self.kin is None else self.kin.sums


_encoder = msgspec.msgpack.Encoder()


def is_customer(key: bytes) -> bool:
    """Whether a row's key is a customer's (rather than the partition's own)."""
    return key[:1] != b"\x00"


def numbered(kind: bytes, number: int) -> bytes:
    """The key of one of several rows of a kind, such as of an id segment."""
    return kind + str(number).encode()


def number_in(key: bytes, kind: bytes) -> int:
    """The number in such a key."""
    return int(key[len(kind) :])


def pack(customer: Customer, version: int = STATE_VERSION) -> bytes:
    """The customer's row, in the partition's state version."""
    emitted = customer.emitted
    codec, places = CODECS[version], customer.past.places
    told, told_version, told_places, packed = customer.packed_emitted
    if told is not emitted or told_version != version or told_places != places:
        packed = codec.pack_told(emitted, places)
        customer.packed_emitted = (emitted, version, places, packed)
    raw = msgspec.Raw(packed)
    body = RowBody(customer.past, raw, thinned(customer.recent), customer.state, customer.kin)
    flags = (DIRTY if customer.touched else 0) | (_LATE if customer.late else 0)
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
    ) + codec.encode(body)


def prefix_of(row: bytes) -> Prefix:
    """The row's prefix.

    Raises:
        RowError: if the row is too short; NewerState: if it is of an unknown version.
    """
    if len(row) < _PREFIX.size:
        raise _stump(row)
    prefix = Prefix(*_PREFIX.unpack_from(row))
    check_version(prefix.version, CODECS)
    _band_in(prefix.flags)
    return prefix


def _stump(row: bytes) -> RowError:
    return RowError(f"a row of {len(row)} bytes is shorter than its prefix")


def standings(rows: Mapping[bytes, bytes]) -> Iterator[tuple[bytes, int, int, bytes]]:
    """Of each customer's row: its key, ``due_ms``, ``flags`` and ``card`` as in :class:`Prefix`.

    Read by the million at a start: no :class:`Prefix` is made.

    Raises:
        RowError, NewerState: see :func:`prefix_of`.
    """
    known = -1
    for key, row in rows.items():
        if key[:1] == b"\x00":
            continue
        try:
            version, _, _, _, due_ms, flags, card = _PREFIX.unpack_from(row)
        except struct.error:
            raise _stump(row) from None
        if version != known:
            check_version(version, CODECS)
            known = version
        yield key, due_ms, flags, card


def _band_in(flags: int) -> str:
    if flags >> _BAND_SHIFT >= len(_BANDS):
        raise RowError(f"damaged prefix: flags {flags}")
    return _BANDS[flags >> _BAND_SHIFT]


def bands_in(flagged: Mapping[int, int]) -> dict[str, int]:
    """How many have each band as the last emitted; from the numbers of prefixes by their flags.

    Raises:
        RowError: if flags say no band.
    """
    bands: dict[str, int] = {}
    for flags, count in flagged.items():
        band = _band_in(flags)
        if band:
            bands[band] = bands.get(band, 0) + count
    return bands


def at_position(row: bytes, position: int) -> bytes:
    """The same row with another position; nothing else of it changes, nothing is unpacked."""
    behind = _POSITION_AT + _POSITION.size
    return row[:_POSITION_AT] + _POSITION.pack(position) + row[behind:]


def unpack(row: bytes) -> Customer:
    """The customer in a row.

    Raises:
        RowError: if it cannot be read.
    """
    prefix = prefix_of(row)
    codec = CODECS[prefix.version]
    body = readable(codec.decode, memoryview(row)[_PREFIX.size :], "body")
    places = body.past.places
    emitted = readable(lambda packed: codec.unpack_told(packed, places), body.emitted, "body")
    if emitted is not None and emitted.band not in _BANDS:
        raise RowError(f"damaged body: a band {emitted.band!r}")
    customer = Customer(prefix.epoch)
    customer.position = prefix.position
    customer.sequence = prefix.sequence
    customer.due_ms = None if prefix.due_ms == _NEVER else prefix.due_ms
    customer.touched = EVERYTHING if prefix.flags & DIRTY else 0
    customer.late = bool(prefix.flags & _LATE)
    customer.card = prefix.card
    customer.past = body.past
    customer.emitted = emitted
    customer.packed_emitted = (emitted, prefix.version, places, bytes(body.emitted))
    customer.recent = body.recent
    customer.state = body.state
    customer.kin = body.kin
    return customer


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
