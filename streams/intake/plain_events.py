"""The short ways of reading records, by family; where there is none the reference reads all."""

from collections.abc import Callable

from schemas.signals import Signal
from streams.intake.plain_changes import PlainChanges
from streams.intake.plain_usage import PlainUsage

__all__ = ["PlainEvents", "ReadPlain"]

#: A record's source and signal (its ``source_ix`` is 0); None: ask the reference.
ReadPlain = Callable[[bytes | None, int], tuple[str, Signal] | None]


class PlainEvents:
    """Reads what is plain; keeps a memory of times, so not for two threads."""

    def __init__(self, *, compiled: bool = True) -> None:
        self.usage = PlainUsage(compiled=compiled)
        changes = PlainChanges()
        self._readers: dict[str, ReadPlain] = {
            "usage": self.usage.read, "tickets": changes.ticket, "billing": changes.billing,
        }  # fmt: skip

    def reader(self, family: str) -> ReadPlain:
        """The short way of a family."""
        return self._readers.get(family, _never)


def _never(raw: bytes | None, offset: int) -> None:
    """Nothing is plain."""
