"""Which line stays when the log is restored."""

import pytest

from samples.transitions import NOON_MS, action
from streams.clock import ManualClock
from streams.engine.app import build_app
from streams.exits import Exit, NamedExit
from streams.outreach.backoff import STANDARD
from streams.outreach.log import intent, settle
from streams.outreach.table_log import TableLog, newer
from streams.settings import Settings
from streams.sinks.base import delivered, rejected, retryable

FIRST = intent(action(), NOON_MS)
RETRIED = settle(FIRST, retryable("reset"), STANDARD, NOON_MS)
DONE = settle(FIRST, delivered(), STANDARD, NOON_MS)
REFUSED = settle(FIRST, rejected("HTTP 400"), STANDARD, NOON_MS)


@pytest.mark.parametrize(
    ("known", "candidate", "replaces"),
    [
        (None, FIRST, True),
        (FIRST, RETRIED, True),
        (RETRIED, DONE, True),
        (DONE, REFUSED, True),
        (DONE, FIRST, False),
        (DONE, RETRIED, False),
        (REFUSED, RETRIED, False),
    ],
)
def test_s6_an_intent_written_late_by_a_former_owner_reopens_nothing(known, candidate, replaces):
    row = None if known is None else known.model_dump_json().encode()
    assert newer(b"id", candidate.model_dump_json().encode(), row) is replaces


async def test_n4_without_the_lease_no_line_is_written():
    clock = ManualClock(NOON_MS)
    app = build_app(Settings(session_timeout_s=2), clock, group="outreach")
    log = TableLog(app, "health.deliveries.v1", 1)
    app.lease.begin()
    clock.advance(10_000)  # frozen for longer than a session lasts
    with pytest.raises(NamedExit) as caught:
        await log.append(0, [FIRST])
    assert caught.value.code is Exit.OWNERSHIP_LOST
    assert log.get(0, FIRST.action_id) is None
