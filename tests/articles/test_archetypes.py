"""Row A19: five kinds of customers on the shipped card, in their order, for a week at least."""

from collections.abc import Callable

import pytest

from streams.scorecards import read_card, shipped_card

Story = Callable[..., list[tuple[str, str]]]


TICKETS = tuple(f"do: 2026-04-01 09:0{n} ticket T-{n} opened" for n in range(5))
POSTS = tuple(f"do: 2026-04-01 10:0{n} community post by user-1" for n in range(3))


def used_by(people: int) -> str:
    return f"do: every day 2026-03-03..2026-04-01 at 08:00, {people} users use 2 features"


@pytest.mark.parametrize(
    ("happens", "archetype"),
    [
        ((used_by(5), *TICKETS), "struggler"),  # low usage, many tickets
        ((used_by(5),), "ghost"),  # low usage, low engagement
        ((used_by(30), *POSTS), "brand_advocate"),  # high usage, high engagement
        ((used_by(30),), "power_user"),  # high usage, few tickets
        ((used_by(15),), "on_the_fence"),  # moderate
        ((used_by(30), *TICKETS), "unclassified"),  # high usage, many tickets: none of the five
        ((used_by(5), *POSTS), "unclassified"),  # hardly there, but interested
        ((used_by(5), *TICKETS, *POSTS), "struggler"),  # the first in order that fits
    ],
)
def test_a19_each_kind_by_its_own_facts(
    story: Story, happens: tuple[str, ...], archetype: str
) -> None:
    expect = f"{{at: 2026-04-09 12:00, expect: {{archetype: {archetype}}}}}"
    assert story("b2b-saas", *happens, expect) == []


def test_a19_a_kind_lasts_a_week(story: Story) -> None:
    """Ghost since the first day; more people come on the third, and count on the eighth."""
    assert (
        story(
            "b2b-saas",
            "do: 2026-03-02 08:00 5 users use 2 features",
            "{at: 2026-03-02 08:00, expect: {archetype: ghost}}",
            "do: 2026-03-04 08:00 30 users use 2 features",
            "{at: 2026-03-09 07:59, expect: {archetype: ghost}}",
            "{at: 2026-03-09 08:00, expect: {archetype: power_user}}",
        )
        == []
    )


def test_a19_people_see_labels_that_can_be_set() -> None:
    archetypes = read_card(shipped_card())[0].archetypes
    assert archetypes is not None
    assert [(one.name, one.label) for one in archetypes.classes] == [
        ("struggler", "Needs help"),
        ("ghost", "Not seen lately"),
        ("brand_advocate", "Advocate"),
        ("power_user", "Power user"),
        ("on_the_fence", "On the fence"),
    ]


def test_a19_each_kind_has_the_score_that_is_to_be_expected_of_it() -> None:
    archetypes = read_card(shipped_card())[0].archetypes
    assert archetypes is not None
    assert {one.name: one.expects for one in archetypes.classes} == {
        "struggler": "low",
        "ghost": "very_low",
        "brand_advocate": "high",
        "power_user": "high",
        "on_the_fence": "medium",
    }
