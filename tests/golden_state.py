"""The golden rows of a state version: written once, by the release that brings it, and kept.

::

    python tests/golden_state.py        # those of this release's version, if there are none yet

A history with events of all types, two scorecards one after the other, percentiles, accounts
with parents over three partitions, a stalled source and an activation under way. What the
customers' healths are is written beside, so that no later release reads them otherwise.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent
if str(TESTS.parent) not in sys.path:  # run as a script
    sys.path[:0] = [str(TESTS.parent), str(TESTS)]

from partitionlog import DAY_MS, HOUR_MS, START_MS, Log, activation, at, event, source_control  # noqa: E402
from relatives import Group, tree_card  # noqa: E402
from schemas.inbound import AnyEvent  # noqa: E402
from scoring.partition import PartitionFold  # noqa: E402
from scoring.row_body import STATE_VERSION  # noqa: E402
from snapshots import CARD, copy_of, snapshot_of  # noqa: E402
from streams.replay import final_health  # noqa: E402
from streams.state_copies.file import Manifest, StateWriter  # noqa: E402

_SHAPES = """
scorecard: shapes
version: "1"
objective: Keep something in each shape
owner: test
money: {currency: EUR, rates: {USD: 0.9}}
defaults: {missing: leave_out, minimum_coverage: 0%}
weights: {all: 100}
groups:
  all:
    money: {share: 20, metric: "sum(amount, 28d)", curve: {0: 0, 1000: 100}}
    most: {share: 20, metric: "max(quantity, 28d)", curve: {0: 0, 10: 100}}
    middle: {share: 20, metric: "median(quantity, 28d)", curve: {0: 0, 10: 100}}
    recent: {share: 40, metric: "count(use, 4d)", curve: {0: 0, 2: 100}}
bands:
  green: {enter: ">= 75", leave: "< 70", hold: 0s}
  red: {enter: "< 65", leave: ">= 70", hold: 10d}
