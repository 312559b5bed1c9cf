"""The words of a message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples.transitions import transition
from schemas.actions import Severity
from streams.outreach.message import PART_CHARS_MAX, compose, whole


def test_a_message_says_who_what_why_and_whom_to_ask():
    message = compose(transition(), Severity.HIGH, "https://vitals.example/")
    assert message.text.splitlines() == [
        "Acme went from yellow to red: 58 → 41",
        "Why: Nobody has logged in for 12 days, and an invoice is overdue.",
        "  -11 days since last use (last used 12 days ago)",
        "  -8 days overdue (9 days overdue)",
        "  +2 satisfaction",
        "Owner: dana",
        "https://vitals.example/customers/acme",
    ]


def test_a_recovery_says_so():
    message = compose(transition(before="red", after="green"), Severity.RECOVERED, None)
    assert message.headline == "Acme recovered from red to green: 58 → 41"
    assert message.link is None


def test_a_customer_without_name_owner_score_and_movers_still_makes_a_message():
    bare = transition(customer_name=None, attributes={}, score_after=None, movers=[], because="")
    assert compose(bare, Severity.HIGH, None).text == "acme went from yellow to red"


def test_movers_below_half_a_point_are_left_out():
    tiny = transition(movers=[{"name": "a", "delta": 49}, {"name": "b", "delta": -50}])
    assert compose(tiny, Severity.HIGH, None).movers == ("-1 b",)


def test_the_weight_of_lost_data_is_named():
    lost = transition(movers=[{"name": "respread", "kind": "respread", "delta": 900}])
    message = compose(lost, Severity.HIGH, None)
    assert message.movers == ("+9 weight of measures without data",)


def test_a_customer_id_with_slashes_and_spaces_is_one_part_of_the_link():
    message = compose(transition("a/b c?d.é"), Severity.HIGH, "https://vitals.example")
    assert message.link == "https://vitals.example/customers/a%2Fb%20c%3Fd.%C3%A9"


@pytest.mark.parametrize(
    ("points", "shown"), [(0, 0), (49, 0), (50, 1), (149, 1), (150, 2), (-49, 0), (-250, -3)]
)
def test_points_are_shown_whole_with_halves_away_from_zero(points, shown):
    assert whole(points) == shown


@given(st.text(max_size=2000), st.text(max_size=2000), st.text(max_size=300))
def test_no_part_breaks_a_line_or_moves_a_cursor(name, because, owner):
    message = compose(
        transition(customer_name=name, because=because, attributes={"owner": owner}),
        Severity.HIGH,
        None,
    )
    for part in (message.headline, message.because, message.owner, *message.movers):
        assert part is None or part.isprintable()
        assert part is None or len(part) <= PART_CHARS_MAX
