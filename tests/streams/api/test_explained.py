"""What the pages on one customer say beside the lines: from a real fold, on a full card."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from partitionlog import DAY_MS as D
from partitionlog import HOUR_MS
from partitionlog import START_MS as S
from schemas.scales import Scale
from schemas.scores import Band, BandLimit, Coming, PendingBand
from schemas.views import CustomerHealth, HistoryPoint
from silence import told
from streams.api.charts import Bar, GroupRow, bars, grouped, shifts
from streams.api.explained import arrivals, frozen, limits, tiles
from streams.clock import from_ms, to_ms


def points_of(rows: Sequence[CustomerHealth]) -> list[HistoryPoint]:
    return [HistoryPoint.of(row) for row in reversed(rows)]


def test_the_classes_and_the_further_scores_are_shown() -> None:
    rows, _ = told()
    found = {tile.title: tile for tile in tiles(rows[-1].health, Scale())}
    assert set(found) == {"Segment", "Stage", "Archetype", "Outlook", "Adoption"}
    assert found["Segment"].value == "Growth"
    assert found["Segment"].says == "", "a formula says nothing to people"
    assert found["Outlook"].says == "red or leaving"
    assert found["Archetype"].value == "Not seen"
    assert found["Archetype"].says == "nobody has been seen for a month"
    assert found["Archetype"].note.startswith("a high score is expected of it, this one is")
    assert found["Adoption"].since is None


def test_a14_each_measure_has_its_group_and_its_history() -> None:
    """What was given then and what moved it since add up to what is given now."""
    rows, now_ms = told()
    health, on = rows[-1].health, Scale()
    drawn = bars(health, on, points_of(rows), now_ms - 90 * D)
    assert {bar.name for bar in drawn} == {
        "Seats", "Features", "Last use", "Open", "Points",
    }  # fmt: skip
    spark = {bar.name: bar.spark for bar in drawn}
    assert spark["Last use"].startswith("M72,")
    assert spark["Last use"].endswith("H0")
    assert spark["Seats"] == ""
    table = grouped(drawn, health, on)
    groups = [row for row in table if isinstance(row, GroupRow)]
    assert [(row.name, row.depth) for row in groups] == [
        ("Usage", 0), ("Adoption", 1), ("Support", 0),
    ]  # fmt: skip
    shown = [bar for bar in table if isinstance(bar, Bar)]
    assert shown == drawn
    total = sum(bar.units for bar in drawn)
    assert on.line(total, plus=False) == on.total(health.score or 0)
    top = [row for row in groups if not row.depth]
    assert sum(round(float(row.points) * 10) for row in top) == total


def test_a_groups_measures_stay_together_without_data_too() -> None:
    rows, _ = told()
    lines = rows[-1].health.contributions
    mixed = (*lines[1:], lines[0])
    health = rows[-1].health.model_copy(update={"contributions": mixed})
    drawn = bars(health, Scale())
    paths = [bar.path for bar in drawn]
    assert paths == sorted(paths, key=paths.index)
    assert len(set(paths)) == len(
        [path for path, before in zip(paths, ["", *paths], strict=False) if path != before]
    )


def test_each_shift_names_its_events() -> None:
    rows, _ = told(1)
    assert shifts(rows[0].movers, Scale()) == []
    rows, _ = told(4)
    assert all(shift.events == () for shift in shifts(rows[-1].movers, Scale()))


def test_what_is_frozen_says_since_when_and_until_when() -> None:
    rows, now_ms = told(3)
    (one,) = frozen(rows[-1].health.contributions, now_ms)
    assert one.names == "Open"
    assert to_ms(one.since) == S + HOUR_MS
    assert one.until == one.since + timedelta(days=7)
    assert not one.is_over
    (one,) = frozen(rows[-1].health.contributions, S + 9 * D)
    assert one.is_over


def test_what_comes_is_said_in_its_order() -> None:
    rows, now_ms = told(2)
    row = rows[-1]
    found = arrivals(row, Scale(), now_ms)
    assert [one.at for one in found] == sorted(one.at for one in found)
    assert found[-1].before.startswith("Turns ")
    assert found[-1].band is not None
    assert all(to_ms(one.at) > now_ms for one in found)
    assert arrivals(row, Scale(), now_ms + 900 * D) == []


@pytest.mark.parametrize(
    ("band", "score", "words"),
    [
        (Band.RED, 4500, ("Turns red", "at 45")),
        (Band.UNKNOWN, None, ("Too little is known from", "")),
    ],
)
def test_a_crossing_in_words(band: Band, score: int | None, words: tuple[str, str]) -> None:
    rows, now_ms = told(2)
    then = from_ms(now_ms + D)
    health = rows[-1].health.model_copy(
        update={
            "next_crossing": Coming(band=band, at=then, score=score, about=True),
            "next_told": Coming(band=band, at=then, score=score, about=True),
            "pending": None,
        }
    )
    (one,) = arrivals(rows[-1].model_copy(update={"health": health}), Scale(), now_ms)
    assert (one.before, one.after) == words
    assert one.about


def test_the_end_of_a_hold_is_said_once() -> None:
    rows, now_ms = told(2)
    then = from_ms(now_ms + HOUR_MS)
    told_score = rows[-1].health.score or 0
    health = rows[-1].health.model_copy(
        update={
            "pending": PendingBand(band=Band.RED, since=from_ms(now_ms), at=then),
            "next_crossing": Coming(band=Band.RED, at=then, score=told_score),
            "next_told": Coming(band=Band.YELLOW, at=from_ms(now_ms + 9), score=told_score + 500),
        }
    )
    first, second = arrivals(rows[-1].model_copy(update={"health": health}), Scale(), now_ms)
    assert first.before == f"Rises to {(told_score + 500) // 100}"
    assert second.before == "Red is pending: entered"
    without = health.model_copy(
        update={"next_told": Coming(band=Band.YELLOW, at=from_ms(now_ms + 9), score=None)}
    )
    first, _ = arrivals(rows[-1].model_copy(update={"health": without}), Scale(), now_ms)
    assert first.before == "Something changes"


def test_until_where_a_band_lasts() -> None:
    rows, _ = told(1)
    health = rows[-1].health
    red = health.model_copy(
        update={"limits": (BandLimit(band=Band.YELLOW, operator=">=", score=5600),)}
    )
    assert limits(red, Scale()) == "until ≥ 56"
    assert limits(red, Scale("0-10", 1)) == "until ≥ 5.6"
    assert limits(health.model_copy(update={"limits": ()}), Scale()) == ""
