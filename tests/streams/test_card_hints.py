"""A card that says all that a customer-success team wants, and what other spellings are told."""

from pathlib import Path

import pytest

from partitionlog import DAY_MS, START_MS, Log, data_of, event
from streams.exits import Exit, NamedExit
from streams.scorecards import load_card

CARD = (Path(__file__).parents[1] / "scoring" / "sketch.yaml").read_text()
#: What stands in the card, what people write instead, and the message.
OTHER_SPELLINGS = [
    ('version: "1"\n', "", ":2: version: is missing"),
    ("{status: [customer, notice], internal: false}",
     "account.status in [customer, notice] and not account.internal",
     ":6: scored: expected {status: [customer, notice], internal: false}"),
    ("rates: {USD: {2026-01-01: 0.92}}", "rates: rates/2026.yaml",
     ":9: money.rates: expected rates by currency, such as {USD: 0.92}; they are part of the card"),
    ('28d, where: user_kind == human) / account.seats"\n      curve:',
     '28d) / account.seats"\n      where: "user.kind == human"\n      curve:',
     (":30: groups.usage.active_seats.where: unknown field; write it in the metric:"
      " distinct(user, 28d, where: user_kind == human)")),
    ("where: user_kind == human", "where: user.kind == human",
     (":29: groups.usage.active_seats.metric: no field named 'user.kind'; did you mean user_kind?"
      " (at 'user.kind')")),
    ("change(sum(active_time), 28d, per", "change(active_hours, 28d, per",
     (":34: groups.usage.trend.metric: no thing named 'active_hours'; time of use is a field:"
      " sum(active_time, 28d), change(sum(active_time), 28d) (at 'active_hours')")),
    ('28d, per: working_day)"\n', '28d)"\n      ignore: holidays\n',
     (":35: groups.usage.trend.ignore: unknown field; write it in the metric:"
      " change(use, 28d, per: working_day)")),
    ("calendar: {zone: Europe/Berlin, working_days: mon-fri, holidays: account.country}\n", "",
     (":33: groups.usage.trend.metric: working days need a calendar: write"
      " calendar: {zone: Europe/Berlin} on the card (at 'working_day')")),
    ('"at_least(mean(csat, 180d), 3)"', '"mean(csat, 180d)", at_least: 3 answers',
     (":47: groups.support.csat.at_least: unknown field; write it in the metric:"
      " at_least(mean(csat, 180d), 3)")),
    ('"last(nps, 180d)"', "last(nps), expires: 180d",
     (":56: groups.relationship.nps.expires: unknown field; write it in the metric:"
      " last(nps, 180d); a pulse expires by itself")),
    ('by(segment, enterprise: 90d, growth: 180d)"\n',
     'cadence"\n      cadence: {enterprise: 90d, growth: 180d, small: none}\n',
     (":60: groups.relationship.check_in.cadence: unknown field; write it in the metric:"
      " days_since(check_in) / by(segment, enterprise: 90d, growth: 180d)")),
    ("growth: 180d)", "growth: 180d, small: none)",
     (":59: groups.relationship.check_in.metric: nothing is named 'none'; leave the class out:"
      " it has no data (at 'none')")),
    ("lost: 0}}", "lost: 0}, expires: 90d}",
     (":61: groups.relationship.pulse.expires: unknown field; write it in the metric:"
      " last(nps, 180d); a pulse expires by itself")),
    ("count(contact, 30d, where: property.left == true and property.role == champion)",
     "count(contact_left, 30d)",
     (":76: indicators.champion_left.when: no thing named 'contact_left'; let your events say so"
      " with properties: count(contact, 30d, where: property.left == true and"
      " property.role == champion) (at 'contact_left')")),
    ("count(contact, 30d, where: property.left == true and property.role == champion)",
     "count(contact, role: champion, 30d)",
     (":76: indicators.champion_left.when: expected the arguments without a name before those with"
      ' one; move this one before "role:" (at \'30d\')')),
    ("count(contact, 30d, where: property.left == true and property.role == champion)",
     "count(contact, 30d, role: champion)",
     (":76: indicators.champion_left.when: count takes no argument 'role'; it takes where, per:"
      " events are told apart by where: property.role == champion (at 'champion')")),
    ("  min_stay: 7d\n", "  order: [struggler, ghost]\n  min_stay: 7d\n",
     ":79: archetypes.order: unknown field; archetypes are asked in the order of classes"),
    ("  classes:\n", "  struggler: {when: open_tickets >= 3, label: Needs help}\n  classes:\n",
     (":80: archetypes.struggler: unknown field; write it under classes:"
      " {min_stay: 7d, classes: {struggler: ...}}")),
    ("  classes:\n", "  otherwise: unclassified\n  classes:\n",
     (":80: archetypes.otherwise: unknown field; leave it out: whoever fits no archetype is"
      " unclassified")),
    ("indicators:   ", "rules: {}\nindicators:   ",
     (":73: rules: unknown field; a scorecard says how scores are made, not who is told of them")),
    ("indicators:   ", "playbooks: {}\nindicators:   ",
     (":73: playbooks: unknown field; a scorecard says how scores are made, not who is told of"
      " them")),
    ("working_days: mon-fri", "working_days: mon,wed",
     ':8: calendar.wed: put working days with a comma in quotes: working_days: "mon,wed,fri"'),
]  # fmt: skip


