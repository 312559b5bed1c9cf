"""Rows A1, A4, A13, A15, A16, A20-A22, A24, A25: objectives, the journey, what lowers a score."""

from collections.abc import Callable

import pytest

from partitionlog import DAY_MS, SAAS, START_MS, Log, activation, changed_card, data_of, event
from streams.exits import NamedExit
from streams.scorecards import load_card, read_card, shipped_card

Story = Callable[..., list[tuple[str, str]]]
Card = Callable[..., str]

HAPPY = (
    "do: every day 2026-03-02..2026-06-30 at 08:00, 40 users use 8 features for 1h",
    "do: 2026-03-02 09:00 check-in by dana",
    "do: 2026-03-02 09:00 nps 9",
)


def test_a1_the_outlook_is_renew_grow_or_leave(story: Story) -> None:
    assert (
        story(
            "b2b-saas",
            *HAPPY,
            "{at: 2026-05-11 12:00, expect: {outlook: renew}}",
            "do: 2026-05-11 13:00 45 users use 1 feature",
            "{at: 2026-05-11 13:00, expect: {outlook: grow}}",
            "do: 2026-05-13 13:00 cancellation scheduled",
            "{at: 2026-05-13 13:00, expect: {outlook: leave}}",
        )
        == []
    )


def test_a4_segments_follow_data_and_time(story: Story) -> None:
    """MRR moves it to another segment, the passing of time to another stage."""
    assert (
        story(
            "b2b-saas",
            "{at: 2026-03-03 12:00, expect: {segment: growth, stage: onboarding}}",
            "do: 2026-03-04 12:00 account mrr 5000 EUR",
            "{at: 2026-03-04 12:00, expect: {segment: enterprise}}",
            "{at: 2026-05-30 07:59, expect: {stage: onboarding}}",
            "{at: 2026-05-31 08:00, expect: {stage: steady}}",
            account="{id: a, mrr: 900 EUR, started: 2026-03-02 08:00}",
        )
        == []
    )


def test_a13_a_card_changes_while_it_runs() -> None:
    """What was counted stays; the change has the cause ``scorecard``, and the new version."""
    log = Log(SAAS)
    log.read(
        START_MS, event("account.created", START_MS, seats=1, started_at="2025-05-04T00:00:00Z")
    )
    log.read(START_MS, *(event("usage.feature", START_MS + n, feature=f"f{n}") for n in range(4)))
    log.read(START_MS, event("billing.changed", START_MS, change="invoice_paid", invoice_id="i"))
    log.read(START_MS, event("engagement.survey", START_MS, survey="nps", score=9))
    log.tick(START_MS + 10)
    other = changed_card(
        ('version: "1"', 'version: "2"'), ("{0: 0, 4: 60, 8: 100}", "{0: 0, 4: 100}")
    )
    log.add(activation(other, 1), START_MS + DAY_MS)
    (told,) = data_of(log.tick(START_MS + DAY_MS))
    breadth = {line["name"]: line for line in told["after"]["contributions"]}["breadth"]
    assert (breadth["value"], breadth["curve_points"]) == (4, 10_000)
    assert (told["cause"], told["scorecard"]["version"]) == ("scorecard", "2")


def test_a15_a_card_without_an_objective_is_refused() -> None:
    with pytest.raises(NamedExit, match="objective: is missing"):
        load_card("\n".join(line for line in SAAS.splitlines() if not line.startswith("objective")))


def test_a15_the_articles_metrics_are_measures(story: Story, card: Card) -> None:
    text = card(
        features="distinct(feature, 28d, of: use) => curve: {0: 0, 10: 100}",
        response="median(first_response, 90d) => curve: {1h: 100, 24h: 0}",
        uses_per_ticket="count(use, 28d) / count(ticket, 28d) => curve: {0: 0, 100: 100}",
        daily_time="sum(active_time, 28d) / active_days(use, 28d) => curve: {0s: 0, 8h: 100}",
        posts="count(community_post, 28d) => curve: {0: 0, 4: 100}",
        disapproval="count(negative_feedback, 90d, where: feature == export)"
        " => steps: {0: 100, 1: 0}",
    )
    assert (
        story(
            text,
            "do: every day 2026-03-02..2026-03-03 at 09:00, 2 users use 5 features for 1h",
            "do: 2026-03-03 10:00 ticket T-1 opened",
            "do: 2026-03-03 11:00 ticket T-1 answered after 1h",
            "do: 2026-03-03 12:00 community post by ann",
            "do: 2026-03-03 12:10 feedback negative about reports",
            "{at: 2026-03-03 12:10, expect: {value: {disapproval: 0}}}",
            "do: 2026-03-03 12:20 feedback negative about export",
            "{at: 2026-03-03 13:00, expect: {value: {features: 5, response: 1h,"
            " uses_per_ticket: 20, daily_time: 2h, posts: 1, disapproval: 1}}}",
        )
        == []
    )


