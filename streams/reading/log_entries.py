"""Records of the signals log as plain, named values: what ``vitals signals --json`` prints.

Fields of signals have their names here, in the order in which they stand on
the wire; a field that a newer release appended shows as ``field_7``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from schemas import signals
from schemas.control import Undecided, decision_in
from schemas.signals import Block, ControlCopy, Kind, LogRecord, Progress, Signal, Tick
from scoring.facts import rfc3339

__all__ = ["RECORD_KINDS", "SIGNAL_KINDS", "Wanted", "entry_of", "signal_entry"]

Entry = dict[str, Any]

RECORD_KINDS = ("block", "tick", "progress", "control")
SIGNAL_KINDS = tuple(kind.name.lower() for kind in Kind)

_FIELDS: dict[Kind, tuple[str, ...]] = {
    Kind.FEATURE: (
        "feature", "user", "user_kind", "quantity", "duration_ms", "failed", "properties",
    ),
    Kind.ACTIVITY: (
        "activity", "user", "amount_minor", "currency", "rating_ppm", "item", "properties",
    ),
    Kind.TICKET: (
        "ticket", "change", "priority", "category",
        "first_response_ms", "resolution_ms", "satisfaction_ppm", "properties",
    ),
    Kind.BILLING: (
        "change", "invoice", "due_at", "amount_minor", "currency", "mrr_minor", "seats", "plan",
        "renewal_at", "reason", "subscription", "properties",
    ),
    Kind.SURVEY: ("survey", "score_ppm", "score_thousandths", "respondent", "properties"),
    Kind.FEEDBACK: ("sentiment", "feature", "properties"),
    Kind.CONTACT: ("kind", "direction", "by", "properties"),
    Kind.GOAL: ("goal", "kind", "change", "due_at", "properties"),
    Kind.PULSE: ("pulse", "reason", "author", "expires_at"),
    Kind.STATE: ("state", "reason", "author", "expires_at"),
    Kind.LIFECYCLE: ("stage",),
    Kind.TOUCH: ("what", "completed", "item", "user", "sentiment", "properties"),
    Kind.ROLLUP: ("child", "before", "now", "cause"),
    Kind.PROBE: ("path", "levels_below", "cycle"),
    Kind.ANSWER: ("said_at", "said_by", "problem"),
}  # fmt: skip
#: On the wire these are Unix milliseconds.
_TIMES = frozenset({"due_at", "renewal_at", "expires_at", "started_at", "created_at", "said_at"})
_USER_KINDS = ("human", "automated", "staff")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be shown. ``kinds`` names record kinds and signal kinds; empty is all."""

    kinds: frozenset[str] = frozenset()
    customer: str | None = None

    def signals_of(self, block: Block) -> list[Signal]:
        """The block's signals that are wanted."""
        named = {Kind[kind.upper()] for kind in self.kinds if kind in SIGNAL_KINDS}
        if self.kinds and not named and "block" not in self.kinds:
            return []
        everything = not self.kinds or "block" in self.kinds
        return [
            signal
            for signal in block.signals
            if (self.customer is None or signal[2] == self.customer)
            and (everything or signal[5] in named)
        ]

    def wants(self, record: LogRecord) -> bool:
        """Whether a record that is no block is wanted.

        Of one customer, without naming kinds: decisions, which concern
        everybody; neither progress nor ticks, of which there are thousands.
        """
        match record:
            case Tick():
                who = self.customer
                of_whom = who is None or record.concerns(who)
                return self._kind("tick", of_customer=False) and of_whom
            case Progress():
                return self._kind("progress", of_customer=False)
            case _:
                return self._kind("control", of_customer=True)

    def _kind(self, name: str, *, of_customer: bool) -> bool:
        if self.kinds:
            return name in self.kinds
        return self.customer is None or of_customer


def entry_of(
    partition: int, offset: int, append_ms: int, value: bytes | None, wanted: Wanted
) -> Entry | None:
    """A record of the log by names, reduced to what is wanted; None if nothing of it is."""
    entry: Entry = {"partition": partition, "offset": offset, "appended_at": rfc3339(append_ms)}
    try:
        record = signals.decode(value or b"")
    except msgspec.MsgspecError as error:
        return entry | {"kind": "unreadable", "bytes": len(value or b""), "problem": str(error)}
    if isinstance(record, Block):
        chosen = wanted.signals_of(record)
        return entry | _block(record, chosen) if chosen else None
    return entry | _other(record) if wanted.wants(record) else None


def _block(block: Block, chosen: Iterable[Signal]) -> Entry:
    return {
        "kind": "block",
        "from": f"{block.topic}/{block.partition}",
        "signals_in_block": len(block.signals),
        "signals": [signal_entry(signal, block.sources) for signal in chosen],
    }


def signal_entry(signal: Signal, sources: Sequence[str]) -> Entry:
    """One signal by names. ``offset`` is its event's, in the topic that the block is from."""
    offset, at_ms, customer, source_ix, event_id, number, *payload = signal
    try:
        kind = Kind(number)
    except ValueError:  # of a newer release
        name, fields = f"kind_{number}", _named((), payload)
    else:
        name = kind.name.lower()
        fields = _account(payload) if kind is Kind.ACCOUNT else _named(_FIELDS[kind], payload)
    return {
        "offset": offset,
        "at": rfc3339(at_ms),
        "customer": customer,
        "kind": name,
        "source": sources[source_ix],
        "event_id": event_id,
        "fields": fields,
    }


def _account(payload: Sequence[Any]) -> Entry:
    return {name: _shown(name, value) for name, value in payload[0].items()}


def _named(names: Sequence[str], payload: Sequence[Any]) -> Entry:
    """The fields that have a value."""
    named = [*names, *(f"field_{n}" for n in range(len(names) + 1, len(payload) + 1))]
    return {
        name: _shown(name, value)
        for name, value in zip(named, payload, strict=False)
        if value is not None
    }


def _shown(name: str, value: Any) -> Any:
    if name in _TIMES and value is not None:
        return rfc3339(value)
    if name == "user_kind" and 0 <= value < len(_USER_KINDS):
        return _USER_KINDS[value]
    return bool(value) if name in ("failed", "completed") else value


def _other(record: Tick | Progress | ControlCopy) -> Entry:
    if isinstance(record, Tick):
        return {
            "kind": "tick",
            "now": rfc3339(record.now_ms),
            "after": record.after,
            "through": record.through,
        }
    if isinstance(record, Progress):
        times = sorted(record.read_to_ms.items())
        return {"kind": "progress", "read_to": {source: rfc3339(ms) for source, ms in times}}
    entry: Entry = {"kind": "control", "control_offset": record.offset}
    decision = decision_in(record.body)
    if isinstance(decision, Undecided):
        return entry | {"problem": record.refused or decision.problem}
    if record.refused:
        entry["refused"] = record.refused
    # A text is long and known by its hash; a snapshot: `vitals percentiles show`.
    return entry | {"decision": decision.model_dump(mode="json", exclude={"text", "groups"})}
