"""When something happens, and when we hear of it: spans, working days, zones, silence."""

import json
import re
from datetime import UTC, datetime

import pytest

from schemas.scenario import AccountFacts
from streams.clock import from_ms
from streams.scenarios.story import EVENTS_MAX, Silence, account_of, read_do
from streams.scenarios.times import ZoneTimes, zone_of

BERLIN = ZoneTimes(zone_of("Europe/Berlin"))


def said(text: str, times: ZoneTimes = BERLIN) -> list[tuple[str, str]]:
    """When each event is heard, and when it happened, both in UTC."""
    found = read_do(text, "acme", 1, times)
    assert isinstance(found, list)
    return [
        (f"{from_ms(one.heard_ms):%m-%d %H:%M}", json.loads(one.body)["occurred_at"][5:16])
        for one in found
    ]


def heard(text: str, times: ZoneTimes = BERLIN) -> list[str]:
    return [at for at, _ in said(text, times)]


def test_a_date_alone_is_noon() -> None:
    assert heard("2026-06-22 nps 9") == ["06-22 10:00"]
    assert heard("2026-06-22 nps 9", ZoneTimes(zone_of("UTC"))) == ["06-22 12:00"]
    assert heard("2026-01-22 nps 9") == ["01-22 11:00"]  # winter
    assert heard("2026-06-22 23:30, nps 9") == ["06-22 21:30"]


def test_working_days_are_monday_to_friday() -> None:
    """March 7 and 8 are a weekend."""
    days = ["03-06 11:00", "03-09 11:00", "03-10 11:00"]
    assert heard("every working day 2026-03-06..2026-03-10, nps 9") == days
    assert len(heard("every day 2026-03-06..2026-03-10, nps 9")) == 5
    assert heard("every sunday 2026-03-01..2026-03-10 at 09:15 nps 9") == [
        "03-01 08:15",
        "03-08 08:15",
    ]


def test_a_span_over_the_change_of_clocks_keeps_the_time_of_day() -> None:
    """In Berlin the clocks go forward on March 29, 2026."""
    assert heard("every day 2026-03-28..2026-03-29 at 09:00, nps 9") == [
        "03-28 08:00",
        "03-29 07:00",
    ]


def test_what_is_heard_late_happened_when_it_happened() -> None:
    assert said("2026-06-22 nps 9, heard 2d later") == [("06-24 10:00", "06-22T10:00")]
    assert said("2026-06-22 nps 9, heard again 1h later") == [
        ("06-22 10:00", "06-22T10:00"),
        ("06-22 11:00", "06-22T10:00"),
    ]
    past = "{type: usage.feature, feature: x, occurred_at: 2026-06-01T00:00:00Z}"
    assert said(f"2026-06-22 event {past}") == [("06-22 10:00", "06-01T00:00")]


def test_ids_are_unique_in_a_file_and_the_same_when_repeated() -> None:
    """Within a step by day and by event, and between steps."""
    steps = ["every day 2026-03-06..2026-03-10, 3 users use 2 features", "2026-03-06 nps 9"]
    happened = [
        one for number, text in enumerate(steps) for one in read_do(text, "a", number, BERLIN)
    ]
    assert len({json.loads(one.body)["event_id"] for one in happened}) == len(happened) == 31
    twice = read_do("2026-03-06 nps 9, heard twice", "a", 1, BERLIN)
    assert len(twice) == 2
    assert twice[0] == twice[1]


