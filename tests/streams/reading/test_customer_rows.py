"""What the view must hold, from rows alone, equals what the live feed was told."""

import pytest
from hypothesis import given, settings

from histories import Step, steps
from partitionlog import DAY_MS, HOUR_MS, SAAS, START_MS, Log, event
from properties import examples
from schemas.scores import ScoreChanged
from schemas.views import CustomerHealth
from scoring.card import hash_of
from scoring.row import CARD_KEY, HEADER_KEY
from scoring.versions import RowError
from streams.reading.customer_rows import PartitionRows
from streams.reading.terminal import printable


def fed(log: Log) -> dict[str, CustomerHealth]:
    """What the live feed has written."""
    held: dict[str, CustomerHealth] = {}
    for output in log.outputs:
        if output.topic == "scores":
            row = CustomerHealth.of(ScoreChanged.model_validate_json(output.body))
            held[row.customer_id] = row
    return held


def rows_of(log: Log) -> PartitionRows:
    """The partition as it is read from its changelog."""
    rows = PartitionRows()
    for key, value in log.fold.checkpoint():
        rows.take(key, value)
    return rows


def assert_equal_field_by_field(log: Log) -> int:
    expected, found = rows_of(log).health(), fed(log)
    assert expected.keys() == found.keys()
    for customer_id, row in found.items():
        for name in CustomerHealth.model_fields:
            assert getattr(expected[customer_id], name) == getattr(row, name), name
    return len(found)


def test_the_row_alone_tells_all_that_the_view_holds() -> None:
    log = Log()
    log.read(
        START_MS,
        event(
            "account.created", START_MS, name="Acme", status="customer", seats=2,
            mrr_minor=5, currency="EUR", owner="Dana", renewal_at="2026-09-01T00:00:00Z",
            attributes={"industry": "food"},
        ),
        event("usage.feature", START_MS, feature="export", user="u"),
        event("ticket.changed", START_MS, ticket_id="t", change="opened", priority="urgent"),
        event("billing.changed", START_MS, change="payment_failed", invoice_id="i"),
        event("engagement.survey", START_MS, survey="nps", score=9),
        event("account.created", START_MS, "zed", event_id="z", status="customer"),
    )  # fmt: skip
    log.tick(START_MS + HOUR_MS)
    for day in range(1, 40):
        log.tick(START_MS + day * DAY_MS)
    assert assert_equal_field_by_field(log) == 2
    health = rows_of(Log()).health()
    assert health == {}
    row = fed(log)["acme"]
    assert row.customer_name == "Acme"
    assert row.next_change_at is not None
    assert row.attributes["attribute.industry"] == "food"
    assert row.sequence > 1


@settings(max_examples=examples(60))
@given(story=steps())
def test_row_and_feed_agree_after_any_history(story: list[Step]) -> None:
    log = Log()
    for step in story:
        if step.event is not None:
            log.read(step.now_ms, step.event)
        log.tick(step.now_ms)
    assert_equal_field_by_field(log)


def one() -> Log:
    log = Log()
    log.read(
        START_MS,
        event("account.created", START_MS, name="Acme", status="customer", seats=2),
        event("usage.feature", START_MS, feature="export", user="u"),
    )
    log.tick(START_MS + HOUR_MS)
    return log


def test_s6_an_older_row_that_comes_last_is_ignored() -> None:
    log = one()
    rows = PartitionRows()
    early = log.fold.checkpoint()
    log.read(START_MS + HOUR_MS, event("account.closed", START_MS + HOUR_MS))
    log.tick(START_MS + 2 * HOUR_MS)
    for key, value in [*log.fold.checkpoint(), *early]:
        if key != HEADER_KEY:
            rows.take(key, value)
    assert rows.health()["acme"] == fed(log)["acme"]


def test_only_the_named_customers_are_made() -> None:
    rows = rows_of(one())
    assert rows.health(["acme", "nobody"]).keys() == {"acme"}
    assert rows.health([]) == {}
    rows.take(b"acme", None)
    assert rows.health() == {}


def test_s7_a_row_whose_scorecard_is_gone_is_named() -> None:
    rows = rows_of(one())
    rows.take(CARD_KEY + hash_of(SAAS).encode(), None)
    with pytest.raises(RowError, match=hash_of(SAAS)):
        rows.health()


def test_s7_a_damaged_row_is_refused() -> None:
    rows = rows_of(one())
    with pytest.raises(RowError):
        rows.take(b"acme", b"\x01")
    with pytest.raises(RowError):
        rows.take(None, b"x")


@pytest.mark.parametrize(
    ("text", "shown"), [("plain é", "plain é"), ("\x1b[1m", r"\x1b[1m"), ("a\nb", r"a\nb")]
)
def test_text_from_events_is_printable(text: str, shown: str) -> None:
    assert printable(text) == shown
