"""A kind of customer and its score: whether they agree, and how that is said."""

import pytest

from partitionlog import START_MS, Log, data_of, event
from scoring.bands import BandPolicy
from scoring.expected import disagreement, level_of

BANDS = BandPolicy(7500, 7000, 5000, 5600, 0, 0)
CARD = """
scorecard: kinds
version: "1"
objective: To compare the kind of a customer with its score.
owner: test
defaults: {missing: leave_out, minimum_coverage: 0%}
weights: {all: 100}
groups: {all: {nps: {share: 100, metric: last(nps), curve: {0: 0, 10: 100}}}}
bands:
  green: {enter: ">= 75", leave: "< 70", hold: 0}
  red: {enter: "< 50", leave: ">= 56", hold: 0}
letters: {A: 85, B: 70, C: 50, D: 0}
archetypes:
  classes:
    power_user: {when: "count(use, 28d) >= 3", label: Power user, expects: high}
    ghost: {when: "count(use, 28d) == 0", label: Not seen, expects: very_low}
"""


@pytest.mark.parametrize(
    ("band", "score", "level"),
    [
        ("green", 9000, "high"),
        ("green", 7000, "high"),
        ("yellow", 7499, "medium"),
        ("red", 5599, "low"),
        ("red", 2500, "low"),
        ("red", 2499, "very_low"),
        ("red", None, "low"),
        ("unknown", None, None),
    ],
)
def test_the_level_is_that_of_the_band(band: str, score: int | None, level: str | None) -> None:
    assert level_of(band, score, BANDS) == level


@pytest.mark.parametrize(
    ("expects", "level", "agrees"),
    [
        ("high", "high", True),
        ("low", "very_low", True),
        ("very_low", "low", False),
        ("medium", "high", False),
        (None, "high", True),
        ("high", None, True),
    ],
)
def test_who_agrees(expects: str | None, level: str | None, agrees: bool) -> None:
    assert (disagreement(expects, level) is None) is agrees


def test_a19_a_customer_whose_kind_and_score_disagree_is_shown() -> None:
    """Much used and content; then much used and angry; then nobody is there any more."""
    log = Log(CARD)
    uses = [event("usage.feature", START_MS - n, feature="board", user="ann") for n in range(3)]
    log.read(START_MS, *uses, event("engagement.survey", START_MS, survey="nps", score=9))
    log.tick(START_MS)
    place = data_of(log.outputs)[-1]["after"]["archetype"]
    assert (place["label"], place["disagrees"]) == ("Power user", None)
    ms = START_MS + 1
    log.read(ms, event("engagement.survey", ms, survey="nps", score=1))
    log.tick(ms)
    place = data_of(log.outputs)[-1]["after"]["archetype"]
    assert place["disagrees"] == "a high score is expected of it, this one is very low"
    for day in range(1, 30):
        log.tick(START_MS + day * 86_400_000)
    place = data_of(log.outputs)[-1]["after"]["archetype"]
    assert (place["label"], place["disagrees"]) == ("Not seen", None)
