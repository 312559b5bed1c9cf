"""Rows A5, A6, A18: named behaviours, points for actions that fade, healthy by thresholds."""

from collections.abc import Callable

Story = Callable[..., list[tuple[str, str]]]
Card = Callable[..., str]


CARD = "points"


def test_a5_named_behaviours_are_counted(story: Story, card: Card) -> None:
    """How often it is used, onboarding tasks done, feedback given."""
    text = card(
        uses="count(use, 28d) => curve: {0: 0, 10: 100}",
        tasks="distinct(item, 90d, of: tutorial_finished) => curve: {0: 0, 4: 100}",
        feedback="count(feedback, 90d) => curve: {0: 0, 2: 100}",
    )
    assert (
        story(
            text,
            "do: 2026-03-03 09:00 5 uses of reports by ann",
            "do: 2026-03-03 10:00 tutorial basics finished by ann",
            "do: 2026-03-03 11:00 tutorial basics finished by ann",
            "do: 2026-03-03 12:00 tutorial charts finished by ann",
            "do: 2026-03-03 13:00 feedback neutral",
            "{at: 2026-03-03 13:00, expect: {value: {uses: 5, tasks: 2, feedback: 1},"
            " points: {uses: 50, tasks: 50, feedback: 50}}}",
        )
        == []
    )


def test_a6_five_for_a_tutorial_ten_for_positive_feedback(story: Story) -> None:
    assert (
        story(
            CARD,
            "do: 2026-03-03 09:00 tutorial basics finished by ann",
            "{at: 2026-03-03 09:00, expect: {value: {earned: 5}}}",
            "do: 2026-03-03 10:00 feedback positive",
            "{at: 2026-03-03 10:00, expect: {value: {earned: 15}}}",
            "do: 2026-03-03 11:00 feedback negative",
            "{at: 2026-03-03 11:00, expect: {value: {earned: 5}}}",
            # Half of it is gone after 30 days.
            "{at: 2026-04-02 11:00, expect: {value: {earned: 2.5}}}",
        )
        == []
    )


def test_a18_returning_adds_points_to_a_daily_limit(story: Story) -> None:
    """A visit a day is worth more than all of them at once."""
    assert (
        story(
            CARD,
            "do: 2026-03-02 09:00 30 uses of reports by ann",
            "{at: 2026-03-02 09:00, expect: {value: {earned: 3, days_a_week: 1}}}",
            "do: every day 2026-03-03..2026-03-05 at 09:00, 30 uses of reports by ann",
            "{at: 2026-03-05 09:00, expect: {value: {earned: 11..12, days_a_week: 4},"
            " points: {days_a_week: 70}}}",
        )
        == []
    )


def test_a18_healthy_and_unhealthy_by_thresholds(story: Story) -> None:
    """20 of returning, and 80 of what was earned: 50 points make 60, and 60 is healthy."""
    everyday = "do: every day 2026-03-02..2026-03-08 at 09:00, 1 failed use of reports by ann"
    assert (
        story(
            CARD,
            everyday,
            "{at: 2026-03-08 12:00, expect: {value: {earned: 0}, score: 20.00, band: red}}",
            *(f"do: 2026-03-08 13:0{n} feedback positive" for n in range(5)),
            "{at: 2026-03-08 13:04, expect: {value: {earned: 50}, score: 60.00,"
            " pending: 'green until 2026-03-09 13:04'}}",
        )
        == []
    )
