"""The sections of a card beyond its measures: what they add to a customer's health.

One card has all of them (``rich.yaml``); each test tells one story on it.
"""

from pathlib import Path
from typing import Any

from partitionlog import DAY_MS, HOUR_MS, START_MS, Log, at, bodies, data_of, event, source_control
from scoring.evaluate import evaluate

CARD = (Path(__file__).parent / "rich.yaml").read_text()
#: Days after the history's beginning.
D = DAY_MS


def account(ms: int = START_MS, **fields: Any) -> Any:
    known = {
        "status": "customer", "seats": 4, "mrr_minor": 90_000, "currency": "EUR",
        "started_at": at(START_MS - 400 * D), "renewal_at": at(START_MS + 400 * D),
    }  # fmt: skip
    return event("account.changed", ms, **{**known, **fields})


def use(ms: int, user: str = "ann", feature: str = "board") -> Any:
    return event("usage.feature", ms, event_id=f"{user}{feature}{ms}", user=user, feature=feature)


def log(*events: Any) -> Log:
    """A log with the rich card, these events at the beginning, and a first tick."""
    made = Log(card_text=CARD)
    made.read(START_MS + HOUR_MS, *events)
    made.tick(START_MS + HOUR_MS)
    return made


def health(made: Log) -> dict[str, Any]:
    """The customer's health as last told."""
    after: dict[str, Any] = data_of(made.outputs)[-1]["after"]
    return after


def lines(found: dict[str, Any]) -> dict[str, int]:
    return {line["name"]: line["points"] for line in found["contributions"]}


def test_a16_the_stage_chooses_the_weights() -> None:
    steady = health(log(account(), use(START_MS)))
    assert steady["stage"]["name"] == "steady"
    weights = {line["name"]: line["weight_ppm"] for line in steady["contributions"]}
    assert weights == {
        "seats": 200_000, "features": 200_000, "last_use": 400_000, "open": 150_000,
        "points": 50_000,
    }  # fmt: skip
    young = health(log(account(started_at=at(START_MS - 30 * D)), use(START_MS)))
    assert young["stage"]["name"] == "onboarding"
    assert {line["weight_ppm"] for line in young["contributions"]} == {
        125_000, 250_000, 375_000,
    }  # fmt: skip
    for one in (steady, young):
        assert sum(lines(one).values()) == one["score"]


def test_a16_a_stage_changes_as_time_passes_at_its_instant() -> None:
    made = log(account(started_at=at(START_MS - 88 * D)), use(START_MS))
    assert health(made)["stage"]["name"] == "onboarding"
    assert made.customer().due_ms is not None
    told = len(made.outputs)
    made.tick(START_MS + 2 * D - 1)
    assert made.customer().past.places["stage"].name == "onboarding"
    del made.outputs[told:]
    (change,) = data_of(made.tick(START_MS + 2 * D))
    assert change["after"]["stage"] == {
        "name": "steady", "label": "steady", "says": "", "disagrees": None,
        "since": at(START_MS + 2 * D)[:-6] + ".000Z",
    }  # fmt: skip
    assert change["cause"] == "time"


def test_a4_a_segment_follows_the_data_but_not_before_its_minimum_stay() -> None:
    made = log(account(mrr_minor=79_999), use(START_MS))
    assert health(made)["segment"]["name"] == "small"
    made.read(START_MS + 2 * HOUR_MS, account(START_MS + 2 * HOUR_MS, mrr_minor=80_000))
    made.tick(START_MS + 2 * HOUR_MS)
    assert health(made)["segment"]["name"] == "small"
    made.tick(START_MS + HOUR_MS + D)
    assert health(made)["segment"]["name"] == "growth"


def test_a4_amounts_in_other_currencies_count_at_their_rate() -> None:
    # 5,555.56 USD at 0.9 are just 5,000 EUR; a GBP is worth 1.1, from April 1.2.
    assert health(log(account(mrr_minor=555_556, currency="USD")))["segment"]["name"] == (
        "enterprise"
    )
    assert health(log(account(mrr_minor=555_555, currency="USD")))["segment"]["name"] == "growth"
    made = log(account(mrr_minor=420_000, currency="GBP"))
    assert health(made)["segment"]["name"] == "growth"
    april_ms = START_MS + 30 * D
    made.tick(april_ms)
    assert health(made)["segment"]["name"] == "enterprise"


def test_groups_within_groups_add_up() -> None:
    found = health(log(account(), use(START_MS), use(START_MS, "bob"), use(START_MS, "cy", "map")))
    own = lines(found)
    groups = {group["name"]: group["points"] for group in found["groups"]}
    assert groups == {
        "usage": own["seats"] + own["features"] + own["last_use"],
        "usage.adoption": own["seats"] + own["features"],
        "support": own["open"] + own["points"],
    }
    assert sum(lines(found).values()) == found["score"]


