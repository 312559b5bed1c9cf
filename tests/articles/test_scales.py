"""Rows A2, A7, A8: points, letters, colours and percent; 8, 7 and 9 make 8.0; what leads."""

from collections.abc import Callable

import pytest

from partitionlog import DAY_MS, HOUR_MS, START_MS, Log, event
from schemas.scales import scale_of
from schemas.views import CustomerHealth
from scoring.outputs import view_of
from streams.api.charts import bars
from streams.api.shown import display
from streams.scorecards import read_card, shipped_card

Story = Callable[..., list[tuple[str, str]]]


SURVEY = {"survey": "csat", "score": 8, "scale_min": 0, "scale_max": 10}


def seen(card_name: str) -> CustomerHealth:
    """A customer of 8, 7 and 9, as the view holds it: through the log, the row, JSON."""
    log = Log(shipped_card(card_name).read_text())
    log.read(START_MS, event("account.created", START_MS, started_at="2026-01-01T00:00:00Z"))
    days = range(7)
    log.read(
        START_MS + 7 * DAY_MS,
        *(event("usage.feature", START_MS + n * DAY_MS, feature="f", user="ann") for n in days),
        event("engagement.survey", START_MS + HOUR_MS, "acme", **SURVEY),
        event("engagement.survey", START_MS + 2 * HOUR_MS, "acme", survey="nps", score=9),
    )
    log.tick(START_MS + 7 * DAY_MS)
    row = view_of("acme", log.customer(), log.fold.card)  # type: ignore[arg-type]
    return CustomerHealth.model_validate(row)


def test_a7_eight_seven_and_nine_read_as_eight_and_its_parts() -> None:
    """8 x 0.4 + 7 x 0.3 + 9 x 0.3 = 3.2 + 2.1 + 2.7 = 8.0, as it is seen and as it is kept."""
    row = seen("worked-example")
    words = display(row)
    assert (words.score, words.score_of, words.percent, words.letter) == (
        "8.0",
        "10",
        "80.0 %",
        "B",
    )
    assert words.lead == "8.0"
    drawn = bars(row.health, scale_of(row.scorecard.shown_as))
    assert [(bar.name, bar.points, bar.of) for bar in drawn] == [
        ("Satisfied", "3.2", "4"),
        ("Takes part", "2.1", "3"),
        ("Recommends", "2.7", "3"),
    ]
    assert row.health.score == 8000
    assert [line.points for line in row.health.contributions] == [3200, 2100, 2700]


def test_a7_the_example_is_a_scenario_too(story: Story) -> None:
    assert (
        story(
            "worked-example",
            "do: '2026-03-02 09:00 event {type: engagement.survey, survey: csat, score: 8,"
            " scale_min: 0, scale_max: 10}'",
            "do: 2026-03-02 10:00 nps 9",
            "do: every day 2026-03-02..2026-03-08 at 11:00, 1 use of reports by ann",
            "{at: 2026-03-08 11:00, expect: {score: 80.00, shown: {score: 8.0, satisfied: 3.2,"
            " takes_part: 2.1, recommends: 2.7}}}",
        )
        == []
    )


@pytest.mark.parametrize(
    ("card_name", "scale", "lead"),
    [
        ("b2b-saas", "0-100", "colour"),
        ("worked-example", "0-10", "points"),
        ("retail", "0-100", "colour"),
        ("coffee-loyalty", "percent", "colour"),
        ("travel-marketplace", "0-100", "letter"),
    ],
)
def test_a2_a8_scale_and_leading_form_are_the_cards(card_name: str, scale: str, lead: str) -> None:
    shown = read_card(shipped_card(card_name))[0].shown_as
    assert (shown.name, shown.lead_with) == (scale, lead)


def test_a2_the_number_of_letters_is_the_cards() -> None:
    letters = {
        n: len(read_card(shipped_card(n))[0].letters) for n in ("retail", "travel-marketplace")
    }
    assert letters == {"retail": 4, "travel-marketplace": 5}
