"""What a row remembers of a customer that somebody called handled."""

import msgspec

__all__ = ["Handling", "Seen"]


class Seen(msgspec.Struct, array_like=True, frozen=True):
    """What was known of a customer when somebody called it handled."""

    score: int | None
    band: str
    letter: str | None
    overrides: tuple[str, ...]
    indicators: tuple[str, ...]
    #: Archetype and outlook; empty where there is none.
    classes: tuple[str, ...]


class Handling(msgspec.Struct, array_like=True, frozen=True):
    """The last word that a customer is handled: its event, and what was known; None: it ended."""

    at_ms: int
    event_id: str
    seen: Seen | None
