"""Each expectation met and not met, and what is found instead; each mistake in one."""

import re
from pathlib import Path
from typing import Any

import pytest

from schemas.scores import Band, Contribution, Health
from streams.clock import from_ms
from streams.scenarios.expectations import EXPECTATIONS, read_expectation
from streams.scenarios.judges import Wanted
from streams.scenarios.moment import Crossing, Moment, Told
from streams.scenarios.times import ZoneTimes, zone_of
from streams.scorecards import read_card

BERLIN = ZoneTimes(zone_of("Europe/Berlin"))
CARD, _ = read_card(Path(__file__).parent / "small.yaml")
NOW_MS = BERLIN.read_ms("2026-06-20 09:00")
HOUR_MS = 3_600_000


def line(name: str, value: float | None, points: int | None) -> Contribution:
    return Contribution(name=name, value=value, curve_points=points, points=0)


def moment(**changes: Any) -> Moment:
    """A customer that is yellow, with red pending, on the small card."""
    health = {
        "score": 4999,
        "band": Band.YELLOW,
        "letter": "D",
        "coverage_ppm": 880_000,
        "contributions": (
            line("breadth", 8.0, 8000),
            line("people", 1 / 3, 3333),
            line("overdue", 20.5, 7950),
            line("satisfaction", None, None),
        ),
        "overrides": ("leaving",),
        "segment": {"name": "small", "label": "small", "since": from_ms(NOW_MS)},
        "stage": {"name": "steady", "label": "steady", "since": from_ms(NOW_MS)},
        "outlook": {"name": "leave", "label": "leave", "since": from_ms(NOW_MS)},
        "indicators": ({"name": "payment_failed", "says": "x", "since": from_ms(NOW_MS)},),
        "scores": ({"name": "adoption", "score": 4500, "letter": "D", "coverage_ppm": 1},),
        "pending": {
            "band": Band.RED,
            "since": from_ms(NOW_MS),
            "at": from_ms(NOW_MS + HOUR_MS),
        },
    }
    told = Told(NOW_MS, "time", "words", -100, (("overdue", -150), ("respread", 50)))
    found: dict[str, Any] = {
        "at_ms": NOW_MS,
        "next_ms": NOW_MS + HOUR_MS,
        "told": told,
        "told_since": True,
        "frozen": ("product",),
        "stopped": 1,
        "crossings": (
            Crossing(Band.GREEN, Band.YELLOW, told=True),
            Crossing(Band.YELLOW, Band.GREEN, told=False),
        ),
    }
    found |= {name: value for name, value in changes.items() if name in found}
    health |= {name: value for name, value in changes.items() if name not in found}
    return Moment(health=Health.model_validate(health), **found)


def judged(key: str, written: Any, **changes: Any) -> str | None:
    return read_expectation(key, Wanted(written, CARD, BERLIN))(moment(**changes))


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("score", "49..50"),
        ("score", "49"),
        ("score", "49.99"),
        ("score", "< 50"),
        ("shown", {"score": "49", "satisfaction": "0.0"}),
        ("band", "yellow"),
        ("letter", "D"),
        ("coverage", ">= 60%"),
        ("coverage", "88%"),
        ("coverage", "88"),
        ("pending", "red"),
        ("pending", "red until 2026-06-20 10:00"),
        ("overrides", "leaving"),
        ("overrides", ["leaving"]),
        ("segment", "small"),
        ("stage", "steady"),
        ("archetype", "unclassified"),
        ("outlook", "leave"),
        ("indicators", ["payment_failed"]),
        ("scores", {"adoption": "40..50"}),
        ("cause", "time"),
        ("because", ["overdue"]),
        ("because", ["respread", "overdue"]),
        ("value", {"breadth": "8", "people": "33%", "overdue": "20d"}),
        ("value", {"people": "0.33", "overdue": "492h", "satisfaction": "no data"}),
        ("value", {"people": "33.3%..33.4%", "satisfaction": "none"}),
        ("points", {"breadth": "80", "people": "33.33", "satisfaction": "none"}),
        ("transitions", ["green -> yellow", "yellow -> green"]),
        ("messages", "1"),
        ("messages", ">= 1"),
        ("frozen", ["product"]),
        ("operator_notes", "1"),
        ("next_change", "2026-06-20 10:00"),
    ],
)
def test_what_is_met(key: str, written: Any) -> None:
    assert judged(key, written) is None


