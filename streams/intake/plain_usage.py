"""Usage events the short way: from bytes to a signal without building an event.

Most records are plain ``usage.feature`` events, and of the reference way
(:func:`schemas.inbound.parse`, then :func:`scoring.signals.signal_of`) they need
little: a fifth of its time here. This way is narrower than the contract and
never wider: whatever is unusual in a record (a field it does not know, an id
with a blank or outside ASCII, a time written in another manner, anything
invalid) gives None, and the reference decides. A property test and a corpus of
mutated records hold the two equal. Where the distribution was built with a C compiler
there is a compiled form of it besides, ``plain_usage_c``, which the same tests hold equal.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Annotated, Any, Literal

import msgspec

from schemas.base import parse_time
from schemas.inbound import RECORD_BYTES_MAX
from schemas.signals import Kind, Signal
from scoring.signals import USER_KINDS, at_ms

plain_usage_c: Any = None
with suppress(ImportError):  # installed without a C compiler
    from streams.intake import plain_usage_c  # type: ignore[attr-defined, no-redef]

__all__ = ["DURATION_S_MAX", "PlainTimes", "PlainUsage", "is_plain", "plain_ms"]

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_QUANTITY_MAX = 1_000_000_000
DURATION_S_MAX = 366 * 86_400
_FEATURE = int(Kind.FEATURE)
#: Minutes remembered: a week of them.
_MINUTES_MAX = 10_080
_TAILS_MAX = 5_000
_SECONDS = {f"{second:02}": second * 1000 for second in range(60)}


class _Feature(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    event_id: _Id
    customer_id: _Id
    occurred_at: str
    source: _Id
    type: Literal["usage.feature"]
    feature: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    schema_version: Literal["1.0"] = "1.0"
    user: _Id | None = None
    user_kind: Literal["human", "automated", "staff"] = "human"
    quantity: Annotated[int, msgspec.Meta(ge=0, le=_QUANTITY_MAX)] = 1
    duration_s: Annotated[float, msgspec.Meta(ge=0, le=DURATION_S_MAX)] = 0
    outcome: Literal["ok", "failed"] = "ok"


class PlainTimes:
    """RFC 3339 times to Unix milliseconds, with a memory of minutes and of fractions.

    Events of one chunk share few minutes, and most clocks tell milliseconds or less.
    """

    def __init__(self) -> None:
        self._minutes: dict[str, int] = {}
        self._tails: dict[str, int] = {}

    def ms(self, text: str) -> int | None:
        """Unix milliseconds, rounded down; None if it is not written plainly, or wrong.

        Plain is ``2026-03-01T09:30:00Z``, with ``+00:00`` in place of ``Z``, and with
        up to nine digits after a point.
        """
        second_ms = _SECONDS.get(text[17:19])
        if second_ms is None:
            return None
        minute, tail = text[:17], text[19:]
        base_ms = self._minutes.get(minute)
        if base_ms is None:
            base_ms = self._minute_ms(minute)
            if base_ms is None:
                return None
        tail_ms = self._tails.get(tail)
        if tail_ms is None:
            tail_ms = self._tail_ms(tail)
            if tail_ms is None:
                return None
        return base_ms + second_ms + tail_ms

    def _tail_ms(self, tail: str) -> int | None:
        """What follows the second; remembered while there is room: most clocks tell few."""
        if tail.endswith("Z"):
            rest = tail[:-1]
        elif tail.endswith("+00:00"):
            rest = tail[:-6]
        else:
            return None
        ms = 0
        if rest:
            digits = rest[1:]
            # isdigit alone holds for digits of any script.
            if rest[0] != "." or len(digits) > 9 or not (digits.isascii() and digits.isdigit()):
                return None
            ms = int(digits[:3]) * (100, 10, 1)[min(len(digits), 3) - 1]
        if len(self._tails) < _TAILS_MAX:
            self._tails[tail] = ms
        return ms

    def _minute_ms(self, minute: str) -> int | None:
        try:
            ms = at_ms(parse_time(f"{minute}00Z"))
        except ValueError:
            return None
        if len(self._minutes) >= _MINUTES_MAX:
            self._minutes.clear()
        self._minutes[minute] = ms
        return ms


def plain_ms() -> Callable[[str], int | None]:
    """How to read a plain time: compiled where it can be, which remembers nothing."""
    compiled: Callable[[str], int | None] | None = getattr(plain_usage_c, "time_ms", None)
    return compiled or PlainTimes().ms


def is_plain(ids: str) -> bool:
    """Whether all of an event's ids, joined, are ASCII that can be printed, without a blank."""
    return " " not in ids and ids.isascii() and ids.isprintable()


class PlainUsage:
    """Reads plain usage events; keeps a memory of minutes, so not for two threads.

    ``compiled`` False: never the compiled form, True: wherever there is one.
    """

    def __init__(self, *, compiled: bool = True) -> None:
        self._decode = msgspec.json.Decoder(_Feature).decode
        self._ms = PlainTimes().ms
        self._compiled = plain_usage_c if compiled else None

    def fill(
        self, records: Iterable[Any], take: Callable[[Any], None], partitions: dict[str, int],
        open_blocks: dict[int, Any], earliest_ms: int, latest_ms: int, overhead_bytes: int,
    ) -> int:  # fmt: skip
        """Put records into their blocks; the youngest event time of those not left to ``take``.

        ``take`` puts any record in its place. It is left what is new (a customer, a source, a
        block), is not plain, or out of bounds; without the compiled form it is left all.
        """
        if self._compiled is not None:
            latest: int = self._compiled.fill(
                records, self._decode, take, partitions, open_blocks,
                earliest_ms, latest_ms, overhead_bytes,
            )  # fmt: skip
            return latest
        for record in records:
            take(record)
        return -1

    def read(self, raw: bytes | None, offset: int) -> tuple[str, Signal] | None:
        """A record's source and signal (its ``source_ix`` is 0); None: ask the reference."""
        if self._compiled is not None:
            found: tuple[str, Signal] | None = self._compiled.read(self._decode, raw, offset)
            return found
        if not raw or len(raw) > RECORD_BYTES_MAX:
            return None
        try:
            event = self._decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        source, user = event.source, event.user
        event_id, customer_id = event.event_id, event.customer_id
        ids = event_id + customer_id + source
        if user is not None:
            ids += user
        if not is_plain(ids):
            return None
        time_ms = self._ms(event.occurred_at)
        if time_ms is None:
            return None
        signal = [
            offset,
            time_ms,
            customer_id,
            0,
            event_id,
            _FEATURE,
            event.feature,
            user,
            USER_KINDS[event.user_kind],
            event.quantity,
            round(event.duration_s * 1000),
            1 if event.outcome == "failed" else 0,
        ]
        return source, signal