def test_silence_is_of_whole_days_there() -> None:
    """From the midnight before the first day to the one after the last."""
    assert read_do("silence 2026-06-01..2026-06-30", "acme", 1, BERLIN) == Silence(
        int(datetime(2026, 5, 31, 22, tzinfo=UTC).timestamp() * 1000),
        int(datetime(2026, 6, 30, 22, tzinfo=UTC).timestamp() * 1000),
        "2026-06-01..2026-06-30",
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nps 9", "begin with a time"),
        ("22.06.2026 nps 9", "begin with a time"),
        ("", "begin with a time"),
        ("2026-06-22", "expected a sentence after the time"),
        ("2026-13-22 nps 9", "there is no day 2026-13-22"),
        ("1926-06-22 nps 9", "expected a year from 1971 to 2999, got 1926"),
        ("2026-06-22 25:00 nps 9", "there is no time of day 25:00"),
        ("2026-06-22 9:00 nps 9", "expected a time such as 2026-06-22 or 2026-06-22 11:00"),
        ("2026-03-29 02:30 nps 9", "2026-03-29 02:30 does not exist in Europe/Berlin"),
        ("every workin day 2026-03-02..2026-03-03, nps 9", "expected every day, working day,"),
        ("every", ("expected every day, working day, monday, tuesday, wednesday, thursday, friday,"
         " saturday, sunday, got every and nothing")),
        ("every day 2026-03-02, nps 9", "expected two dates such as 2026-03-02..2026-05-29, got"),
        ("every day, nps 9", "expected every day, working day"),
        ("every day 2026-03-02..2026-03-01, nps 9", "2026-03-01 lies before 2026-03-02"),
        ("every day 2006-03-02..2026-03-01, nps 9", "2006-03-02..2026-03-01 is longer than 4000"),
        ("every monday 2026-03-03..2026-03-05, nps 9", "no monday lies in 2026-03-03..2026-03-05"),
        ("every day 2026-03-02..2026-03-03 at noon, nps 9", "expected a time such as"),
        ("every day 2026-03-02..2026-12-31, 1000 users use 10 features",
         f"more than {EVENTS_MAX} events"),
        ("silence 2026-06-01", "expected two dates"),
        ("silence 2026-06-01 12:00..2026-06-02", "expected whole days"),
        ("2026-06-22 event {type: usage.feature, feature: x, customer_id: other}",
         "customer_id: a scenario has one customer, acme"),
    ],
)  # fmt: skip
def test_what_is_said_of_a_mistake(text: str, told: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(told)):
        read_do(text, "acme", 1, BERLIN)


def test_the_account_is_known_from_its_start_or_later() -> None:
    facts = AccountFacts.model_validate(
        {
            "id": "acme",
            "started": "2025-01-01",
            "known_from": "2026-03-02 08:00",
            "mrr": "19.99 EUR",
            "renewal": "2026-09-15",
            "plan": "pro",
            "attributes": {"industry": "food"},
        }
    )
    created, plan = account_of(facts, BERLIN)
    assert json.loads(created.body) == {
        "event_id": "s0000-0000-00000",
        "customer_id": "acme",
        "occurred_at": "2026-03-02T07:00:00.000Z",
        "source": "scenario",
        "type": "account.created",
        "started_at": "2025-01-01T11:00:00.000Z",
        "renewal_at": "2026-09-15T10:00:00.000Z",
        "mrr_minor": 1999,
        "currency": "EUR",
        "attributes": {"industry": "food"},
    }
    assert json.loads(plan.body)["plan"] == "pro"
    assert created.heard_ms == plan.heard_ms
    (only,) = account_of(AccountFacts(id="acme", started="2025-01-01"), BERLIN)
    assert json.loads(only.body)["occurred_at"] == "2025-01-01T11:00:00.000Z"


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"started": "2025-01-01", "mrr": "2000"}, "mrr: expected an amount with its currency"),
        ({"started": "2026-03-29 02:30"}, "started: 2026-03-29 02:30 does not exist"),
        ({"known_from": "2026-03-29 02:30"}, "known_from: 2026-03-29 02:30 does not exist"),
        ({"started": "2025-01-01", "renewal": "2026-03-29 02:30"}, "renewal: 2026-03-29 02:30"),
    ],
)
def test_what_is_said_of_the_account(facts: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(told)):
        account_of(AccountFacts.model_validate({"id": "acme", **facts}), BERLIN)