def test_a15_a_customer_has_several_scores_one_of_them_primary(story: Story) -> None:
    found = story("b2b-saas", *HAPPY, "{at: 2026-05-11 12:00, expect: {scores: {adoption: 96}}}")
    assert found == []
    assert [one.name for one in read_card(shipped_card())[0].others] == ["adoption"]


def test_a16_the_stage_decides_what_counts_most(story: Story) -> None:
    """One goal of two is half of what goals weigh: much for a beginner, nothing later."""
    assert (
        story(
            "b2b-saas",
            *HAPPY,
            "do: 2026-03-05 milestone first-report due 2026-03-10",
            "{at: 2026-05-31 07:59, expect: {stage: onboarding, value: {reached: 0%}}}",
            "{at: 2026-05-31 08:00, expect: {stage: steady, because: [active_seats, trend],"
            " score: '> 90'}}",
            account="{id: a, mrr: 900 EUR, seats: 50, started: 2026-03-02 08:00}",
        )
        == []
    )


def test_a20_beyond_satisfaction(story: Story) -> None:
    """The decline of use, its breadth, goals, check-ins that fall due, each at its time."""
    assert (
        story(
            "b2b-saas",
            *HAPPY,
            "do: 2026-03-05 goal rollout due 2026-03-10",
            "do: 2026-03-05 milestone first-report due 2026-03-10",
            "do: 2026-03-09 milestone first-report reached",
            "{at: 2026-05-11 12:00, expect: {value: {trend: 0%, breadth: 8}}}",
            # A check-in is good for 90 days, to the hour, and for less and less from then on.
            "{at: 2026-05-31 09:00, expect: {points: {check_in: 100}}}",
            "{at: 2026-05-31 10:00, expect: {points: {check_in: '< 100'}}}",
            "{at: 2026-06-30 09:00, expect: {value: {check_in: 120d}, points: {check_in: 66..67}}}",
        )
        == []
    )


def test_a21_seats_licence_cost_and_quiet_before_renewal(story: Story, card: Card) -> None:
    text = card(
        seats_used="distinct(user, 28d, of: use) / account.seats => curve: {0%: 0, 100%: 100}",
        per_seat="account.mrr / account.seats => curve: {0: 0, 80: 100}",
        own="sum(property.pages, 28d) => curve: {0: 0, 100: 100}",
    )
    assert (
        story(
            text,
            "do: 2026-03-03 09:00 10 users use 1 feature",
            "do: '2026-03-03 10:00 event {type: usage.feature, feature: print,"
            " properties: {pages: 40}}'",
            "{at: 2026-03-03 10:00, expect: {value: {seats_used: 20%, per_seat: 40, own: 40}}}",
        )
        == []
    )
    # The sign of the one who is green, quiet and soon to renew is played in its own scenario.
    card_ = read_card(shipped_card())[0]
    assert "quiet_before_renewal" in {one.name for one in card_.indicators}


def test_a22_everything_that_a_customer_does_counts(story: Story, card: Card) -> None:
    text = card(
        marketing="count(campaign_clicked, 90d) => curve: {0: 0, 1: 100}",
        feedback="count(feedback, 90d) => curve: {0: 0, 1: 100}",
        upgrades="mrr_movement(90d, kind: expansion) => curve: {0: 0, 100: 100}",
        renewals="count(subscription_renewed, 365d) => curve: {0: 0, 1: 100}",
        site="count(site_visit, 28d) => curve: {0: 0, 1: 100}",
        cases="count(ticket, 28d) => curve: {0: 100, 1: 0}",
        community="count(community, 28d) => curve: {0: 0, 1: 100}",
    )
    assert (
        story(
            text,
            "do: 2026-03-03 09:00 campaign news clicked",
            "do: 2026-03-03 09:00 feedback positive",
            "do: 2026-03-03 09:00 account mrr 2100 EUR",
            "do: 2026-03-03 09:00 subscription renewed until 2027-03-01",
            "do: 2026-03-03 09:00 site visit to docs",
            "do: 2026-03-03 09:00 ticket T-1 opened",
            "do: 2026-03-03 09:00 community review",
            "{at: 2026-03-03 09:00, expect: {value: {marketing: 1, feedback: 1, upgrades: 100,"
            " renewals: 1, site: 1, cases: 1, community: 1}}}",
        )
        == []
    )