@pytest.mark.parametrize(
    ("key", "written", "found"),
    [
        ("score", "50", "49.99"),
        ("score", "none", "49.99"),
        ("shown", {"score": "50", "respread": "1.0"}, "score: 49, respread: none"),
        ("band", "red", "yellow"),
        ("letter", "none", "D"),
        ("coverage", "< 88%", "88 %"),
        ("pending", "none", "red until 2026-06-20 10:00"),
        ("pending", "green", "red until 2026-06-20 10:00"),
        ("pending", "red until 2026-06-20 10:01", "red until 2026-06-20 10:00"),
        ("overrides", "none", "leaving"),
        ("overrides", ["leaving", "unpaid_30d"], "leaving"),
        ("segment", "large", "small"),
        ("stage", "new", "steady"),
        ("archetype", "ghost", "unclassified"),
        ("outlook", "grow", "leave"),
        ("indicators", "none", "payment_failed"),
        ("scores", {"adoption": "> 45"}, "adoption: 45.00"),
        ("cause", "event", "time"),
        ("because", ["overdue", "people"], "overdue, respread"),
        ("value", {"breadth": "9", "people": "34%", "overdue": "20d"},
         "breadth: 8, people: 33.3333 %"),
        ("value", {"overdue": "21d"}, "overdue: 20d 12h"),
        ("value", {"satisfaction": "0%"}, "satisfaction: no data"),
        ("value", {"breadth": "none"}, "breadth: 8"),
        ("points", {"people": "34"}, "people: 33.33"),
        ("points", {"satisfaction": "0"}, "satisfaction: no data"),
        ("transitions", "none", "green -> yellow, yellow -> green"),
        ("transitions", ["yellow -> green", "green -> yellow"],
         "green -> yellow, yellow -> green"),
        ("messages", "2", "1"),
        ("frozen", "none", "product"),
        ("frozen", ["product", "money"], "product"),
        ("operator_notes", "0", "1"),
        ("next_change", "none", "2026-06-20 10:00"),
        ("next_change", "2026-06-20 10:01", "2026-06-20 10:00"),
    ],
)  # fmt: skip
def test_what_is_not_met(key: str, written: Any, found: str) -> None:
    assert judged(key, written) == found


#: A customer of whom nothing was told.
NOTHING = {
    "score": None,
    "band": Band.UNKNOWN,
    "letter": None,
    "contributions": (),
    "overrides": (),
    "segment": None,
    "indicators": (),
    "scores": (),
    "pending": None,
    "next_ms": None,
    "told": None,
    "told_since": False,
    "crossings": (),
    "frozen": (),
    "stopped": 0,
}


@pytest.mark.parametrize(
    ("key", "written", "found"),
    [
        ("score", "none", None),
        ("score", "0..100", "none"),
        ("shown", {"score": "–"}, None),
        ("letter", "none", None),
        ("letter", "A", "none"),
        ("pending", "none", None),
        ("pending", "red", "none"),
        ("overrides", "none", None),
        ("overrides", ["leaving"], "none"),
        ("segment", "small", "unclassified"),
        ("indicators", "none", None),
        ("scores", {"adoption": "none"}, None),
        ("cause", "first", "nothing was told so far"),
        ("because", ["overdue"], "nothing was told since the expectation before"),
        ("value", {"breadth": "8"}, "breadth: not scored"),
        ("transitions", [], None),
        ("transitions", ["green -> red"], "none"),
        ("messages", "0", None),
        ("frozen", "none", None),
        ("frozen", ["money"], "none"),
        ("operator_notes", "0", None),
        ("next_change", "none", None),
        ("next_change", "2026-06-20", "none"),
    ],
)
def test_of_nothing(key: str, written: Any, found: str | None) -> None:
    assert judged(key, written, **NOTHING) == found


