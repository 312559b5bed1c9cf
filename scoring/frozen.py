"""Sources that stopped: what they feed is frozen, for a while, then missing.

A suspended webhook looks like a quiet, happy customer. So while a source is
declared stalled, the measures that its events move are read as of the instant
at which it stalled: nobody "goes silent" because of it. After the card's limit
they have no data.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256

from schemas.signals import Kind

__all__ = ["frozen_kinds", "mark_of", "same_card"]

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
_CARD_BYTES = 6


def frozen_kinds(stalled: Mapping[str, int]) -> dict[Kind, int]:
    """Which kinds of signals do not come, and since when; ``stalled`` has topics with times."""
    found: dict[Kind, int] = {}
    for topic, since_ms in stalled.items():
        family = topic.split(".")[-2] if topic.count(".") else ""
        for kind in _KINDS.get(family, ()):
            found[kind] = min(since_ms, found.get(kind, since_ms))
    return found


def mark_of(card_hash: str, stalled: Iterable[str]) -> bytes:
    """Eight bytes that say with which card, and which stalled sources, a customer was evaluated.

    Whoever has another mark is evaluated again. The first six are the card's.
    """
    topics = sorted(stalled)
    rest = sha256("\0".join(topics).encode()).digest()[:2] if topics else b"\0\0"
    return bytes.fromhex(card_hash)[:_CARD_BYTES] + rest


def same_card(mark: bytes, other: bytes) -> bool:
    """Whether two marks are of the same card."""
    return mark[:_CARD_BYTES] == other[:_CARD_BYTES]
