"""What may be expected at a time: one table, from its name to what reads and judges it.

Reading happens once, when the file is loaded: whatever is wrong with what is
written (a measure that the scorecard does not have, no colour, no number) is
told with its line before anything is played.
"""

from collections.abc import Callable
from dataclasses import dataclass

from scoring.names import near
from streams.scenarios import judges, judges_of_time
from streams.scenarios.judges import Judge, Wanted

__all__ = ["EXPECTATIONS", "Expectation", "Expected", "read_expectation"]


@dataclass(frozen=True, slots=True)
class Expectation:
    """One thing that may be expected. ``read`` raises ``ValueError`` with what was expected."""

    about: str
    examples: tuple[str, ...]
    read: Callable[[Wanted], Judge]


@dataclass(frozen=True, slots=True)
class Expected:
    """One expectation of a file: at which instant, on which line, as it is written."""

    at_ms: int
    line: int
    key: str
    written: str
    judge: Judge


def read_expectation(key: str, wanted: Wanted) -> Judge:
    """The judge of one expectation.

    Raises:
        ValueError: with what was expected in the file.
    """
    known = EXPECTATIONS.get(key)
    if known is None:
        raise ValueError(f"nothing of this name can be expected{near(key, EXPECTATIONS)}")
    return known.read(wanted)


#: All that may be expected, by its name in the file. docs/scenarios.md lists it from here.
EXPECTATIONS: dict[str, Expectation] = {
    "score": Expectation(
        "the points, or `none`", ("85..95", '"> 25"', "72.5", "none"), judges.of_score
    ),
    "shown": Expectation(
        "what people read on the card's scale, of the score and of its lines",
        ("{score: 8.0, satisfied: 3.2}",),
        judges.of_shown,
    ),
    "band": Expectation("the colour", ("green", "unknown"), judges.of_band),
    "letter": Expectation("the letter, or `none`", ("B", "none"), judges.of_letter),
    "coverage": Expectation(
        "the share of the scorecard that has data", ('">= 60%"', "88%"), judges.of_coverage
    ),
    "pending": Expectation(
        "the colour that is pending, perhaps with its time, or `none`",
        ("red until 2026-06-20 09:00", "red", "none"),
        judges.of_pending,
    ),
    "overrides": Expectation(
        "the overrides that act: just these", ("[unpaid_30d]", "none"), judges.of_overrides
    ),
    "segment": Expectation("the segment", ("enterprise",), judges.of_place("segment")),
    "stage": Expectation("the lifecycle stage", ("renewal",), judges.of_place("stage")),
    "archetype": Expectation(
        "the archetype, or `unclassified`", ("struggler",), judges.of_place("archetype")
    ),
    "outlook": Expectation("the outlook", ("leave",), judges.of_place("outlook")),
    "indicators": Expectation(
        "the indicators that are on: just these",
        ("[payment_failed]", "none"),
        judges.of_indicators,
    ),
    "scores": Expectation("the card's further scores", ("{adoption: 40..50}",), judges.of_scores),
    "cause": Expectation(
        "why the last told change came about: event, time, correction, first, scorecard or"
        " percentiles",
        ("time",),
        judges.of_cause,
    ),
    "because": Expectation(
        "lines that moved the last told change, which came after the expectation before",
        ("[last_use, trend]",),
        judges.of_because,
    ),
    "value": Expectation(
        "measures' values in their units, or `no data`",
        ("{active_seats: 80%, last_use: 3d}", "{nps: no data}"),
        judges.of_value,
    ),
    "points": Expectation(
        "measures' own points, before their weight", ("{overdue: 40}",), judges.of_points
    ),
    "transitions": Expectation(
        "the colours crossed since the expectation before, in order: just these",
        ("[green -> yellow, yellow -> red]", "none"),
        judges_of_time.of_transitions,
    ),
    "messages": Expectation(
        "how many of these crossings somebody would be told about",
        ("0", "1"),
        judges_of_time.of_messages,
    ),
    "frozen": Expectation(
        "the groups with measures that keep their value because a source stopped: just these",
        ("[support]", "none"),
        judges_of_time.of_frozen,
    ),
    "operator_notes": Expectation(
        "how many sources were declared stopped since the expectation before; whoever runs them"
        " is told, nobody who looks after the customer is",
        ("1", "0"),
        judges_of_time.of_operator_notes,
    ),
    "next_change": Expectation(
        "when the score can change next if nothing happens, or `none`",
        ("2026-06-20 09:00", "none"),
        judges_of_time.of_next_change,
    ),
}
