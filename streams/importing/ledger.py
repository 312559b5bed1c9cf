"""What became of the rows of a run: counts, ids given so far, the list of rejects."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import xxhash

from schemas.inbound import InboundEvent, family_of
from streams.importing.rejects import CellError, RejectReason

__all__ = ["Ledger", "Mapped"]

#: Of a rejected row at most this many characters are listed.
CONTENT_CHARACTERS_MAX = 4000


class Mapped(NamedTuple):
    """A valid event, with the bytes that it is written as."""

    event: InboundEvent
    raw: bytes


@dataclass(slots=True)
class Ledger:
    """Every row ends here once: with events, without (conditions), or rejected.

    Event ids are remembered for the whole run, as 128-bit digests: about 150
    bytes an event.
    """

    rejects_file: TextIO | None = None
    rows: int = 0
    rows_with_events: int = 0
    rows_without_events: int = 0
    rows_rejected: int = 0
    #: Events dropped because the very same event came before.
    repeated: int = 0
    events: Counter[str] = field(default_factory=Counter)
    rejects: Counter[str] = field(default_factory=Counter)
    ignored: list[str] = field(default_factory=list)
    _bodies: dict[int, int] = field(default_factory=dict)

    def settle(self, events: list[Mapped]) -> list[Mapped]:
        """A row's events but those that came before; all of a row's events count, or none.

        Raises:
            CellError: if an id came before with another body. The first one stands.
        """
        fresh: dict[int, tuple[int, Mapped]] = {}
        repeated = 0
        for mapped in events:
            event = mapped.event
            name = f"{len(event.source)}:{event.source}:{event.event_id}"
            key = xxhash.xxh3_128_intdigest(name.encode())
            body = xxhash.xxh3_64_intdigest(mapped.raw)
            known = self._bodies.get(key)
            if known is None and key in fresh:
                known = fresh[key][0]
            if known is None:
                fresh[key] = (body, mapped)
            elif known == body:
                repeated += 1
            else:
                raise CellError(
                    RejectReason.DUPLICATE_ID,
                    f"the event_id {event.event_id!r} was given to another event before",
                )
        for key, (body, mapped) in fresh.items():
            self._bodies[key] = body
            self.events[family_of(mapped.event)] += 1
        self.repeated += repeated
        if fresh or repeated:
            self.rows_with_events += 1
        else:
            self.rows_without_events += 1
        return [mapped for _, mapped in fresh.values()]

    def reject(self, path: Path, row: int, reason: str, detail: str, content: Any) -> None:
        """Count a row as rejected and list it."""
        self.rows_rejected += 1
        self.rejects[reason] += 1
        if self.rejects_file is None:
            return
        if isinstance(content, str):
            content = content[:CONTENT_CHARACTERS_MAX]
        line = {
            "file": path.name,
            "row": row,
            "reason": reason,
            "detail": detail,
            "content": content,
        }
        self.rejects_file.write(json.dumps(line, default=str) + "\n")

    @property
    def rejected_percent(self) -> float:
        """Rejected rows in 100 rows; 0 without rows."""
        return 100 * self.rows_rejected / self.rows if self.rows else 0.0
