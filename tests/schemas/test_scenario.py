"""The scenario file's shape, and times as people write them."""

import re
from datetime import date, time
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.scenario import AccountFacts, LocalTime, ScenarioFile, Step, parse_local

SMALLEST: dict[str, Any] = {
    "scenario": "A story",
    "account": {"id": "acme", "started": "2026-03-02"},
    "steps": [{"do": "2026-03-02 nps 9"}],
}


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-06-22", LocalTime(date(2026, 6, 22))),
        ("2026-06-22 11:00", LocalTime(date(2026, 6, 22), time(11))),
        ("2026-06-22 23:59:59", LocalTime(date(2026, 6, 22), time(23, 59, 59))),
        ("2024-02-29", LocalTime(date(2024, 2, 29))),
    ],
)
def test_a_time(text: str, at: LocalTime) -> None:
    assert parse_local(text) == at


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("soon", "expected a time such as 2026-06-22 or 2026-06-22 11:00"),
        ("2026-06-22T11:00", "expected a time such as"),
        ("2026-06-22 9:00", "expected a time such as"),
        ("2026-06-22 11:00Z", "expected a time such as"),
        ("２０２６-06-22", "expected a time such as"),
        ("2026-02-29", "there is no day 2026-02-29"),
        ("2026-06-22 24:00", "there is no time of day 24:00"),
        ("1970-12-31", "expected a year from 1971 to 2999, got 1970"),
        ("3000-01-01", "expected a year from 1971 to 2999, got 3000"),
    ],
)
def test_no_time(text: str, told: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(told)):
        parse_local(text)


def test_the_smallest_file() -> None:
    file = ScenarioFile.model_validate(SMALLEST)
    assert (file.zone, file.scorecard, file.account.id) == ("UTC", None, "acme")


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"scenario": ""}, ("scenario",)),
        ({"steps": []}, ("steps",)),
        ({"stepps": []}, ("stepps",)),
        ({"account": {"id": "acme"}}, ("account",)),
        ({"account": {"started": "2026-03-02"}}, ("account", "id")),
        ({"account": {"id": "acme", "started": "soon"}}, ("account", "started")),
        ({"account": {"id": "acme", "started": "2026-03-02", "seats": -1}}, ("account", "seats")),
        ({"account": {"id": "a", "started": "2026-03-02", "status": "gone"}},
         ("account", "status")),
        ({"account": {"id": "a", "started": "2026-03-02", "country": "Germany"}},
         ("account", "country")),
        ({"steps": [{}]}, ("steps", 0)),
        ({"steps": [{"do": "x", "at": "2026-03-02"}]}, ("steps", 0)),
        ({"steps": [{"at": "2026-03-02"}]}, ("steps", 0)),
        ({"steps": [{"expect": {"band": "red"}}]}, ("steps", 0)),
        ({"steps": [{"at": "2026-03-02", "expect": {}}]}, ("steps", 0, "expect")),
        ({"steps": [{"at": "noon", "expect": {"band": "red"}}]}, ("steps", 0, "at")),
    ],
)  # fmt: skip
def test_what_is_no_scenario(change: dict[str, Any], where: tuple[str | int, ...]) -> None:
    with pytest.raises(ValidationError) as error:
        ScenarioFile.model_validate(SMALLEST | change)
    assert [problem["loc"] for problem in error.value.errors()] == [where]


def test_it_has_a_json_schema_for_editors() -> None:
    """Every field explains itself there, but for those that are the account's own facts."""
    schema = ScenarioFile.model_json_schema()
    assert set(schema["$defs"]) >= {"AccountFacts", "Step"}
    assert "noon" in str(schema) or "12:00" in str(schema)
    assert set(AccountFacts.model_fields) == set(schema["$defs"]["AccountFacts"]["properties"])
    assert set(Step.model_fields) == {"do", "at", "expect"}