def test_a15_a_further_score_has_its_own_weights_and_adds_up() -> None:
    (adoption,) = health(log(account(), use(START_MS)))["scores"]
    assert adoption["name"] == "adoption"
    points = {line["name"]: line["points"] for line in adoption["contributions"]}
    # Half of usage is adoption: one of four seats (25 points), one of eight features (12.5).
    assert points == {"seats": 625, "features": 313, "last_use": 5000}
    assert adoption["score"] == sum(points.values())


def test_an_indicator_is_on_while_it_is_met_and_for_a_while_after() -> None:
    made = log(account(), use(START_MS))
    assert health(made)["indicators"] == []
    failed_ms = START_MS + 3 * HOUR_MS
    made.read(failed_ms, event("billing.changed", failed_ms, change="payment_failed"))
    made.tick(failed_ms)
    on = {
        "name": "payment_failed",
        "says": "a payment failed",
        "since": at(failed_ms)[:-6] + ".000Z",
    }
    assert health(made)["indicators"] == [{**on, "until": None}]
    # Met for the seven days of its window, then on for fourteen more.
    out_ms = START_MS + 7 * D
    told = len(made.outputs)
    made.tick(out_ms - 1)
    assert made.customer().past.indicators["payment_failed"].until_ms is None
    made.tick(out_ms)
    assert made.customer().past.indicators["payment_failed"].until_ms == out_ms + 14 * D
    made.tick(out_ms + 14 * D - 1)
    assert "payment_failed" in made.customer().past.indicators
    made.tick(out_ms + 14 * D)
    assert made.customer().past.indicators == {}
    assert health(made)["indicators"] == []
    assert len(made.outputs) > told


def test_an_indicator_needs_no_score() -> None:
    failed = event("billing.changed", START_MS, change="payment_failed")
    made = log(failed)
    found = health(made)
    assert (found["score"], found["band"]) == (None, "unknown")
    assert [one["name"] for one in found["indicators"]] == ["payment_failed"]


def test_a19_archetypes_in_their_order_with_a_minimum_stay() -> None:
    made = log(account(), use(START_MS))
    assert health(made)["archetype"]["name"] == "unclassified"
    tickets = [
        event("ticket.changed", START_MS + 2 * HOUR_MS, event_id=f"t{n}", ticket_id=f"t{n}",
              change="opened")
        for n in range(3)
    ]  # fmt: skip
    made.read(START_MS + 2 * HOUR_MS, *tickets, account(START_MS + 2 * HOUR_MS, seats=5))
    made.tick(START_MS + 2 * HOUR_MS)
    # Unclassified is no class to stay in ... but it was entered, and is kept a week.
    made.tick(START_MS + HOUR_MS + 7 * D)
    assert health(made)["archetype"] | {"since": ""} == {
        "name": "struggler", "label": "Needs help", "since": "",
        "says": "seats < 25% and open_tickets >= 3", "disagrees": None,
    }  # fmt: skip


def test_a19_silence_makes_a_ghost_at_its_instant() -> None:
    made = log(account(), use(START_MS))
    due_ms = START_MS + 30 * D
    made.tick(due_ms - 1)
    assert health(made)["archetype"]["name"] == "unclassified"
    made.tick(due_ms)
    found = health(made)["archetype"]
    assert (found["label"], found["says"]) == (
        "Not seen", "nobody has been seen for a month",
    )  # fmt: skip


def test_a1_a21_the_outlook_has_its_reason() -> None:
    users = [use(START_MS, f"u{n}", f"f{n}") for n in range(8)]
    grow = health(log(account(), *users, event("engagement.learning", START_MS, kind="tutorial",
                                                item="x")))  # fmt: skip
    assert grow["band"] == "green"
    assert (grow["outlook"]["name"], grow["outlook"]["says"]) == (
        "grow", "seats > 80% and band is green",
    )  # fmt: skip
    leaving = event("billing.changed", START_MS, change="cancel_scheduled", reason="price")
    leave = health(log(account(), *users, leaving))
    assert (leave["outlook"]["name"], leave["outlook"]["says"]) == ("leave", "red or leaving")
    assert health(log(account(), use(START_MS, "u", "f")))["outlook"]["name"] in ("renew", "leave")


def test_the_way_to_green_moves_the_fewest_measures_and_no_further_than_needed() -> None:
    made = log(account(), use(START_MS), use(START_MS, "bob"))
    found = health(made)
    assert found["band"] != "green"
    way = found["way_to_green"]
    assert way["reachable"]
    assert way["score"] >= 7500
    assert {step["name"] for step in way["steps"]} <= {"seats", "features", "last_use", "open"}
    # Acting on it leads there: the values are those that give the points.
    (step,) = way["steps"]
    assert step["name"] == "features"
    more = [use(START_MS + 2 * HOUR_MS, "ann", f"f{n}") for n in range(round(step["value"] + 0.5))]
    made.read(START_MS + 2 * HOUR_MS, *more)
    made.tick(START_MS + 2 * HOUR_MS)
    assert health(made)["band"] == "green"


