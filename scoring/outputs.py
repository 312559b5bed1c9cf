"""What is told to the world: ScoreChanged and Transition bodies, and the words in them.

Bodies are a function of the row before, the evaluation and the card, so the
same log makes the same bytes: a consumer may drop a repeat by its id.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from scoring.account import Mark
from scoring.bands import limits_of
from scoring.card import Card
from scoring.emitted import Emitted, Told
from scoring.expected import disagreement, level_of
from scoring.facts import rfc3339
from scoring.forecast import Coming
from scoring.hierarchy import CHILDREN, words_of_children
from scoring.moment import Value
from scoring.movers import groups_of
from scoring.recent import Event
from scoring.row import Customer
from scoring.units import MICRO
from scoring.variants import Variant
from scoring.words import words_of

__all__ = ["Output", "health_of", "outputs_of", "reference_to", "view_of"]

_CLOUD_EVENT = {"specversion": "1.0"}
#: So many events are named for a change as a whole.
EVENTS_MAX = 5


class Output(NamedTuple):
    """One record to send: to which topic (a key of ``schemas.topics.TOPICS``), and its bytes.

    ``customer`` is the record's key; that of a report about an activation is its partition.
    """

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
                "groups": data["groups"],
                "events": data["events"],
                "contributions": after["contributions"],
                "attributes": data["attributes"],
                "not_pursued": after["not_pursued"],
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
        "scorecard": reference_to(card),
        "cause": emitted.cause,
        "delta": emitted.delta,
        "movers": _movers(emitted, card),
        "groups": [
            {"name": name, "delta": delta}
            for name, delta in groups_of(emitted.movers, card).items()
        ],
        "because": emitted.because,
        "events": [_event(event) for event in _latest(emitted)],
        "next_change_at": None if emitted.next_ms is None else rfc3339(emitted.next_ms),
        "attributes": emitted.attributes,
    }


def _movers(emitted: Emitted, card: Card) -> list[dict[str, Any]]:
    events = {(name, kind): found for name, kind, found in emitted.fed}
    return [
        {
            "name": name,
            "kind": kind,
            "group": card.group_of(name, kind),
            "delta": delta,
            "events": [_event(event) for event in events.get((name, kind), [])],
        }
        for name, kind, delta in emitted.movers
    ]


def _event(event: Event) -> dict[str, str]:
    at_ms, source, event_id = event
    return {"source": source, "id": event_id, "at": rfc3339(at_ms)}


def _latest(emitted: Emitted) -> list[Event]:
    """The latest of the events that fed what moved or changed, newest first."""
    found = {event for _, _, events in emitted.fed for event in events}
    return sorted(found, reverse=True)[:EVENTS_MAX]


def reference_to(card: Card) -> dict[str, Any]:
    """The ``ScorecardRef`` of a card."""
    scale = card.shown_as
    return {
        "name": card.name,
        "version": card.version,
        "hash": card.hash,
        "shown_as": {
            "scale": scale.name, "decimals": scale.decimals, "lead_with": scale.lead_with,
        },
    }  # fmt: skip


def emitted_name(customer: Customer) -> str | None:
    """The customer's name as of its last output."""
    emitted = customer.emitted
    name = None if emitted is None else emitted.attributes.get("name")
    return None if name is None else str(name)


def health_of(emitted: Emitted, card: Card) -> dict[str, Any]:
    """The ``Health`` in an emitted score."""
    pending = emitted.pending
    variant = card.variant({kind: name for kind, (name, _) in emitted.places.items()})
    return {
        "score": emitted.score,
        "band": emitted.band,
        "letter": emitted.letter,
        "coverage_ppm": emitted.coverage_ppm,
        "contributions": [
            _contribution(line, card, variant, emitted.frozen) for line in emitted.lines
        ],
        "groups": _groups(emitted.lines, card),
        "overrides": emitted.overrides,
        "limits": [
            {"band": band, "operator": operator, "score": score}
            for band, operator, score in limits_of(emitted.band, variant.bands)
        ],
        "pending": None
        if pending is None
        else {"band": pending[0], "since": rfc3339(pending[1]), "at": rfc3339(pending[2])},
        **{kind: _place(kind, emitted, card, variant) for kind in _CLASSES},
        "indicators": [_indicator(name, on, card) for name, on in emitted.indicators.items()],
        "scores": [
            {
                "name": name,
                "score": score,
                "letter": letter,
                "coverage_ppm": coverage_ppm,
                "contributions": [
                    _contribution(line, card, variant, emitted.frozen) for line in lines
                ],
            }
            for name, score, letter, coverage_ppm, lines in emitted.others
        ],
        "way_to_green": _way(emitted, card),
        "next_crossing": _coming(emitted.crossing),
        "next_told": _coming(emitted.next_told),
        "not_pursued": _mark(emitted.not_pursued),
        "handled": _mark(emitted.handled),
    }


