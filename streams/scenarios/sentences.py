"""From a sentence to the fields of its events.

``40 users use 8 features for 1h`` becomes 320 events, most sentences one. Times
in it become RFC 3339. When it happens is not known here.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from schemas.scenario import LocalTime
from scoring.facts import rfc3339
from streams.importing.mapping_file import EVENT_MODELS, did_you_mean
from streams.scenarios.grammar import NotUnderstood, compile_form, match, tokens_of
from streams.scenarios.slots import SLOTS
from streams.scenarios.times import ZoneTimes
from streams.scenarios.vocabulary import PEOPLE, SENTENCES, Sentence

__all__ = ["ENDINGS", "EVENTS_MAX", "Said", "read_sentence", "shown"]

#: A sentence makes at most so many events each time that it is said.
EVENTS_MAX = 20_000
LATE_S_MAX = 400 * 86_400
#: What any sentence may end with, and what it says: events reach us late, and more than once.
ENDINGS = {
    "heard {late_s:SPAN} later": "it happens now, and reaches us so much later",
    "heard again {again_s:SPAN} later": "the same event reaches us a second time",
    "heard {twice:TWICE}": "it reaches us twice at once",
}
_TAIL = "".join(f" [, {ending}]" for ending in ENDINGS)
_TABLE = [sentence for group in SENTENCES.values() for sentence in group]
_FORMS = [compile_form(sentence.form + _TAIL, SLOTS) for sentence in _TABLE]
_OF_TIME = ("late_s", "again_s", "twice")


class Said(NamedTuple):
    """The events of a sentence, and when they reach us.

    They do ``late_s`` seconds after they happen, and ``again_s`` seconds after that
    once more, unless it is None.
    """

    events: list[dict[str, Any]]
    late_s: int = 0
    again_s: int | None = None


def shown(form: str) -> str:
    """A form as documents write it: ``nps SCORE [by NAME]``."""
    return compile_form(form, SLOTS).shown


def read_sentence(text: str, times: ZoneTimes) -> Said:
    """What a sentence says.

    Raises:
        ValueError: if it is not understood; the message says where and what could stand there.
    """
    tokens = tokens_of(text)
    if not tokens:
        raise NotUnderstood("expected a sentence after the time, such as `nps 9`")
    index, values = match(tokens, _FORMS)
    sentence = _TABLE[index]
    given = {name: value for name, value in values.items() if name not in _OF_TIME}
    events = [_timed(fields, times) for fields in _events(sentence, given)]
    again_s = 0 if "twice" in values else values.get("again_s")
    late_s = values.get("late_s", 0)
    if late_s + (again_s or 0) > LATE_S_MAX:
        raise NotUnderstood("an event is heard at most 400 days after it happened")
    return Said(events, late_s, again_s)


def _events(sentence: Sentence, values: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    if sentence is PEOPLE:
        return _people(**values)
    if "fields" in values:
        kind = str(values["fields"].get("type"))
        if kind not in EVENT_MODELS:
            raise NotUnderstood(f"no event type {kind}{did_you_mean(kind, list(EVENT_MODELS))}")
        return [values["fields"]]
    fields = dict(sentence.fixed)
    for name, value in values.items():
        if isinstance(value, tuple) and not isinstance(value, LocalTime):  # an amount of money
            fields[f"{name}_minor"], fields["currency"] = value
        else:
            fields[name] = value
    return [fields]


def _people(users: int, features: int, each: int = 0) -> Iterable[dict[str, Any]]:
    if not 0 < users * features <= EVENTS_MAX:
        raise NotUnderstood(
            f"{users} users times {features} features: expected 1 to {EVENTS_MAX} events at a time"
        )
    return [
        {
            "type": "usage.feature",
            "feature": f"feature-{feature}",
            "user": f"user-{user}",
            "duration_s": each / features,
        }
        for user in range(1, users + 1)
        for feature in range(1, features + 1)
    ]


def _timed(fields: dict[str, Any], times: ZoneTimes) -> dict[str, Any]:
    return {
        name: rfc3339(times.ms(value)) if isinstance(value, LocalTime) else value
        for name, value in fields.items()
    }
