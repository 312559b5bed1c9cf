"""The body of a customer's row, and the state versions in which it is written."""

import msgspec

from scoring.emitted import Emitted
from scoring.kin import Kin
from scoring.past import Past
from scoring.recent import Recent
from scoring.state import CustomerState
from scoring.told_form import pack_told, unpack_told
from scoring.versions import Codec

__all__ = ["CODECS", "STATE_VERSION", "RowBody"]

#: The newest version that this release writes: once it was finalized, or where the state is new.
#: Until then it reads and writes the one before, so that the release before can go on with it.
STATE_VERSION = 2


class RowBody(msgspec.Struct, array_like=True):
    """What a row holds behind its prefix; ``emitted`` is packed already."""

    past: Past
    emitted: msgspec.Raw
    recent: Recent
    state: CustomerState
    kin: Kin | None = None


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[RowBody] = msgspec.msgpack.Decoder(RowBody)
_told_decoder: msgspec.msgpack.Decoder[Emitted | None] = msgspec.msgpack.Decoder(Emitted | None)


def _pack_told_1(emitted: Emitted | None, _: object) -> bytes:
    return _encoder.encode(emitted)


def _unpack_told_1(packed: msgspec.Raw, _: object) -> Emitted | None:
    return _told_decoder.decode(packed)


#: The state versions that this release reads and writes. In 1 what was told has all its names.
CODECS: dict[int, Codec] = {
    1: Codec(_encoder.encode, _decoder.decode, _pack_told_1, _unpack_told_1),
    2: Codec(_encoder.encode, _decoder.decode, pack_told, unpack_told),
}
