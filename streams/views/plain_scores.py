"""Score changes the short way: from a record's bytes to a row of the view.

The contract (:class:`~schemas.scores.ScoreChanged`) takes 30 µs for one, and as much
again goes into the row and its JSON. What the scorer writes is plain and needs a quarter of that.
This way is narrower than the contract and never wider: whatever is unusual in a record
(a field it does not know, a time written in another manner, anything invalid) is left to the
contract. A property test and a corpus of mutated records hold the two equal.
"""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

import msgspec

from schemas.base import parse_time
from schemas.scores import ScoreChanged
from schemas.view_rows import Row
from schemas.views import CustomerHealth, row_fields
from streams.views.plain_structs import PlainStructs

__all__ = ["PlainScores"]

#: The changes of a tick share their time.
_TIMES_MAX = 1_000


class PlainScores:
    """Reads score changes; making one takes some milliseconds."""

    def __init__(self) -> None:
        structs = PlainStructs()
        self._decode = msgspec.json.Decoder(structs.of(ScoreChanged)).decode
        self._row: Callable[..., Row] = structs.of(CustomerHealth, changed_at=datetime)
        self._at = lru_cache(maxsize=_TIMES_MAX)(parse_time)

    def row(self, raw: bytes | None) -> Row:
        """The view's row in a record of the scores topic.

        Raises:
            pydantic.ValidationError: it is no score change.
        """
        row = self.plain(raw)
        if row is None:
            return CustomerHealth.of(ScoreChanged.model_validate_json(raw or b""))
        return row

    def plain(self, raw: bytes | None) -> Row | None:
        """The same, of a plain record; None: ask the contract."""
        try:
            change = self._decode(raw or b"")
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        return self._row(**row_fields(change.data), changed_at=self._at(change.time))
