"""Measures how long an event takes to be readable as a score.

A few accounts exist for nothing else: each has one urgent ticket that is opened and
solved in turn, which moves its score every time. The time runs from the event being
handed to the producer to its score change being read from the view.
"""

from collections.abc import Sequence
from itertools import count

from schemas.scores import EventRef
from streams.demo.company import Event, Pen
from streams.demo.roster import Account

__all__ = ["INTERVAL_S", "Probes"]

#: Probes are sent this far apart, over all accounts.
INTERVAL_S = 1.0


class Probes:
    """Writes probe events and recognises them in score changes."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        if not accounts:
            raise ValueError("no account to probe with")
        self._pens = {account.customer_id: Pen(account, "p") for account in accounts}
        self._turn = count()
        self._sent: dict[str, dict[str, float]] = {name: {} for name in self._pens}

    @property
    def unanswered(self) -> int:
        """Probes that no score change has shown yet."""
        return sum(len(sent) for sent in self._sent.values())

    def next(self, at_ms: int, elapsed_s: float) -> Event:
        """The next probe event; its time starts at ``elapsed_s``."""
        turn = next(self._turn)
        names = list(self._pens)
        name, visit = names[turn % len(names)], turn // len(names)
        change = "solved" if visit % 2 else ("opened" if visit == 0 else "reopened")
        event = self._pens[name].write(
            at_ms, "ticket.changed", ticket_id=f"{name}/1", change=change, priority="urgent",
            category="latency probe",
        )  # fmt: skip
        self._sent[name][event["event_id"]] = elapsed_s
        return event

    def seen(self, customer_id: str, events: Sequence[EventRef], elapsed_s: float) -> list[float]:
        """Milliseconds of the probes that a score change shows.

        A change that shows one probe holds all earlier ones of its customer too: they
        have been waited for as well, so that a slow stretch is not left out.
        """
        sent = self._sent.get(customer_id, {})
        shown = {event.id for event in events} & sent.keys()
        if not shown:
            return []
        order = list(sent)
        last = max(order.index(event_id) for event_id in shown)
        return [(elapsed_s - sent.pop(event_id)) * 1000 for event_id in order[: last + 1]]
