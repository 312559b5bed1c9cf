"""The pictures' numbers: bars that meet, shifts on their side, a curve of steps."""

import random
from datetime import timedelta

from portfolio import NOW, customer, moved
from schemas.scales import Scale
from schemas.views import HistoryPoint
from streams.api.charts import HEIGHT, WIDTH, bars, curve, shifts
from streams.clock import to_ms


def test_each_bar_begins_where_the_last_ended_and_the_last_ends_at_the_score() -> None:
    """Caps go back, so the end of the chain is the score."""
    row = customer(random.Random(1), "a", strength=0.6, missing=2, cap=2500)
    drawn = bars(row.health, Scale())
    assert {bar.kind for bar in drawn} == {"measure", "respread", "override"}
    reached = 0.0
    for bar in drawn:
        if bar.falls:
            assert abs(bar.start + bar.width - reached) < 0.02
            reached = bar.start
        else:
            assert abs(bar.start - reached) < 0.02
            reached = bar.start + bar.width
    assert abs(reached - 25.0) < 0.05


def test_a_measure_without_data_is_not_a_zero() -> None:
    """It shows a dash, not 0.0."""
    row = customer(random.Random(1), "a", missing=2)
    without = [bar for bar in bars(row.health, Scale()) if not bar.has_data]
    assert [(bar.points, bar.says) for bar in without] == [("–", "No data")] * 2


def test_shifts_go_to_their_side_and_scale_with_the_largest() -> None:
    """Falling to the left of the middle, rising to the right."""
    rng = random.Random(2)
    row = moved(customer(rng, "a", strength=0.7), rng, strength=0.5, at=NOW)
    drawn = shifts(row.movers, Scale())
    assert max(shift.width for shift in drawn) == 50
    assert {shift.falls for shift in drawn} == {True, False}
    for shift in drawn:
        edge = shift.start + shift.width if shift.falls else shift.start
        assert abs(edge - 50) < 0.02


def points(*scores: int | None) -> list[HistoryPoint]:
    """One score a day, newest first, the last one now."""
    return [
        HistoryPoint(at=NOW - timedelta(days=n), sequence=9, score=s, band="red", because="")
        for n, s in enumerate(reversed(scores))
    ]


def test_the_curve_holds_each_score_until_the_next() -> None:
    """Two days: half the width each."""
    now_ms = to_ms(NOW + timedelta(days=1))
    drawn = curve(points(10_000, 5_000), now_ms, Scale())
    assert drawn is not None
    assert drawn.path == f"M0.0,0.0H{WIDTH / 2}V{HEIGHT / 2}H{WIDTH}"
    assert (drawn.lowest, drawn.highest) == ("50", "100")


def test_one_score_is_no_curve() -> None:
    """Nor is a time without a score."""
    assert curve(points(5_000), to_ms(NOW), Scale()) is None
    assert curve(points(None, 5_000, None), to_ms(NOW), Scale()) is None
    assert curve([], to_ms(NOW), Scale()) is None


def test_no_lines_are_no_bars() -> None:
    """As for a customer without any data."""
    empty = customer(random.Random(1), "a").health
    assert bars(empty.model_copy(update={"contributions": ()}), Scale()) == []
    assert shifts((), Scale()) == []
