"""The simulated company's present. Pure: it is told the time and says what happened until then.

Ordinary work goes on all the time (the live company keeps no office hours, so that
there is something to see on a Sunday night). On top of it comes a play of three acts,
repeated with other customers:

1. an incident in one hosting region: uses fail, urgent tickets come in;
2. a wave of failed payments, some on invoices that are long overdue, and cancellations;
3. support catches up, invoices get paid.

Meanwhile a few customers stop coming, without a word.
"""

import heapq
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from streams.demo.company import DAY_MS, SECOND_MS, Event, Pen, applaud, rfc3339, use
from streams.demo.roster import REGIONS, Account, Archetype, accounts

__all__ = ["ACT_MS", "Live", "Script"]

#: A performance of the three acts takes this long.
ACT_MS = 180 * SECOND_MS


@dataclass(frozen=True, slots=True)
class Script:
    """When what begins, in milliseconds from the start of each performance."""

    incident_ms: int = 6 * SECOND_MS
    payments_ms: int = 20 * SECOND_MS
    cancellations_ms: int = 35 * SECOND_MS
    recovery_ms: int = 80 * SECOND_MS


class Live:
    """What happens from ``start_ms`` on: :meth:`until` tells it piece by piece.

    How the time is cut into pieces changes nothing. Event ids never repeat those of
    :func:`streams.demo.company.history`.
    """

    def __init__(
        self,
        seed: int,
        customers: int,
        start_ms: int,
        *,
        rate: float = 40.0,
        script: Script | None = None,
    ) -> None:
        if not 0 < rate <= 5000:
            raise ValueError(f"{rate:g} events per second; above 0 and up to 5000 can be simulated")
        self._rng = random.Random(f"live/{seed}")
        self._rate_per_ms = rate / 1000
        self._script = script or Script()
        cast = [account for account in accounts(seed, customers) if not account.probe]
        self._pens = {account.number: Pen(account, "l") for account in cast}
        self._everybody = cast
        self._come(account for account in cast if account.silent_days is None)
        self._planned: list[tuple[int, int, Event]] = []
        self._plans = 0
        self._next_ms = float(start_ms)
        self._curtain_ms = start_ms
        self._told_ms = start_ms
        self._performances = 0

    def until(self, at_ms: int) -> list[Event]:
        """What happened since the last call and before ``at_ms``, in order."""
        if at_ms < self._told_ms:
            raise ValueError("the past has been told already")
        self._told_ms = at_ms
        told: list[Event] = []
        while True:
            first_planned = self._planned[0][0] if self._planned else at_ms
            due_ms = min(self._curtain_ms, self._next_ms, first_planned)
            if due_ms >= at_ms:
                return told
            if due_ms == self._curtain_ms:
                self._perform(self._curtain_ms)
            elif due_ms == first_planned:
                told.append(heapq.heappop(self._planned)[2])
            else:
                told.append(self._ordinary(int(self._next_ms)))
                self._next_ms += self._rng.expovariate(self._rate_per_ms)

    def _come(self, present: Iterable[Account]) -> None:
        """From now on only these customers do ordinary work, each as much as it has users."""
        self._here = list(present)
        self._crowd = list(accumulate(len(w.users) * w.habits.presence for w in self._here))

    def _plan(self, events: Iterator[tuple[int, Event]]) -> None:
        for at_ms, event in events:
            self._plans += 1
            heapq.heappush(self._planned, (at_ms, self._plans, event))

    def _ordinary(self, at_ms: int) -> Event:
        """One event of an ordinary day: mostly use, some talk."""
        rng = self._rng
        account = rng.choices(self._here, cum_weights=self._crowd)[0]
        pen = self._pens[account.number]
        chance = rng.random()
        if chance < 0.03:
            return applaud(pen, rng, account, at_ms)
        if chance < 0.04:
            return pen.write(
                at_ms, "engagement.contact", kind="mail", direction="inbound", by=account.name
            )
        if chance < 0.06:
            self._plan(self._question(account, at_ms))
        return use(pen, rng, account, rng.choice(account.users), at_ms, 1)

    def _question(self, account: Account, at_ms: int) -> Iterator[tuple[int, Event]]:
        """A ticket that is answered within half a minute and solved within one."""
        facts = {"priority": "normal", "category": "how to"}
        ticket_id = f"live-{account.number}-{self._plans}"
        answer_s, solve_s = self._rng.randint(8, 30), self._rng.randint(31, 60)
        yield self._ticket(account, at_ms + 1, ticket_id, "opened", **facts)
        answered_ms, solved_ms = at_ms + answer_s * SECOND_MS, at_ms + solve_s * SECOND_MS
        yield self._ticket(
            account, answered_ms, ticket_id, "answered", first_response_s=answer_s, **facts
        )
        yield self._ticket(account, solved_ms, ticket_id, "solved", resolution_s=solve_s, **facts)

    def _perform(self, start_ms: int) -> None:
        """Plan the three acts that begin at ``start_ms``."""
        self._curtain_ms = start_ms + ACT_MS
        cast = self._here.copy()
        self._rng.shuffle(cast)
        region = self._region(cast)
        script = self._script
        share = max(2, len(self._everybody) // 25)
        struck = [who for who in cast if who.region == region]
        rest = [who for who in cast if who not in struck]
        self._plan(self._incident(struck, start_ms + script.incident_ms))
        self._plan(self._payments(rest[:share], start_ms))
        leavers = sorted(rest[share:], key=lambda who: who.archetype is not Archetype.STRUGGLER)[
            : max(1, share // 4)
        ]
        self._plan(self._cancellations(leavers, start_ms + script.cancellations_ms))
        quiet = rest[share : share + max(1, share // 2)]
        if len(self._here) > len(self._everybody) // 3:
            self._come(who for who in self._here if who not in quiet)
        self._performances += 1

    def _region(self, cast: list[Account]) -> str:
        """Each performance has its region."""
        inhabited = {who.region for who in cast}
        regions = [region for region in REGIONS if region in inhabited]
        return regions[self._performances % len(regions)]

    def _incident(self, struck: list[Account], start_ms: int) -> Iterator[tuple[int, Event]]:
        """Uses fail and urgent tickets pile up; support solves them at the end of the play."""
        rng = self._rng
        facts = {"priority": "urgent", "category": "outage"}
        for account in struck:
            pen = self._pens[account.number]
            for _ in range(12):
                at_ms = start_ms + rng.randrange(20 * SECOND_MS)
                yield at_ms, pen.write(
                    at_ms, "usage.feature", feature=rng.choice(account.features),
                    user=rng.choice(account.users), quantity=rng.randint(1, 5), outcome="failed",
                )  # fmt: skip
            if rng.random() < 0.8:
                at_ms = start_ms + 8 * SECOND_MS + rng.randrange(20 * SECOND_MS)
                yield at_ms, pen.write(
                    at_ms, "engagement.survey", survey="nps", score=rng.randint(0, 3),
                    respondent=rng.choice(account.users), comment="It is down again.",
                )  # fmt: skip
            at_ms = start_ms + 15 * SECOND_MS + rng.randrange(20 * SECOND_MS)
            yield at_ms, pen.write(
                at_ms, "engagement.pulse", pulse="worried", reason="they called about the outage",
                author=account.owner, expires_at=rfc3339(at_ms + DAY_MS),
            )  # fmt: skip
            for number in range(rng.randint(3, 5)):
                ticket_id = f"outage-{self._performances}-{account.number}-{number}"
                at_ms = start_ms + rng.randrange(12 * SECOND_MS)
                solved_ms = at_ms + self._script.recovery_ms + rng.randrange(40 * SECOND_MS)
                solve_s = (solved_ms - at_ms) // 1000
                yield self._ticket(account, at_ms, ticket_id, "opened", **facts)
                yield self._ticket(account, at_ms + 6000, ticket_id, "escalated", **facts)
                yield self._ticket(
                    account, solved_ms, ticket_id, "solved", resolution_s=solve_s, **facts
                )

    def _payments(self, unlucky: list[Account], start_ms: int) -> Iterator[tuple[int, Event]]:
        """Cards are refused; every second invoice turns out to have been due long ago."""
        for number, account in enumerate(unlucky):
            pen = self._pens[account.number]
            first_ms = start_ms + self._script.payments_ms + self._rng.randrange(8 * SECOND_MS)
            overdue_days = 34 if number % 2 == 0 else 4
            facts = {
                "invoice_id": f"wave-{self._performances}-{account.number}",
                "due_at": rfc3339(first_ms - overdue_days * DAY_MS),
                "amount_minor": account.mrr_minor, "currency": account.currency,
            }  # fmt: skip
            paid_ms = start_ms + self._script.recovery_ms + self._rng.randrange(60 * SECOND_MS)
            for change, at_ms in (
                ("payment_failed", first_ms),
                ("invoice_overdue", first_ms + SECOND_MS),
                ("payment_failed", first_ms + 4 * SECOND_MS),
                ("invoice_paid", paid_ms),
            ):
                yield at_ms, pen.write(at_ms, "billing.changed", change=change, **facts)

    def _cancellations(self, leavers: list[Account], start_ms: int) -> Iterator[tuple[int, Event]]:
        for account in leavers:
            at_ms = start_ms + self._rng.randrange(10 * SECOND_MS)
            yield at_ms, self._pens[account.number].write(
                at_ms, "billing.changed", change="cancel_scheduled",
                subscription_id=f"sub-{account.number}",
                reason=self._rng.choice(("too expensive", "moved to a competitor", "unused")),
            )  # fmt: skip

    def _ticket(
        self, account: Account, at_ms: int, ticket_id: str, change: str, **facts: Any
    ) -> tuple[int, Event]:
        pen = self._pens[account.number]
        return at_ms, pen.write(
            at_ms, "ticket.changed", ticket_id=ticket_id, change=change, **facts
        )