def test_a_change_that_was_told_before_the_last_expectation_explains_nothing_new() -> None:
    """The cause is the last one told; movers are asked for of a new one only."""
    assert judged("cause", "time", told_since=False) is None
    assert judged("because", ["overdue"], told_since=False) is not None


@pytest.mark.parametrize(
    ("key", "written", "told"),
    [
        ("bnd", "green", "nothing of this name can be expected; did you mean band?"),
        ("score", ["1"], "expected a single value"),
        ("shown", {"scor": "50"}, "the scorecard has no line 'scor'; did you mean score?"),
        ("shown", "50", "expected what is read, such as {score: 8.0, satisfied: 3.2}"),
        ("band", "gren", "expected one of green, yellow, red, unknown, got 'gren'"),
        ("band", "none", "expected one of green, yellow, red, unknown, got 'none'"),
        ("letter", "E", "expected one of A, B, C, D, none, got 'E'"),
        ("coverage", "much", "expected a number, got 'much'"),
        ("pending", "red for ever", "expected one of green, yellow, red, unknown, none, got"),
        ("pending", "none until 2026-06-20", "expected one of green, yellow, red, unknown, got"),
        ("pending", "red until then", "expected a time such as"),
        ("overrides", "leavin", "the scorecard has no override 'leavin'; did you mean leaving?"),
        ("overrides", {"leaving": "x"}, "expected a list such as [a, b], or none"),
        ("segment", "big", "expected one of large, small, unclassified, got 'big'"),
        ("stage", "old", "expected one of new, steady, unclassified, got 'old'"),
        ("archetype", "x", "expected one of ghost, unclassified, got 'x'"),
        ("outlook", "x", "expected one of leave, grow, renew, unclassified, got 'x'"),
        ("indicators", "fire", "the scorecard has no indicator 'fire'; there are payment_failed"),
        ("scores", {"adopt": "1"}, "the scorecard has no further score 'adopt'; did you mean"),
        ("scores", "1", "expected scores with what is expected"),
        ("cause", "luck", "expected one of event, time, correction, first, scorecard, "),
        ("because", ["overdu"], "the scorecard has no line 'overdu'; did you mean overdue?"),
        ("value", "8", "expected measures with what is expected, such as {overdue: 40}"),
        ("value", {}, "expected measures with what is expected"),
        ("value", {"bredth": "8"}, "the scorecard has no measure 'bredth'; did you mean breadth?"),
        ("value", {"overdue": "late"}, "overdue: expected a span of time such as 20d or 3h"),
        ("value", {"breadth": ["8"]}, "breadth: expected a single value"),
        ("points", {"breadth": "many"}, "breadth: expected a number, got 'many'"),
        ("transitions", ["green"], "expected a crossing such as green -> yellow, got 'green'"),
        ("transitions", ["green -> gren"], "expected one of green, yellow, red, unknown, got"),
        ("messages", "some", "expected a number, got 'some'"),
        ("frozen", ["monny"], "the scorecard has no group 'monny'; did you mean money?"),
        ("operator_notes", "some", "expected a number, got 'some'"),
        ("next_change", "soon", "expected a time such as 2026-06-22"),
    ],
)  # fmt: skip
def test_what_is_said_of_a_mistake(key: str, written: Any, told: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(told)):
        read_expectation(key, Wanted(written, CARD, BERLIN))


def test_every_expectation_is_tested_above() -> None:
    """A new one has to come with its own rows."""
    marks = [
        mark
        for test in (test_what_is_met, test_what_is_not_met, test_what_is_said_of_a_mistake)
        for mark in [{row[0] for row in test.pytestmark[0].args[1]}]  # type: ignore[attr-defined]
    ]
    assert all(set(EXPECTATIONS) <= found for found in marks)
