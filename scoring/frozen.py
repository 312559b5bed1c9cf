"""Sources that stopped: what they feed is frozen, for a while, then missing.

A suspended webhook looks like a quiet, happy customer. So while a source is
declared stalled, the measures that its events move are read as of the instant
at which it stalled: nobody "goes silent" because of it. After the card's limit
they have no data.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256

from schemas.signals import Kind

__all__ = ["frozen_kinds", "mark_of", "same_card", "same_percentiles"]

_KINDS: dict[str, frozenset[Kind]] = {
    "accounts": frozenset({Kind.ACCOUNT}),
    "usage": frozenset({Kind.FEATURE, Kind.ACTIVITY}),
    "tickets": frozenset({Kind.TICKET}),
    "billing": frozenset({Kind.BILLING}),
    "engagement": frozenset(
        {Kind.SURVEY, Kind.FEEDBACK, Kind.CONTACT, Kind.GOAL, Kind.PULSE, Kind.STATE,
         Kind.LIFECYCLE, Kind.TOUCH}
    ),
}  # fmt: skip
_CARD_BYTES = 4
_PERCENTILES_AT = 6


def frozen_kinds(stalled: Mapping[str, int]) -> dict[Kind, int]:
    """Which kinds of signals do not come, and since when; ``stalled`` has topics with times."""
    found: dict[Kind, int] = {}
    for topic, since_ms in stalled.items():
        family = topic.split(".")[-2] if topic.count(".") else ""
        for kind in _KINDS.get(family, ()):
            found[kind] = min(since_ms, found.get(kind, since_ms))
    return found


def mark_of(card_hash: str, stalled: Iterable[str], percentiles: int | None = None) -> bytes:
    """Eight bytes that say under which circumstances a customer was evaluated.

    Whoever has another mark is evaluated again. Four are the card's, two say which sources
    were stalled, the last two which snapshot of percentiles was in use: its number among the
    decisions, None without one. Two snapshots after each other never have the same two.
    """
    topics = sorted(stalled)
    sources = sha256("\0".join(topics).encode()).digest()[:2] if topics else b"\0\0"
    number = 0 if percentiles is None else 1 + percentiles % 0xFFFF
    return bytes.fromhex(card_hash)[:_CARD_BYTES] + sources + number.to_bytes(2)


def same_card(mark: bytes, other: bytes) -> bool:
    """Whether two marks are of the same card."""
    return mark[:_CARD_BYTES] == other[:_CARD_BYTES]


def same_percentiles(mark: bytes, other: bytes) -> bool:
    """Whether two marks are of the same snapshot of percentiles."""
    return mark[_PERCENTILES_AT:] == other[_PERCENTILES_AT:]
