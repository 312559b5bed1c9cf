"""A customer of the card that has everything, who falls silent: as the view is told of it."""

from pathlib import Path

from partitionlog import DAY_MS as D
from partitionlog import HOUR_MS, Log, at, bodies, changed_card, event, source_control
from partitionlog import START_MS as S
from schemas.scores import ScoreChanged
from schemas.signals import Tick
from schemas.views import CustomerHealth

RICH = Path(__file__).parent / "scoring" / "rich.yaml"


def silence(days: int) -> tuple[Log, int]:
    """A customer of the rich card who falls silent, and whose tickets' source stops; until when."""
    card = changed_card(
        ("label: Needs help}", "label: Needs help, expects: low}"),
        ("label: Not seen, says:", "label: Not seen, expects: high, says:"),
        (">= 30d", ">= 8d"),
        text=RICH.read_text(),
    )
    log = Log(card)
    account = event(
        "account.changed", S, status="customer", seats=4, mrr_minor=90_000, currency="EUR",
        started_at=at(S - 400 * D), renewal_at=at(S + 400 * D),
    )  # fmt: skip
    uses = [
        event("usage.feature", S - n, event_id=f"u{n}", feature=f"f{n}", user=f"u{n % 3}")
        for n in range(6)
    ]
    ticket = event("ticket.changed", S, ticket_id="t", change="opened")
    log.read(S + HOUR_MS, account, *uses, ticket)
    log.read(S + HOUR_MS, event("billing.changed", S, change="payment_failed"))
    log.add(source_control("source.stalled", "health.tickets.v1", 1), S + HOUR_MS)
    now_ms = S + HOUR_MS
    for day in range(days):
        now_ms = S + day * D + 2 * HOUR_MS
        log.add(Tick(now_ms, None, None, True), now_ms)
    return log, now_ms


def told(days: int = 12) -> tuple[list[CustomerHealth], int]:
    """What the view is told of :func:`silence`."""
    log, now_ms = silence(days)
    return [
        CustomerHealth.of(ScoreChanged.model_validate(body)) for body in bodies(log.outputs)
    ], now_ms