_CLASSES = {"segment": "segments", "stage": "stages", "archetype": "archetypes",
            "outlook": "outlook"}  # fmt: skip


def _coming(coming: Coming | None) -> dict[str, Any] | None:
    if coming is None:
        return None
    band, at_ms, score, about = coming
    return {"band": band, "at": rfc3339(at_ms), "score": score, "about": about}


def _mark(mark: Mark | None) -> dict[str, Any] | None:
    if mark is None:
        return None
    since_ms, author, reason, until_ms = mark
    until = None if until_ms is None else rfc3339(until_ms)
    return {"since": rfc3339(since_ms), "author": author, "reason": reason, "until": until}


def _place(kind: str, emitted: Emitted, card: Card, variant: Variant) -> dict[str, Any] | None:
    """The class that a customer is in, None if the card has none of the kind."""
    place = emitted.places.get(kind)
    if place is None:
        return None
    name, since_ms = place
    classes = getattr(card, _CLASSES[kind])
    known = None if classes is None else classes.named(name)
    return {
        "name": name or "unclassified",
        "label": (name or "unclassified").replace("_", " ") if known is None else known.label,
        "since": rfc3339(since_ms),
        "says": "" if known is None else known.says,
        "disagrees": None
        if known is None
        else disagreement(known.expects, level_of(emitted.band, emitted.score, variant.bands)),
    }


def _indicator(name: str, on: tuple[int, int | None], card: Card) -> dict[str, Any]:
    says = next((one.says for one in card.indicators if one.name == name), name)
    since_ms, until_ms = on
    until = None if until_ms is None else rfc3339(until_ms)
    return {"name": name, "says": says, "since": rfc3339(since_ms), "until": until}


def _groups(lines: Sequence[Told], card: Card) -> list[dict[str, Any]]:
    """What each group's measures contribute; with the other lines they add up to the score."""
    points: dict[str, int] = {}
    weights: dict[str, int] = {}
    for name, kind, of, _, _, weight_ppm in lines:
        spec = card.by_name.get(name)
        if kind != "measure" or spec is None:
            continue
        path = spec.group.split(".")
        for depth in range(1, len(path) + 1):
            group = ".".join(path[:depth])
            points[group] = points.get(group, 0) + of
            weights[group] = weights.get(group, 0) + weight_ppm
    return [
        {"name": group, "weight_ppm": weights[group], "points": of} for group, of in points.items()
    ]


def _way(emitted: Emitted, card: Card) -> dict[str, Any] | None:
    if emitted.way is None:
        return None
    reachable, score, steps = emitted.way
    return {
        "reachable": reachable,
        "score": score,
        "steps": [
            {
                "name": name,
                "curve_points": points,
                "value": value / MICRO if isinstance(value, int) else value,
                "says": words_of(card.by_name[name], value) if name in card.by_name else name,
            }
            for name, points, value in steps
        ],
    }


def _contribution(
    line: Told, card: Card, variant: Variant, frozen: Mapping[str, int]
) -> dict[str, Any]:
    name, kind, points, curve_points, value, weight_ppm = line
    spec = card.by_name.get(name) if kind == "measure" else None
    if kind == "override":
        override = variant.override(name)
        says = None if override is None else override.says
    elif kind == CHILDREN:
        says = _children_say(curve_points, value, card)
    else:
        says = None if spec is None else words_of(spec, value)
    return {
        "name": name,
        "kind": kind,
        "group": None if spec is None else spec.group,
        "value": value / MICRO if isinstance(value, int) else value,
        "curve_points": curve_points,
        "weight_ppm": weight_ppm,
        "points": points,
        "says": says,
        **(_frozen(frozen[name], card) if kind == "measure" and name in frozen else {}),
    }


def _frozen(since_ms: int, card: Card) -> dict[str, Any]:
    until_ms = since_ms + card.freeze_ms_max
    return {"frozen_since": rfc3339(since_ms), "frozen_until": rfc3339(until_ms)}


def _children_say(points: int | None, value: Value, card: Card) -> str:
    count = value if isinstance(value, int) else 0
    return words_of_children(card.hierarchy, points or 0, count // MICRO)
