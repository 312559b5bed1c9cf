"""The mappings that are shipped, on the data that they are for (where it is there)."""

import json
import os
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from streams.importing.ledger import Ledger
from streams.importing.mapping_file import load_mapping
from streams.importing.rows import map_files

ROOT = Path(__file__).parents[3]
DATA = Path(os.environ.get("VITALS_TEST_DATA", ROOT.parent / "shared" / "data"))
MAPPINGS = sorted((ROOT / "deploy" / "mappings").glob("*.yaml"))


@pytest.mark.parametrize("path", MAPPINGS, ids=lambda path: path.stem)
def test_a_shipped_mapping_has_no_problem(path: Path) -> None:
    assert load_mapping(path).mapping == path.stem


@cache
def imported(name: str, pattern: str) -> tuple[list[dict[str, Any]], Ledger]:
    ledger = Ledger()
    mapping = load_mapping(ROOT / "deploy" / "mappings" / f"{name}.yaml")
    paths = sorted((DATA / name).glob(pattern))
    return [json.loads(mapped.raw) for mapped in map_files(mapping, paths, ledger)], ledger


@pytest.fixture
def ravenstack() -> tuple[list[dict[str, Any]], Ledger]:
    if not (DATA / "ravenstack").is_dir():
        pytest.skip(f"no RavenStack tables in {DATA}; VITALS_TEST_DATA names another folder")
    return imported("ravenstack", "*.csv.gz")


def test_all_of_ravenstack_becomes_events(ravenstack: tuple[list[dict[str, Any]], Ledger]) -> None:
    """Nothing is rejected, nothing repeated; one usage row has neither use nor error."""
    events, ledger = ravenstack
    assert (ledger.rows, ledger.rows_rejected, ledger.repeated) == (32_500, 0, 0)
    assert ledger.rows_without_events == 1
    assert dict(ledger.events) == {
        "accounts": 500,
        "billing": 16_679,
        "usage": 32_729,
        "tickets": 7_270,
    }
    kinds = Counter(event.get("change", event.get("outcome", event["type"])) for event in events)
    assert kinds == {
        "account.created": 500,
        "subscription_started": 4222,
        "trial_started": 778,
        "subscription_changed": 529 + 218,
        "subscription_renewed": 10_446,
        "cancelled": 408,
        "trial_ended": 78,
        "usage.feature": 24_998,
        "failed": 7731,
        "opened": 2000,
        "answered": 2000,
        "solved": 2000,
        "escalated": 95,
        "rated": 1175,
    }
    assert len({event["event_id"] for event in events}) == len(events)
    assert len({event["customer_id"] for event in events}) == 500


def test_the_label_is_not_among_ravenstacks_events(
    ravenstack: tuple[list[dict[str, Any]], Ledger],
) -> None:
    """Neither the churn table nor a churn flag may leak into what is scored."""
    events, ledger = ravenstack
    assert ledger.ignored == ["ravenstack_churn_events.csv.gz: the label"]
    text = json.dumps(events)
    assert "churn" not in text
    assert "C-816288" not in text  # the first churn event's id


def test_no_ravenstack_event_lies_after_the_data(
    ravenstack: tuple[list[dict[str, Any]], Ledger],
) -> None:
    times = [event["occurred_at"] for event in ravenstack[0]]
    assert min(times) >= "2023-01-01T00:00:00Z"
    assert max(times) < "2025-01-03T00:00:00Z"


def test_all_of_cdnow_becomes_orders() -> None:
    if not (DATA / "cdnow").is_dir():
        pytest.skip(f"no CDNOW purchases in {DATA}; VITALS_TEST_DATA names another folder")
    events, ledger = imported("cdnow", "CDNOW_master*")
    assert (ledger.rows, ledger.rows_rejected, ledger.repeated) == (69_659, 0, 0)
    assert len({event["customer_id"] for event in events}) == 23_570
    assert {event["currency"] for event in events} == {"USD"}
    assert sum(event["amount_minor"] for event in events) == 250_031_563
    times = sorted(event["occurred_at"] for event in events)
    assert (times[0], times[-1]) == ("1997-01-01T12:00:00Z", "1998-06-30T12:00:00Z")