def test_where_green_is_out_of_reach_the_best_score_is_told() -> None:
    overdue = event("billing.changed", START_MS - 40 * D, change="invoice_due", invoice_id="i")
    found = health(log(account(), use(START_MS), overdue))
    assert found["overrides"] == ["unpaid_30d"]
    assert found["way_to_green"]["reachable"] is False
    assert found["way_to_green"]["score"] == 2500


def test_a_green_customer_has_no_way_to_go() -> None:
    users = [use(START_MS, f"u{n}", f"f{n}") for n in range(8)]
    assert health(log(account(), *users))["way_to_green"] is None


def test_single_values_have_words_of_their_own() -> None:
    says = {line["name"]: line["says"] for line in health(log(account(), use(START_MS + HOUR_MS)))[
        "contributions"]}  # fmt: skip
    assert says["last_use"] == "used within the hour"
    later = {line["name"]: line["says"] for line in health(log(account(), use(START_MS)))[
        "contributions"]}  # fmt: skip
    assert later["last_use"] == "last used 1 hour ago"


def test_a_stalled_source_freezes_its_measures_up_to_the_limit() -> None:
    """A source that stops looks like a customer who does: nobody may go silent because of it."""
    made = log(account(), use(START_MS))
    stalled_ms = START_MS + 2 * HOUR_MS
    made.tick(stalled_ms)
    made.add(source_control("source.stalled", "health.usage.v1", 1), stalled_ms)
    for day in range(1, 7):
        made.tick(stalled_ms + day * D)
    frozen = made.customer()
    assert made.fold.card is not None
    moment = made.fold.moment(frozen, stalled_ms + 6 * D)
    exact = evaluate(frozen.state, frozen.past, made.fold.card, moment)
    values = {line.name: line.value for line in exact.lines}
    assert values["last_use"] == 2 * 1_000_000 // 24
    made.tick(stalled_ms + 7 * D)
    last = {line["name"]: line["value"] for line in health(made)["contributions"]}
    assert (last["last_use"], last["seats"]) == (None, None)
    assert health(made)["band"] == "unknown"  # more than half of the card has no data
    made.add(source_control("source.resumed", "health.usage.v1", 2), stalled_ms + 8 * D)
    made.tick(stalled_ms + 8 * D)
    again = {line["name"]: line["value"] for line in health(made)["contributions"]}
    assert again["last_use"] is not None
    causes = {body["data"]["cause"] for body in bodies(made.outputs)[1:]}
    assert "scorecard" not in causes


def test_that_a_source_is_stalled_is_told_at_once_and_no_longer_than_it_lasts() -> None:
    """Though no point moved: a page must not say for weeks what is over."""
    made = log(account(), use(START_MS))
    made.tick(START_MS + HOUR_MS)

    def frozen() -> set[str]:
        told = health(made)["contributions"]
        return {line["name"] for line in told if "frozen_since" in line}

    assert frozen() == set()
    made.add(source_control("source.stalled", "health.usage.v1", 1), START_MS + HOUR_MS + 1)
    made.tick(START_MS + HOUR_MS + 2)
    assert "last_use" in frozen()
    made.add(source_control("source.resumed", "health.usage.v1", 2), START_MS + HOUR_MS + 3)
    made.tick(START_MS + HOUR_MS + 4)
    assert frozen() == set()
    told = len(made.outputs)
    made.tick(START_MS + HOUR_MS + 5)
    assert len(made.outputs) == told


def test_what_is_frozen_ends_at_the_limit_where_its_curve_is_level_too() -> None:
    """The curve says the same of any longer silence; that there is no data says something else."""
    made = log(account(), use(START_MS))
    late_ms = START_MS + 60 * D
    made.tick_if_wanted(late_ms)
    assert made.customer().emitted is not None
    made.add(source_control("source.stalled", "health.usage.v1", 1), late_ms)
    made.tick_if_wanted(late_ms + HOUR_MS)
    told = []
    while (due_ms := made.customer().due_ms) is not None and due_ms <= late_ms + 7 * D:
        made.tick_if_wanted(due_ms)
        told.append(due_ms)
    assert told[-1] == late_ms + 7 * D
    last = {line["name"]: line["value"] for line in health(made)["contributions"]}
    assert last["last_use"] is None


def test_time_goes_on_when_every_source_is_stalled() -> None:
    made = log(account(), use(START_MS))
    made.tick_if_wanted(START_MS + 2 * HOUR_MS)
    made.add(source_control("source.stalled", "health.usage.v1", 1), START_MS + 2 * HOUR_MS)
    ticks = made.fold.ticks(START_MS + 3 * HOUR_MS, 1000)
    assert [tick.now_ms for tick in ticks] == [START_MS + 3 * HOUR_MS]