letters: {A: 85, D: 0}
"""

__all__ = ["GOLDEN", "NOW_MS", "healths_of_fold"]

GOLDEN = TESTS / "scoring" / "golden"
NOW_MS = START_MS + 13 * DAY_MS
_EVENTS = sorted((TESTS / "schemas" / "golden").glob("*.json"))
_RICH = (TESTS / "scoring" / "rich.yaml").read_text()
_SKETCH = (TESTS / "scoring" / "sketch.yaml").read_text()
_SHIPPED = (TESTS.parent / "deploy" / "scorecards" / "b2b-saas.yaml").read_text()


def of_all_types() -> Log:
    """Events of all types, for each of three customers; the scorecard changes half-way."""
    log = Log(_SHIPPED)
    number = 0
    for day in range(12):
        for path in _EVENTS:
            for customer in ("acme", "cove", "déjà-vu"):
                number += 1
                written = json.loads(path.read_text())
                when = at(START_MS + day * DAY_MS + number % 24 * HOUR_MS)
                body = {"event_id": f"e{number}", "customer_id": customer, "occurred_at": when}
                if number % 3 or "account" not in written["type"]:
                    one = AnyEvent.validate_json(json.dumps(written | body))
                    log.read(START_MS + (day + 1) * DAY_MS, one)
        log.tick(START_MS + (day + 1) * DAY_MS)
        if day == 5:
            log.add(activation(_SKETCH, 1), START_MS + 6 * DAY_MS)
        elif day == 8:
            log.add(activation(_RICH, 2), START_MS + 9 * DAY_MS)
        log.fold.checkpoint()
    end_ms = START_MS + 12 * DAY_MS
    _moves(log, "mover", end_ms)
    log.read(end_ms, event("usage.feature", end_ms + HOUR_MS, "acme", feature="ahead"))
    log.read(end_ms, event("usage.feature", end_ms - 3 * DAY_MS, "cove", feature="late"))
    log.read(end_ms, event("billing.changed", end_ms - HOUR_MS, "fresh", change="payment_failed"))
    return log


def _moves(log: Log, customer: str, end_ms: int) -> None:
    """A customer that does well and then does not: told twice, with all that is said of it."""
    begin_ms = end_ms - 2 * DAY_MS
    well = [
        event(
            "account.created",
            begin_ms,
            customer,
            seats=5,
            mrr_minor=900_000,
            currency="EUR",
            status="customer",
            renewal_at=at(begin_ms + 200 * DAY_MS),
        )
    ]
    well += [
        event("usage.feature", begin_ms + n, customer, feature=f"f{n % 6}", user=f"u{n % 5}")
        for n in range(30)
    ]
    log.read(begin_ms + HOUR_MS, *well)
    log.tick_if_wanted(begin_ms + HOUR_MS)
    log.fold.checkpoint()
    due = at(begin_ms - 40 * DAY_MS)
    log.read(
        end_ms,
        *[
            event("ticket.changed", end_ms - n, customer, ticket_id=f"t{n}", change="opened")
            for n in range(4)
        ],
        event(
            "billing.changed",
            end_ms - HOUR_MS,
            customer,
            change="invoice_issued",
            invoice_id="i1",
            due_at=due,
        ),
        event(
            "billing.changed", end_ms - HOUR_MS, customer, event_id="pay", change="payment_failed"
        ),
        event(
            "engagement.state",
            end_ms,
            customer,
            state="not_pursued",
            reason="closing",
            author="ann",
            expires_at=at(end_ms + 9 * DAY_MS),
        ),
        event(
            "engagement.state",
            end_ms,
            customer,
            event_id="h",
            state="handled",
            reason="called",
            author="bob",
        ),
    )
    log.add(source_control("source.stalled", "health.usage.v1", 3), end_ms)
    log.tick_if_wanted(end_ms + 1)


def of_shapes() -> Log:
    """What series keep beside counts; a band waits for its hold to end."""
    log = Log(_SHAPES)
    for day in (0, 3, 4):
        now_ms = START_MS + day * DAY_MS
        used = {"feature": "f", "user": "u", "quantity": 9 - day, "duration_s": 60 * (day + 1)}
        log.read(
            now_ms,
            event("usage.feature", now_ms, "shapes", **used),
            event(
                "usage.activity",
                now_ms,
                "shapes",
                activity="order",
                amount_minor=90_000,
                currency="USD",
            ),
            event("ticket.changed", now_ms, "shapes", ticket_id=f"t{day}", change="opened"),
        )
        log.tick_if_wanted(now_ms)
    now_ms = START_MS + 9 * DAY_MS
    log.read(now_ms, event("account.changed", now_ms, "shapes", seats=1))
    log.tick_if_wanted(now_ms)
    log.customer("shapes").state.turned_away("levels")  # no history that is small fills a cap
    return log


def of_percentiles() -> Log:
    """Customers that are compared with each other; then a new scorecard has been decided."""
    log = Log(CARD)
    values = [n * 1_000_000 for n in range(1, 25)]
    taken = snapshot_of(CARD, {("depth", "large"): values, ("silence", None): values})
    log.add(copy_of(taken), START_MS)
    for n in range(3):
        seats = event("account.changed", START_MS, f"p{n}", seats=150 * n)
        used = event("usage.feature", START_MS + n * HOUR_MS, f"p{n}", feature="f", quantity=n + 1)
        log.read(START_MS + DAY_MS, seats, used)
    log.tick_if_wanted(START_MS + DAY_MS)
    log.add(source_control("source.stalled", "health.usage.v1", 2), START_MS + DAY_MS)
    log.tick(START_MS + 2 * DAY_MS)
    log.fold.header.partitions = 5
    log.add(activation(CARD.replace('version: "1"', 'version: "2"'), 3), START_MS + 2 * DAY_MS)
    return log


def of_accounts() -> list[Log]:
    """A parent and its children in three partitions."""
    group = Group(tree_card("worst", 0.5), now_ms=START_MS)
    for number, account in enumerate(("group", "child-a", "child-b", "child-c")):
        parent = {"parent": "group"} if number else {}
        group.say(account, seats=20 * number, status="customer", **parent)
    group.settle()
    return group.logs


def healths_of_fold(fold: PartitionFold) -> dict[str, Any]:
    """What the rows say of each customer, in figures: words may get better."""
    found: dict[str, Any] = {}
    for customer_id in sorted(fold.customers()):
        health = final_health(fold, customer_id, NOW_MS)
        if health is not None:
            figures = ("score", "band", "letter", "coverage", "overrides")
            points = {line["name"]: line["points"] for line in health["contributions"]}
            found[customer_id] = {key: health[key] for key in figures} | {"points": points}
    return found


def main() -> None:
    """Write the files of this release's version."""
    path = GOLDEN / f"state-v{STATE_VERSION}.vitals"
    if path.exists():
        sys.exit(f"{path} is there: what was released is not written again")
    logs = [of_all_types(), of_percentiles(), of_shapes(), *of_accounts()]
    GOLDEN.mkdir(exist_ok=True)
    healths: dict[str, Any] = {}
    with path.open("wb") as out:
        manifest = Manifest(
            "health.customers.v1",
            len(logs),
            f"state version {STATE_VERSION}",
            datetime.fromtimestamp(START_MS / 1000, UTC),
        )
        writer = StateWriter(out, manifest)
        for number, log in enumerate(logs):
            log.fold.checkpoint()
            writer.add(number, log.fold.rows)
            healths |= healths_of_fold(log.new_fold(dict(log.fold.rows)))
        writer.finish()
    path.with_suffix(".json").write_text(
        json.dumps(healths, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    )


if __name__ == "__main__":
    main()
