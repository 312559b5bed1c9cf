"""The row of the event ids that one checkpoint added: an id segment."""

import msgspec

from scoring.versions import RowError, readable

__all__ = ["Segment", "decode_segment", "encode_segment"]


class Segment(msgspec.Struct, array_like=True):
    """The fingerprints that one checkpoint added, by hour of event time."""

    position: int
    hours: dict[int, bytes]

    @property
    def last_hour(self) -> int:
        """The youngest hour in it: the segment may go once this has left the window."""
        return max(self.hours, default=-1)


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Segment] = msgspec.msgpack.Decoder(Segment)


def encode_segment(segment: Segment) -> bytes:
    """The row of an id segment."""
    return _encoder.encode(segment)


def decode_segment(row: bytes) -> Segment:
    """The id segment in a row.

    Raises:
        RowError: if it cannot be read.
    """
    segment = readable(_decoder.decode, row, "id segment")
    if any(len(marks) % 8 for marks in segment.hours.values()):
        raise RowError("damaged id segment: a fingerprint is cut")
    return segment
