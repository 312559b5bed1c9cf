"""What is told to the world: ScoreChanged and Transition bodies, and the words in them.

Bodies are a function of the row before, the evaluation and the card, so the
same log makes the same bytes: a consumer may drop a repeat by its id.
"""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from schemas.scores import Cause
from scoring.card import Card, MeasureSpec
from scoring.evaluate import Evaluation
from scoring.metrics import Unit
from scoring.row import Customer, Emitted

__all__ = ["Output", "health_of", "outputs_of", "view_of", "words_of"]

_CLOUD_EVENT = {"specversion": "1.0"}
_ATTRIBUTES = (
    "owner", "mrr_minor", "currency", "seats", "plan", "country", "zone", "status", "renewal_at",
)  # fmt: skip
_LABELS = {"respread": "weight of missing measures"}


class Output(NamedTuple):
    """One record to send: to which topic (a key of ``schemas.topics.TOPICS``), and its bytes."""

    topic: str
    customer: str
    body: bytes


def outputs_of(
    customer_id: str, customer: Customer, before: Emitted | None, card: Card, *, source: str
) -> list[Output]:
    """The records for what ``customer`` has just emitted: a score change, perhaps a crossing."""
    emitted = customer.emitted
    assert emitted is not None
    data = _data(customer_id, customer, emitted, card)
    envelope = {
        **_CLOUD_EVENT,
        "id": f"{customer_id}/{customer.epoch}-{customer.sequence}",
        "source": source,
        "subject": customer_id,
        "time": rfc3339(emitted.at_ms),
        "datacontenttype": "application/json",
    }
    after = health_of(emitted, card)
    score_body = {
        **envelope,
        "type": "customer.health_score_changed",
        "data": {
            **data,
            "before": None if before is None else health_of(before, card),
            "after": after,
        },
    }
    outputs = [Output("scores", customer_id, msgspec.json.encode(score_body))]
    band_before = None if before is None else before.band
    if band_before != emitted.band:
        crossing = {
            **envelope,
            "id": f"{customer_id}/{customer.epoch}-{customer.sequence}/band",
            "type": "customer.health_band_changed",
            "data": {
                **{k: data[k] for k in ("customer_id", "customer_name", "epoch", "sequence")},
                "scorecard": data["scorecard"],
                "cause": emitted.cause,
                "line": "band",
                "before": band_before,
                "after": emitted.band,
                "score_before": None if before is None else before.score,
                "score_after": emitted.score,
                "because": emitted.because,
                "movers": data["movers"],
                "events": data["events"],
                "contributions": after["contributions"],
                "attributes": data["attributes"],
            },
        }
        outputs.append(Output("transitions", customer_id, msgspec.json.encode(crossing)))
    return outputs


def view_of(customer_id: str, customer: Customer, card: Card) -> dict[str, Any] | None:
    """What the view holds of a customer, from the row alone; None if nothing was emitted yet."""
    emitted = customer.emitted
    if emitted is None:
        return None
    data = _data(customer_id, customer, emitted, card)
    return {**data, "health": health_of(emitted, card), "changed_at": rfc3339(emitted.at_ms)}


def _data(customer_id: str, customer: Customer, emitted: Emitted, card: Card) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "customer_name": emitted_name(customer),
        "epoch": customer.epoch,
        "sequence": customer.sequence,
        "scorecard": {"name": card.name, "version": card.version, "hash": card.hash},
        "cause": emitted.cause,
        "delta": emitted.delta,
        "movers": [{"name": n, "kind": k, "delta": d} for n, k, d in emitted.movers],
        "because": emitted.because,
        "events": [{"source": s, "id": i} for s, i in emitted.events],
        "next_change_at": None if emitted.next_ms is None else rfc3339(emitted.next_ms),
        "attributes": emitted.attributes,
    }


def emitted_name(customer: Customer) -> str | None:
    """The customer's name as of its last output."""
    emitted = customer.emitted
    name = None if emitted is None else emitted.attributes.get("name")
    return None if name is None else str(name)


def attributes_of(customer: Customer) -> dict[str, Any]:
    """Account facts for lists and routing."""
    found: dict[str, Any] = {}
    for name in ("name", *_ATTRIBUTES):
        value = customer.state.fact(name)
        if value is not None:
            found[name] = rfc3339(value) if name == "renewal_at" else value
    segment = customer.state.fact("attributes")
    if segment:
        found.update({f"attribute.{key}": value for key, value in segment.items()})
    return found


