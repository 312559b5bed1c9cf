"""The signals log: what travels on ``health.signals.v1``, in binary (MessagePack).

One ordered log per partition of customers, and everything that can change a
customer's state is in it: blocks of signals, the passing of time (ticks), how
far each source has been read (progress), and copies of global decisions. State
is a pure fold over these records.

A *signal* is one event in compact form, a list::

    [offset, at_ms, customer, source_ix, event_id, kind, *payload]

``offset`` is the event's offset in its source partition, ``at_ms`` its event
time in Unix milliseconds, ``source_ix`` an index into the block's ``sources``.
``kind`` is a :class:`Kind`; the payload of each kind stands beside it below.
Fields are only ever appended, so an older reader still finds what it knows.
"""

from enum import IntEnum
from typing import Any

import msgspec

__all__ = [
    "BLOCK_BYTES_MAX",
    "ROLLUP",
    "Block",
    "ControlCopy",
    "Kind",
    "LogRecord",
    "Progress",
    "Signal",
    "Tick",
    "decode",
    "encode",
]

#: A block is split before it grows beyond this.
BLOCK_BYTES_MAX = 256 * 1024

Signal = list[Any]


class Kind(IntEnum):
    """What a signal says. The values are on the wire: never renumber.

    ``own`` is the event's own properties, {name: number, text or flag} or None; what stands
    at the end of a payload and is None may be left out.
    """

    ACCOUNT = 1  # {field: value}; times as Unix milliseconds
    FEATURE = 2  # feature, user | None, user_kind (0 human, 1 automated, 2 staff), quantity,
    #              duration_ms, failed, own
    ACTIVITY = 3  # activity, user | None, amount_minor | None, currency | None,
    #               rating_ppm | None, item | None, own
    TICKET = 4  # ticket, change, priority | None, category | None, first_response_ms | None,
    #             resolution_ms | None, satisfaction_ppm | None, own
    BILLING = 5  # change, invoice | None, due_ms | None, amount_minor | None, currency | None,
    #              mrr_minor | None, seats | None, plan | None, renewal_ms | None, reason | None,
    #              subscription | None, own
    SURVEY = 6  # survey, score_ppm of its scale, score in thousandths, respondent | None, own
    FEEDBACK = 7  # sentiment, feature | None, own
    CONTACT = 8  # kind, direction, by | None, own
    GOAL = 9  # goal, "goal" | "milestone", change, due_ms | None, own
    PULSE = 10  # pulse, reason, author, expires_ms | None
    STATE = 11  # state, reason, author, expires_ms | None
    LIFECYCLE = 12  # stage
    TOUCH = (
        13  # what ("campaign.opened", "community.post", "learning.tutorial", "visit"), completed,
        #     item | None, user | None, sentiment | None, own
    )
    # Between accounts, in blocks of their own: see ROLLUP. The customer is who is told.
    ROLLUP = 14  # child, before | None, now | None, cause; each [score, mrr, levels below]
    PROBE = 15  # path [[child, at_ms, event_id], ...], levels below the first, cycle | None
    ANSWER = 16  # at_ms, event_id, problem | None


#: In place of a source's topic: what the customers of one signals partition tell their parents
#: in another. A block's ``partition`` is the one that they come from.
ROLLUP = "rollup"


class Block(msgspec.Struct, array_like=True, tag="b", gc=False):
    """Signals of one chunk of one source partition, for one signals partition."""

    topic: str
    partition: int
    sources: list[str]
    signals: list[Signal]
    #: For how many partitions of customers it was routed; 0: not known.
    partitions: int = 0

    def is_for_others(self, partitions: int) -> bool:
        """Whether it was routed for another number of partitions; 0 is a number not known.

        Its writer was frozen while customers moved to others. What it read it has not
        acknowledged, so that it is read again, and routed anew.
        """
        return self.partitions not in (0, partitions or self.partitions)


class Tick(msgspec.Struct, array_like=True, tag="t", gc=False):
    """Time has passed: evaluate who was touched or is due, in this range of customer ids.

    ``after`` is exclusive, ``through`` inclusive; None is no bound. The range
    stands in the record, so that who is evaluated depends on the log alone.
    """

    now_ms: int
    after: str | None = None
    through: str | None = None
    #: The first few told at this tick are looked at ahead of time: few wait, there is time for it.
    looks_ahead: bool = False

    def concerns(self, customer_id: str) -> bool:
        """Whether a customer is in its range."""
        return (self.after is None or customer_id > self.after) and (
            self.through is None or customer_id <= self.through
        )


class Progress(msgspec.Struct, array_like=True, tag="p", gc=False):
    """How far the sources have been read: ``topic/partition`` to Unix milliseconds."""

    read_to_ms: dict[str, int]


class ControlCopy(msgspec.Struct, array_like=True, tag="c", gc=False):
    """A record of the control topic, with its offset there. ``body`` is its JSON.

    ``refused`` is why it decides nothing, as its copier found it; empty where it
    does. It stands in the log, so that every release decides the same from it.
    """

    offset: int
    body: bytes
    refused: str = ""


LogRecord = Block | Tick | Progress | ControlCopy

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[LogRecord] = msgspec.msgpack.Decoder(LogRecord)


def encode(record: LogRecord) -> bytes:
    """The record's bytes on the log."""
    return _encoder.encode(record)


def decode(value: bytes) -> LogRecord:
    """The record in a log value.

    Raises:
        msgspec.DecodeError: if the value is none of ours.
    """
    try:
        return _decoder.decode(value)
    except (UnicodeDecodeError, RecursionError) as error:  # a broken text is no error of msgspec's
        raise msgspec.DecodeError(str(error)) from None
