"""The seeded world: what customers do, and what must be known of each of them in the end.

How often a customer used something, how many tickets are open and what was felt last are
formulas of the customer's number and the seed: a second oracle, which shares nothing with
the product. Some records are sent twice, some are bad, and neighbours change places.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

__all__ = ["Expected", "Sent", "World"]

#: Of all records, so many in 1,000 are sent a second time, or are no event.
TWICE, BAD = 50, 2
#: Neighbours within so many records change places.
DISORDER = 40
FEELINGS = ("good", "lost", "worried", "good", "unsure")
BAD_VALUES = (b"{", b"[]", b"", b'{"type": "usage.feature"}', b"\xff\xfe", b"null")


class Sent(NamedTuple):
    """One record for a source topic."""

    family: str
    key: bytes
    value: bytes


class Expected(NamedTuple):
    """What must be known of a customer."""

    uses: int
    open_tickets: int
    felt: str


@dataclass(frozen=True)
class World:
    """``events`` records for ``customers`` customers, as one seed makes them."""

    seed: int
    events: int
    customers: int
    now: datetime

    def name(self, number: int) -> str:
        """A customer's id."""
        return f"customer-{number:05}"

    @property
    def _rounds(self) -> int:
        """Uses of the least busy customer."""
        return max((self.events - 4 * self.customers) // self.customers - 7, 1)

    def expected(self, number: int) -> Expected:
        """By formula; the feelings change places for nobody, and the last one counts."""
        tickets, feelings = number % 3 + 1, number % 4 + 1
        return Expected(
            uses=self._rounds + (number * 7 + self.seed) % 13,
            open_tickets=tickets - number % 2,
            felt=FEELINGS[(number + feelings - 1) % len(FEELINGS)],
        )

    def records(self) -> Iterator[Sent]:
        """All of them, in the order in which they are sent."""
        rng = random.Random(self.seed)
        waiting: list[Sent] = []
        for sent in self._ordered(rng):
            waiting.append(sent)
            if rng.randrange(1000) < TWICE and sent.value[:1] == b"{":
                waiting.append(sent)
            while len(waiting) > DISORDER:
                yield waiting.pop(rng.randrange(DISORDER))
        yield from waiting

    def bad(self) -> int:
        """How many of them are no events."""
        return sum(1 for each in self.records() if each.key == b"bad")

    def _ordered(self, rng: random.Random) -> Iterator[Sent]:
        """Customer by customer in turn, so that all live through the whole run."""
        stories = [self._story(number) for number in range(self.customers)]
        while stories:
            left = []
            for story in stories:
                found = next(story, None)
                if found is None:
                    continue
                yield found
                left.append(story)
                if rng.randrange(1000) < BAD:
                    family = rng.choice(("usage", "tickets", "billing"))
                    yield Sent(family, b"bad", rng.choice(BAD_VALUES))
            stories = left

    def _story(self, number: int) -> Iterator[Sent]:
        """What one customer does, in order of time."""
        expected = self.expected(number)
        tickets, feelings = number % 3 + 1, number % 4 + 1
        deeds: list[tuple[str, dict[str, Any]]] = [
            ("accounts", {"type": "account.created", "name": self.name(number), "seats": 5,
                          "status": "customer"}),
            *(("tickets", {"type": "ticket.changed", "ticket_id": f"{number}-{n}",
                           "change": "opened", "priority": "normal"}) for n in range(tickets)),
        ]  # fmt: skip
        if number % 2:
            closed = {"type": "ticket.changed", "ticket_id": f"{number}-0", "change": "closed"}
            deeds.append(("tickets", closed))
        uses = [("usage", {"type": "usage.feature", "feature": f"f{n % 6}", "user": f"u{n % 3}"})
                for n in range(expected.uses)]  # fmt: skip
        pulses = [("engagement", {"type": "engagement.pulse",
                                  "reason": "a talk", "author": "Dana",
                                  "pulse": FEELINGS[(number + n) % len(FEELINGS)]})
                  for n in range(feelings)]  # fmt: skip
        every = max(len(uses) // feelings, 1)
        for n, use in enumerate(uses):
            if n % every == 0 and pulses:
                deeds.append(pulses.pop(0))
            deeds.append(use)
        deeds += pulses
        # Within some hours, to the present: nothing of it is history.
        step = timedelta(hours=6) / (len(deeds) + 1)
        for n, (family, fields) in enumerate(deeds):
            at = self.now - timedelta(hours=6) + (n + 1) * step
            body = {
                "event_id": f"{number}-{n}", "customer_id": self.name(number), "source": "world",
                "occurred_at": at.astimezone(UTC).isoformat(), **fields,
            }  # fmt: skip
            yield Sent(family, self.name(number).encode(), json.dumps(body).encode())