@pytest.mark.parametrize(("ours", "theirs", "message"), OTHER_SPELLINGS)
def test_another_spelling_is_told_what_to_write(ours: str, theirs: str, message: str) -> None:
    assert CARD.count(ours) == 1
    with pytest.raises(NamedExit) as ended:
        load_card(CARD.replace(ours, theirs), "card.yaml")
    assert ended.value.code is Exit.USAGE
    assert ended.value.message.splitlines() == [f"card.yaml{message}"]


def test_the_card_scores_a_customer() -> None:
    """One with everything: no measure is without data, and the lines add up."""
    log = Log(CARD)
    day = DAY_MS
    used = [
        event("usage.feature", START_MS - n * day, feature=f"f{n % 9}", user=f"u{n % 4}",
              duration_s=60)
        for n in range(56)
    ]  # fmt: skip
    rated = [
        event("engagement.survey", START_MS - n * day, survey="csat", score=5) for n in range(3)
    ]
    log.read(
        START_MS,
        event("account.created", START_MS - 200 * day, status="customer", seats=5, country="DE",
              mrr_minor=600_000, currency="EUR"),
        event("account.changed", START_MS - 9 * day, seats=6),
        *used,
        *rated,
        event("ticket.changed", START_MS - day, change="answered", ticket_id="t",
              first_response_s=3600),
        event("billing.changed", START_MS - day, change="invoice_paid", invoice_id="i"),
        event("engagement.survey", START_MS - day, event_id="n", survey="nps", score=9),
        event("engagement.contact", START_MS - 100 * day, kind="check_in", direction="outbound"),
        event("engagement.pulse", START_MS - day, pulse="good", reason="r", author="a"),
        event("engagement.goal", START_MS - day, goal_id="g", change="reached"),
    )  # fmt: skip
    (told,) = data_of(log.tick(START_MS))
    health = told["after"]
    points = {line["name"]: line["curve_points"] for line in health["contributions"]}
    assert points == {
        "active_seats": 9000, "trend": 8000, "breadth": 8000, "urgent_open": 10_000,
        "first_response": 10_000, "csat": 10_000, "overdue": 10_000, "seats_change": 10_000,
        "nps": 10_000, "check_in": 8889, "pulse": 10_000,
    }  # fmt: skip
    assert sum(line["points"] for line in health["contributions"]) == health["score"]
    assert (health["segment"]["name"], health["stage"]["name"]) == ("enterprise", "steady")
    assert health["band"] == "green"
