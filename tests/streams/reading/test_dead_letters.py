"""Dead letters and their ledger: the fold, the filters, and what cannot be sent again."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.dead_letters import DeadLetter
from schemas.inbound import Reason
from schemas.redrives import Redrive
from schemas.signals import ROLLUP
from schemas.topics import Topics
from streams.reading.dead_letters import Filter, Letter, digest_of, fold, why_not

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
TOPICS = Topics("prod.")


def head(offset: int = 0, raw: bytes = b"x", **changes: Any) -> DeadLetter:
    fields = {
        "topic": "prod.health.usage.v1", "partition": 1, "offset": offset,
        "reason": Reason.NOT_JSON, "detail": "no", "rejected_at": NOW,
        "raw_base64": base64.b64encode(raw).decode(), "raw_bytes": len(raw), **changes,
    }  # fmt: skip
    return DeadLetter.model_validate(fields)


def letter(offset: int = 0, raw: bytes = b"x", **changes: Any) -> Letter:
    one = head(offset, raw, **changes)
    return Letter(one, digest_of(one), (0, offset), len(raw))


def note(of: Letter, outcome: str = "redriven") -> dict[str, Redrive]:
    fields = {"outcome": outcome, "at": NOW, "author": "a", "reason": "r", "digest": of.digest}
    return {of.key: Redrive.model_validate(fields)}


def test_a_refusal_that_was_repeated_is_one_letter() -> None:
    again = letter(3, rejected_at=NOW + timedelta(seconds=9))
    assert [each.key for each in fold([letter(4), letter(3), again], {})] == [
        "prod.health.usage.v1/1/4",
        "prod.health.usage.v1/1/3",
    ]


def test_what_was_settled_stays_settled_when_the_refusal_is_repeated() -> None:
    first = letter(3)
    again = letter(3, rejected_at=NOW + timedelta(seconds=9))
    (found,) = fold([first, again], note(first))
    assert found.state == "redriven"
    (found,) = fold([first], note(first, "dropped"))
    assert found.state == "dropped"


def test_a_topic_that_was_created_anew_has_other_letters_under_the_same_key() -> None:
    before, after = letter(3), letter(3, b"y", rejected_at=NOW + timedelta(days=1))
    for order in ([before, after], [after, before]):
        (found,) = fold(order, note(before))
        assert (found.digest, found.state) == (after.digest, "open")


@pytest.mark.parametrize(
    ("chosen", "takes"),
    [
        (Filter(), True),
        (Filter(topic="usage"), True),
        (Filter(topic="health.usage.v1"), True),
        (Filter(topic="prod.health.usage.v1"), True),
        (Filter(topic="billing"), False),
        (Filter(topic="prod."), False),
        (Filter(reason=Reason.NOT_JSON), True),
        (Filter(reason=Reason.EMPTY), False),
        (Filter(since=NOW), True),
        (Filter(since=NOW + timedelta(seconds=1)), False),
        (Filter(until=NOW), False),
        (Filter(until=NOW + timedelta(seconds=1)), True),
        (Filter(topic="usage", reason=Reason.EMPTY), False),
    ],
)
def test_a_filter_takes_what_it_says(chosen: Filter, takes: bool) -> None:
    assert chosen.takes(head(), TOPICS) is takes


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (letter(), None),
        (letter(topic="prod.health.redrive.v1"), None),
        (letter(topic=ROLLUP), None),
        (letter(raw_bytes=70_000), "of its 70,000 bytes the first 1 were kept"),
        (letter(raw=b""), "it has no value"),
        (letter(topic="prod.health.transitions.v1"), "is no source of events"),
        (letter(topic="health.usage.v1"), "is no source of events"),
    ],
)
def test_what_cannot_be_sent_again_is_refused_with_its_reason(one: Letter, why: str | None) -> None:
    found = why_not(one, TOPICS)
    assert found is None if why is None else why in (found or "")