def test_a24_promoters_the_pulse_guides_and_what_fails(story: Story) -> None:
    assert (
        story(
            "b2b-saas",
            *HAPPY,
            "do: 2026-03-10 09:00 pulse good by dana because talk until 2026-03-20 09:00",
            "do: 2026-03-10 09:00 guide import finished by user-1",
            "do: 2026-03-10 10:00 40 failed uses of export by user-1",
            "{at: 2026-03-10 10:00, expect: {value: {nps: 9, pulse: good, breadth: 9}, "
            " points: {nps: 100, pulse: 100}}}",
            # What fails is seen as well: 40 of 9 days with 320 uses, and these.
            "{at: 2026-03-10 11:00, expect: {value: {failures: 1.37%}}}",
            "{at: 2026-03-20 09:00, expect: {value: {pulse: no data}}}",
        )
        == []
    )
    assert (
        story(
            "consumer-electronics",
            "do: 2026-03-03 09:00 nps 9",
            "{at: 2026-03-03 09:00, expect: {indicators: [promoter]}}",
        )
        == []
    )


def test_a24_a_guide_counts_while_they_begin(story: Story) -> None:
    assert (
        story(
            "b2b-saas",
            "do: 2026-03-10 09:00 guide import finished by user-1",
            "do: 2026-03-10 09:10 tutorial basics finished by user-1",
            "{at: 2026-03-10 10:00, expect: {value: {learned: 2}, points: {learned: 40}}}",
            account="{id: a, mrr: 900 EUR, seats: 50, started: 2026-03-02 08:00}",
        )
        == []
    )


def test_a25_silence_lowers_the_score_at_its_instant_without_an_event(story: Story) -> None:
    quiet = HAPPY[0].replace("2026-06-30", "2026-04-30")
    assert (
        story(
            "b2b-saas",
            quiet,
            *HAPPY[1:],
            "{at: 2026-05-01 07:59, expect: {points: {last_use: 100},"
            " next_change: 2026-05-01 09:00}}",
            # From one day on points are lost, hour by hour: 30 points in 6 days.
            "{at: 2026-05-01 09:00, expect: {points: {last_use: 99.79}, cause: time}}",
            "{at: 2026-05-30 08:00, expect: {overrides: [not_seen], score: 45.00, band: red,"
            " cause: time}}",
        )
        == []
    )


@pytest.mark.parametrize(
    ("measure", "metric", "worse"),
    [
        ("engagement", "count(campaign_clicked, 90d) => curve: {0: 0, 2: 100}", ""),
        ("community", "count(community, 90d) => curve: {0: 0, 2: 100}", ""),
        ("upgrades", "mrr_movement(90d, kind: expansion) => curve: {0: 0, 100: 100}", ""),
        ("feedback", "count(negative_feedback, 90d) => steps: {0: 100, 1: 0}", "feedback negative"),
    ],
)
def test_a25_each_of_these_lowers_the_score(
    story: Story,
    card: Card,
    measure: str,
    metric: str,
    worse: str,
) -> None:
    """Low engagement, no community, no upgrades: what was there runs out. Bad feedback: at once."""
    good = {
        "engagement": "campaign news clicked, heard again 1h later",
        "community": "community post by ann",
        "upgrades": "account mrr 2200 EUR",
        "feedback": "feedback positive",
    }[measure]
    happens = [f"do: 2026-03-03 09:00 {good}"]
    if measure in ("engagement", "community"):
        happens.append(f"do: 2026-03-03 10:00 {good}")
    steps = [*happens, "{at: 2026-03-04 09:00, expect: {score: 100.00, band: green}}"]
    if worse:
        steps.append(f"do: 2026-03-05 09:00 {worse}")
    steps.append(
        "{at: 2026-06-20 09:00, expect: {score: 0.00, band: red}}"
        if not worse
        else "{at: 2026-03-05 09:00, expect: {score: 0.00, band: red}}"
    )
    assert story(card(**{measure: metric}), *steps) == []