def health_of(emitted: Emitted, card: Card) -> dict[str, Any]:
    """The ``Health`` in an emitted score."""
    specs = card.by_name
    pending = emitted.pending
    return {
        "score": emitted.score,
        "band": emitted.band,
        "letter": emitted.letter,
        "coverage_ppm": emitted.coverage_ppm,
        "contributions": [_contribution(line, specs.get(line[0]), card) for line in emitted.lines],
        "overrides": emitted.overrides,
        "pending": None
        if pending is None
        else {"band": pending[0], "since": rfc3339(pending[1]), "at": rfc3339(pending[2])},
    }


def _contribution(
    line: tuple[str, str, int, int | None, int | None, int], spec: MeasureSpec | None, card: Card
) -> dict[str, Any]:
    name, kind, points, curve_points, value, weight_ppm = line
    if kind == "override":
        says: str | None = next((o.says for o in card.overrides if o.name == name), None)
    else:
        says = None if spec is None or kind != "measure" else words_of(spec, value)
    return {
        "name": name,
        "kind": kind,
        "group": None if spec is None else spec.group,
        "value": None if value is None else value / 1_000_000,
        "curve_points": curve_points,
        "weight_ppm": weight_ppm,
        "points": points,
        "says": says,
    }


def words_of(spec: MeasureSpec, value: int | None) -> str:
    """A measure's value in words: its ``says`` text with the value in it."""
    shown = "no data" if value is None else _shown(spec.metric.unit, value)
    if spec.says is not None and value is not None:
        return spec.says.replace("{value}", shown)
    return f"{spec.name.replace('_', ' ')}: {shown}"


def _shown(unit: Unit, value: int) -> str:
    if unit is Unit.RATIO:
        return f"{round(value / 10_000)} %"
    if unit is Unit.SECONDS:
        return _span(value // 1_000_000)
    if unit is Unit.DAYS:
        return _span((value * 86_400 + 500_000) // 1_000_000)
    number = value / 1_000_000
    return f"{number:.0f}" if number == int(number) or number >= 100 else f"{number:.1f}"


def _span(seconds: int) -> str:
    """A time span as people say it: the largest unit that fits, rounded down."""
    for size, one in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {one}" if count == 1 else f"{count} {one}s"
    return "under a minute"


def movers_of(
    before: Emitted | None, evaluation: Evaluation
) -> tuple[int | None, list[tuple[str, str, int]]]:
    """The delta, and what each line did to it, largest first; they add up exactly."""
    if before is None or before.score is None or evaluation.score is None:
        return None, []
    deltas: dict[tuple[str, str], int] = {}
    for line in evaluation.lines:
        deltas[(line.name, line.kind)] = line.points
    for name, kind, points, *_ in before.lines:
        deltas[(name, kind)] = deltas.get((name, kind), 0) - points
    moved = [(name, kind, delta) for (name, kind), delta in deltas.items() if delta]
    moved.sort(key=lambda mover: (-abs(mover[2]), mover[0]))
    return evaluation.score - before.score, moved


def because(
    cause: Cause,
    evaluation: Evaluation,
    movers: list[tuple[str, str, int]],
    card: Card,
    *,
    scored: bool,
) -> str:
    """One sentence for people."""
    if not scored:
        return (
            "Not scored: the account's status, or that it is internal, takes it off the scorecard"
        )
    if evaluation.score is None:
        missing = [
            line.name.replace("_", " ") for line in evaluation.lines if line.curve_points is None
        ]
        return f"Too little is known: no data for {', '.join(missing[:4])}"
    if cause is Cause.SCORECARD:
        lead = f"New scorecard {card.name} {card.version}"
    elif cause is Cause.FIRST or not movers:
        worst = sorted(
            (line for line in evaluation.lines if line.curve_points is not None),
            key=lambda line: (line.curve_points or 0) * line.weight_ppm - 10_000 * line.weight_ppm,
        )
        told = [_told(line.name, line.kind, evaluation, card) for line in worst[:2]]
        return "; ".join(told) or "All measures are well"
    else:
        lead = ""
    parts = [
        f"{_told(name, kind, evaluation, card)} ({delta / 100:+.1f})"
        for name, kind, delta in movers[:2]
    ]
    return "; ".join(part for part in (lead, *parts) if part)


def _told(name: str, kind: str, evaluation: Evaluation, card: Card) -> str:
    if kind == "override":
        return next((o.says for o in card.overrides if o.name == name), name)
    spec = card.by_name.get(name)
    if spec is None:
        return _LABELS.get(name, name.replace("_", " "))
    value = next((line.value for line in evaluation.lines if line.name == name), None)
    return words_of(spec, value)


def rfc3339(ms: int) -> str:
    """Unix milliseconds as an RFC 3339 time in UTC."""
    return (
        datetime.fromtimestamp(ms / 1000, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )
