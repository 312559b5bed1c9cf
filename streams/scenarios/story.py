"""From the steps of a scenario to what happens when, and when we hear of it."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, time
from difflib import get_close_matches
from typing import Any, NamedTuple

import msgspec

from schemas.scenario import AccountFacts, LocalTime, parse_local
from scoring.facts import rfc3339
from streams.scenarios.sentences import Said, read_sentence
from streams.scenarios.slots import money
from streams.scenarios.stops import Stop, read_stop
from streams.scenarios.times import ZoneTimes, days_between

__all__ = ["EVENTS_MAX", "Happening", "Happenings", "Silence", "account_of", "read_do"]

#: A scenario has no more events than this.
EVENTS_MAX = 500_000
_ANY_DAY = frozenset(range(7))
_WEEKDAYS: Mapping[str, frozenset[int]] = {
    "day": _ANY_DAY,
    "working day": frozenset(range(5)),
    **{
        name: frozenset({number})
        for number, name in enumerate(
            ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
        )
    },
}
_TIME = re.compile(r"(\d{4}-\d{2}-\d{2}(?: \d{1,2}:\d{2}(?::\d{2})?)?)[,:]?(?:\s+(.*))?", re.DOTALL)
_BEGIN = (
    "begin with a time (2026-06-22 or 2026-06-22 11:00), with `every working day FIRST..LAST,`,"
    " with `silence FIRST..LAST` or with `source NAME stops FIRST..LAST`"
)


class Happening(NamedTuple):
    """One event on its way to us: when it reaches us, its type, and its JSON."""

    heard_ms: int
    kind: str
    body: bytes


class Silence(NamedTuple):
    """A span in which nothing may happen; Unix milliseconds, the end exclusive."""

    first_ms: int
    end_ms: int
    words: str


Happenings = list[Happening]


def read_do(text: str, customer: str, number: int, times: ZoneTimes) -> Happenings | Silence | Stop:
    """What a step's sentence says of a customer; ``number`` is the step's, for the events' ids.

    Raises:
        ValueError: if it is not understood, with what was expected.
    """
    text = " ".join(text.split())
    if text.startswith("silence"):
        return _silence(text.removeprefix("silence").strip(), times)
    if text.startswith("source "):
        return read_stop(text.removeprefix("source ").strip(), times)
    if text.startswith("every"):
        moments, sentence = _every(text.removeprefix("every").strip(), times)
    else:
        found = _TIME.fullmatch(text)
        if found is None:
            raise ValueError(_BEGIN)
        moments, sentence = [parse_local(found[1])], found[2] or ""
    said = read_sentence(sentence, times)
    if len(said.events) * len(moments) > EVENTS_MAX:
        raise ValueError(f"more than {EVENTS_MAX} events")
    return [
        happening
        for count, moment in enumerate(moments)
        for happening in _said(said, customer, f"s{number:04d}-{count:04d}", times.ms(moment))
    ]


def _silence(text: str, times: ZoneTimes) -> Silence:
    first, last = days_between(text)
    return Silence(*times.bounds_ms(first, last), text)


def _every(text: str, times: ZoneTimes) -> tuple[list[LocalTime], str]:
    """The times in ``working day 2026-03-02..2026-05-29 at 17:00, SENTENCE``, and the sentence."""
    name = next((name for name in _WEEKDAYS if text.startswith(f"{name} ")), None)
    if name is None:
        word = text.partition(" ")[0].strip(",")
        near = get_close_matches(word, _WEEKDAYS, n=1)
        hint = f"; did you mean every {near[0]}?" if near else ""
        raise ValueError(
            f"expected every {', '.join(_WEEKDAYS)}, got every {word or 'and nothing'}{hint}"
        )
    span, _, rest = text.removeprefix(name).strip().partition(" ")
    first, last = days_between(span.rstrip(","))
    clock: time | None = None
    if rest.startswith("at "):
        written, _, rest = rest.removeprefix("at ").strip().partition(" ")
        clock = parse_local(f"{first} {written.rstrip(',')}").clock
    days: list[date] = list(times.days(first, last, _WEEKDAYS[name]))
    if not days:
        raise ValueError(f"no {name} lies in {span.rstrip(',')}")
    return [LocalTime(day, clock) for day in days], rest


def _said(said: Said, customer: str, prefix: str, at_ms: int) -> Iterator[Happening]:
    """The events of a sentence that is said at ``at_ms``, as often as they reach us."""
    heard_ms = at_ms + said.late_s * 1000
    for index, fields in enumerate(said.events):
        if fields.get("customer_id", customer) != customer:
            raise ValueError(f"customer_id: a scenario has one customer, {customer}")
        body = _body(fields, customer, f"{prefix}-{index:05d}", at_ms)
        kind = str(fields.get("type"))
        yield Happening(heard_ms, kind, body)
        if said.again_s is not None:
            yield Happening(heard_ms + said.again_s * 1000, kind, body)


def _body(fields: Mapping[str, Any], customer: str, event_id: str, at_ms: int) -> bytes:
    envelope = {
        "event_id": event_id,
        "customer_id": customer,
        "occurred_at": rfc3339(at_ms),
        "source": "scenario",
    }
    return msgspec.json.encode({**envelope, **fields})


def account_of(account: AccountFacts, times: ZoneTimes) -> Happenings:
    """The account's first events: ``account.created``, and its plan, which billing knows.

    Raises:
        ValueError: ``FIELD: what was expected``.
    """
    facts = account.model_dump(mode="json", exclude_none=True)
    for name in ("id", "known_from", "plan"):
        facts.pop(name, None)
    for name, field in (("started", "started_at"), ("renewal", "renewal_at")):
        if name in facts:
            facts[field] = rfc3339(_of_account(name, times.read_ms, facts.pop(name)))
    if "mrr" in facts:
        facts["mrr_minor"], facts["currency"] = _of_account("mrr", money, facts.pop("mrr"))
    name = "started" if account.known_from is None else "known_from"
    known_ms = _of_account(name, times.read_ms, str(getattr(account, name)))
    said = [{"type": "account.created", **facts}]
    if account.plan is not None:
        said.append(
            {"type": "billing.changed", "change": "subscription_changed", "plan": account.plan}
        )
    return list(_said(Said(said), account.id, "s0000-0000", known_ms))


def _of_account(name: str, read: Any, text: str) -> Any:
    try:
        return read(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
