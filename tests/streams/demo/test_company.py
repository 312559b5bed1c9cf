"""The simulated company's past: valid, unique, in order, the same for the same seed."""

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from schemas.inbound import FAMILIES, AnyEvent, family_of
from streams.demo.company import history
from streams.demo.garbage import bad_records
from streams.demo.roster import PROBES, Archetype, accounts

UNTIL = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CUSTOMERS = 60


@pytest.fixture(scope="module")
def past(seed):
    return list(history(seed, CUSTOMERS, 60, UNTIL))


def test_every_event_of_the_past_is_valid(past):
    for event in past:
        AnyEvent.validate_json(json.dumps(event))


def test_event_ids_are_unique_within_their_source(past):
    ids = Counter((event["source"], event["event_id"]) for event in past)
    assert [key for key, count in ids.items() if count > 1] == []


def test_the_past_is_sorted_and_ends_before_the_present(past):
    times = [datetime.fromisoformat(event["occurred_at"]) for event in past]
    assert times == sorted(times)
    assert times[-1] < UNTIL
    assert times[0] >= UNTIL - timedelta(days=60)


def test_the_same_seed_tells_the_same_past_and_another_seed_another(seed, past):
    assert list(history(seed, CUSTOMERS, 60, UNTIL)) == past
    assert list(history(seed + 1, CUSTOMERS, 60, UNTIL)) != past


def test_all_five_families_occur(past):
    families = {family_of(AnyEvent.validate_python(event)) for event in past}
    assert families == set(FAMILIES)


def test_archetypes_can_be_told_apart_by_what_they_do(seed):
    cast = {account.customer_id: account for account in accounts(seed, 800)}
    users: dict[str, set[str]] = defaultdict(set)
    tickets: Counter[str] = Counter()
    applause: Counter[str] = Counter()
    for event in history(seed, 800, 60, UNTIL):
        customer = event["customer_id"]
        if event["type"] == "usage.feature":
            users[customer].add(event["user"])
        tickets[customer] += event["type"] == "ticket.changed" and event["change"] == "opened"
        applause[customer] += event["type"] in {"engagement.campaign", "engagement.community"}

    def mean(of, kind):
        members = [account for account in cast.values() if account.archetype is kind]
        return sum(of(account) for account in members) / len(members)

    def adoption(account):
        return len(users[account.customer_id]) / account.seats

    use = {kind: mean(adoption, kind) for kind in Archetype}
    assert use[Archetype.GHOST] < use[Archetype.STRUGGLER] < use[Archetype.ON_THE_FENCE]
    assert use[Archetype.ON_THE_FENCE] + 0.15 < use[Archetype.BRAND_ADVOCATE]
    assert use[Archetype.BRAND_ADVOCATE] < use[Archetype.POWER_USER]
    asked = {kind: mean(lambda a: tickets[a.customer_id], kind) for kind in Archetype}
    assert asked[Archetype.STRUGGLER] > 3 * max(asked[k] for k in set(Archetype) - {"struggler"})
    praised = {kind: mean(lambda a: applause[a.customer_id], kind) for kind in Archetype}
    assert praised[Archetype.BRAND_ADVOCATE] > 3 * praised[Archetype.POWER_USER]


def test_some_customers_have_gone_silent_and_say_nothing_after_it(seed):
    cast = {a.customer_id: a for a in accounts(seed, 200) if a.silent_days is not None}
    assert len(cast) >= 10
    used = [
        event for event in history(seed, 200, 60, UNTIL)
        if event["type"] == "usage.feature" and event["customer_id"] in cast
    ]  # fmt: skip
    for event in used:
        silent = UNTIL - timedelta(days=cast[event["customer_id"]].silent_days or 0)
        assert datetime.fromisoformat(event["occurred_at"]) < silent


def test_nobody_works_at_weekends_in_their_own_zone(seed, past):
    from zoneinfo import ZoneInfo

    zones = {account.customer_id: ZoneInfo(account.zone) for account in accounts(seed, CUSTOMERS)}
    for event in past:
        if event["type"] == "usage.feature":
            local = datetime.fromisoformat(event["occurred_at"]).astimezone(
                zones[event["customer_id"]]
            )
            assert local.weekday() < 5
            assert 8 <= local.hour < 18


def test_names_and_ids_are_unique_up_to_the_largest_company(seed):
    cast = accounts(seed, 20_000)
    assert len({account.customer_id for account in cast}) == 20_000
    assert len({account.name for account in cast}) == 20_000
    assert sum(account.probe for account in cast) == PROBES


@pytest.mark.parametrize(("customers", "days"), [(9, 30), (20_001, 30), (10, 0), (10, 366)])
def test_an_impossible_company_is_refused(customers, days):
    with pytest.raises(ValueError, match="can be simulated"):
        list(history(1, customers, days, UNTIL))


@pytest.mark.parametrize("days", [1, 2, 5, 365])
def test_any_length_of_history_can_be_told(days, seed):
    events = list(history(seed, 10, days, UNTIL))
    assert events
    for event in events:
        AnyEvent.validate_python(event)
        assert datetime.fromisoformat(event["occurred_at"]) < UNTIL


def test_every_bad_record_is_refused_and_each_for_its_own_reason(seed):
    from itertools import islice

    from schemas.inbound import Rejection, parse

    refused = [
        (parse(family, value), wrong) for family, value, wrong in islice(bad_records(seed), 14)
    ]
    assert all(isinstance(rejection, Rejection) for rejection, _ in refused)
    assert len({rejection.reason for rejection, _ in refused}) == 7
