"""The header row of a signals partition: what belongs to no single customer."""

import msgspec

from scoring.row_body import CODECS, STATE_VERSION
from scoring.seal import Seal
from scoring.versions import check_version, readable

__all__ = ["Activation", "Header", "decode_header", "encode_header"]


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
_decoder: msgspec.msgpack.Decoder[Header] = msgspec.msgpack.Decoder(Header)


def encode_header(header: Header) -> bytes:
    """The header's row."""
    return _encoder.encode(header)


def decode_header(row: bytes) -> Header:
    """The header in a row.

    Raises:
        RowError: if it cannot be read.
    """
    header = readable(_decoder.decode, row, "header")
    check_version(header.version, CODECS)
    return header
