"""Account facts that are told beside a score: for lists, their order, and routing."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from schemas.currencies import minor_digits
from scoring.account import mrr
from scoring.card import Card
from scoring.emitted import Emitted
from scoring.moment import VALUE_MAX, Moment
from scoring.state import CustomerState
from scoring.units import MICRO

__all__ = ["attributes_of", "facts_moved", "reported_mrr", "rfc3339"]

_ATTRIBUTES = (
    "owner", "mrr_minor", "currency", "seats", "plan", "country", "zone", "status", "renewal_at",
    "parent",
)  # fmt: skip
_LISTED_BY = ("owner", "mrr_minor", "currency", "renewal_at")


def attributes_of(state: CustomerState, card: Card, moment: Moment) -> dict[str, Any]:
    """Account facts for lists and routing; of MRR also what it is in the card's currency."""
    found: dict[str, Any] = {}
    for name in ("name", *_ATTRIBUTES):
        value = _shown_fact(state, name)
        if value is not None:
            found[name] = value
    found.update(reported_mrr(state, card, moment))
    own = state.fact("attributes")
    if own:
        found.update({f"attribute.{key}": value for key, value in own.items()})
    return found


def facts_moved(told: Emitted, state: CustomerState) -> bool:
    """Whether a fact by which lists are ordered or customers routed is another than was told."""
    attributes, facts = told.attributes, state.facts
    for name in _LISTED_BY:
        if (name in facts or name in attributes) and (
            attributes.get(name) != _shown_fact(state, name)
        ):
            return True
    return False


def _shown_fact(state: CustomerState, name: str) -> Any:
    value = state.fact(name)
    return rfc3339(value) if name == "renewal_at" and value is not None else value


def reported_mrr(state: CustomerState, card: Card, moment: Moment) -> dict[str, Any]:
    """MRR in the card's currency, at the day's rate; nothing where that is not known.

    A card without a currency reports each amount in its own.
    """
    amount, currency = state.fact("mrr_minor"), state.fact("currency") or ""
    if amount is None:
        return {}
    if card.rates is not None:
        micro, currency = mrr(card.rates)(state, moment).value, card.rates.currency
        if not isinstance(micro, int):
            return {}
        amount = micro * 10 ** minor_digits(currency) // MICRO
    amount = min(max(amount, -VALUE_MAX), VALUE_MAX)
    return {"mrr_reporting_minor": amount} | ({"reporting_currency": currency} if currency else {})


@lru_cache(maxsize=4096)
def rfc3339(ms: int) -> str:
    """Unix milliseconds as an RFC 3339 time in UTC."""
    return (
        datetime.fromtimestamp(ms / 1000, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )
