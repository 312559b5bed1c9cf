"""Points as people see them: on the card's scale, never flattering, and adding up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.scales import Scale, scale_of
from schemas.scores import ShownAs

SCALES = st.builds(
    Scale, st.sampled_from(["0-100", "0-10", "percent", "letter"]), st.integers(0, 2)
)


@given(SCALES, st.lists(st.integers(-10_000, 10_000), max_size=30))
def test_lines_add_up_to_the_total_shown(scale: Scale, lines: list[int]) -> None:
    """Whatever the lines: the printed ones add up to the printed total, each off by less than 1."""
    shown = scale.lines(lines)
    places = 10 ** ((3 if scale.name == "0-10" else 2) - scale.line_decimals)
    assert scale.line(sum(shown), plus=False) == scale.total(sum(lines))
    assert all(abs(places * one - line) < places for one, line in zip(shown, lines, strict=True))


@given(SCALES, st.integers(0, 10_000))
def test_a_score_is_never_rounded_up(scale: Scale, hundredths: int) -> None:
    size = 10 if scale.name == "0-10" else 100
    shown = scale.score(hundredths).removesuffix(" %")
    assert float(shown) * size * (10 if scale.name == "0-10" else 1) <= hundredths + 1e-6


def test_lines_give_what_is_left_to_the_largest_loss() -> None:
    """1.99 + 0.95 + 0.97 = 3.91: two tenths are left over."""
    assert Scale().lines([199, 95, 97]) == [20, 9, 10]


@pytest.mark.parametrize(
    ("scale", "hundredths", "words"),
    [
        # 49.99 is red because it is below 50: it must not read 50.
        (Scale(), 4999, "49"),
        (Scale(), 5000, "50"),
        (Scale(), 99, "0"),
        (Scale(), 10_000, "100"),
        (Scale(), None, "–"),
        (Scale(decimals=2), 7142, "71.42"),
        (Scale("0-10", 1), 8000, "8.0"),
        (Scale("0-10", 1), 7999, "7.9"),
        (Scale("0-10"), 7999, "7"),
        (Scale("percent"), 7142, "71 %"),
        (Scale("percent", 1), 7142, "71.4 %"),
    ],
)
def test_a_score_stands_on_its_scale(scale: Scale, hundredths: int | None, words: str) -> None:
    assert scale.score(hundredths) == words


def test_the_scale_of_letters_shows_the_letter() -> None:
    assert Scale("letter").score(7142, "B") == "B"
    assert Scale("letter").score(None, None) == "–"
    assert Scale("0-100").score(7142, "B") == "71"


@pytest.mark.parametrize(
    ("scale", "hundredths", "words"),
    [
        (Scale(), 7142, "71.42"),
        (Scale(), 5, "0.05"),
        (Scale(), -305, "−3.05"),
        (Scale(), None, "no score"),
        (Scale("0-10", 1), 7142, "7.142"),
        (Scale("percent"), 7142, "71.42 %"),
    ],
)
def test_the_exact_value_has_all_there_is(scale: Scale, hundredths: int | None, words: str) -> None:
    """For titles."""
    assert scale.exact(hundredths) == words


@pytest.mark.parametrize(
    ("scale", "hundredths", "words"),
    [
        (Scale(), 250, "+2"),
        (Scale(), -99, "−<1"),
        (Scale(), 99, "+<1"),
        (Scale(), 0, "0"),
        (Scale("0-10", 1), -1240, "−1.2"),
        (Scale("0-10", 1), 99, "+<0.1"),
    ],
)
def test_a_change_is_signed(scale: Scale, hundredths: int, words: str) -> None:
    assert scale.change(hundredths) == words


@pytest.mark.parametrize(
    ("hundredths", "words"),
    [(0, "0"), (49, "0"), (50, "+1"), (149, "+1"), (-49, "0"), (-250, "-3")],
)
def test_in_messages_halves_go_away_from_zero(hundredths: int, words: str) -> None:
    assert Scale().moved(hundredths, 0) == words


def test_what_moved_has_a_decimal_more() -> None:
    assert Scale().moved(-1234) == "-12.3"
    assert Scale("0-10", 1).moved(1250) == "+1.3"


def test_the_most_that_a_measure_can_give() -> None:
    assert Scale().most(45_000) == "4.5"
    assert Scale("0-10", 1).most(400_000) == "4"


def test_a_scale_comes_with_its_score() -> None:
    shown = ShownAs(scale="0-10", decimals=1, lead_with="letter")
    assert scale_of(shown) == Scale("0-10", 1, "letter")
    assert (scale_of(ShownAs()).whole, Scale("0-10").whole) == ("100", "10")
    assert Scale("percent").whole == "100 %"
