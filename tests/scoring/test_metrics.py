"""The words of the metric language on small histories: what each says, and until when.

The numbers are worked out by hand. Whatever is read here is read four times: off the state as
it was folded, folded in the opposite order, after what no window reaches is forgotten, and
after a trip through the bytes of a row.
"""

import math
import random
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

import msgspec
import pytest

from partitionlog import DAY_MS, HOUR_MS, START_MS, at, event
from schemas.inbound import InboundEvent
from scoring import distinct
from scoring.actions import Action, ActionTable
from scoring.calendar import Calendar
from scoring.events import EVENT_FUNCTIONS, count_series
from scoring.fields import FIELDS
from scoring.fold import fold
from scoring.language.syntax import LanguageError
from scoring.metrics import Metric, Vocabulary, compile_condition, compile_metric
from scoring.moment import Moment, Reading
from scoring.money import parse_rates
from scoring.plan import CURRENCIES_MAX, SAMPLES_MAX, Plan
from scoring.signals import signal_of
from scoring.state import CustomerState, forget
from scoring.things import THINGS
from scoring.units import MICRO, Unit

#: Midnight of the day on which most is read, and its noon.
TODAY = START_MS
NOON = TODAY + 12 * HOUR_MS
RATES = parse_rates({"USD": {"2026-01-01": "0.92", "2026-02-27": "0.9"}, "JPY": "0.006"}, "EUR")


def points_of(**actions: tuple[float, int | None]) -> ActionTable:
    """A table of points: thing=(points, at most so many a day)."""
    return {
        name: Action(count_series(name), round(points * MICRO), per_day)
        for name, (points, per_day) in actions.items()
    }


#: Working days in Berlin; holidays are those of the account's country.
BERLIN = Calendar(ZoneInfo("Europe/Berlin"), country_holidays=True)
WORDS = Vocabulary(
    rates=RATES,
    calendar=BERLIN,
    actions={
        "care": points_of(tutorial=(5, None), negative_feedback=(-10, None), use=(0.5, 3)),
        "talk": points_of(contact=(10, None)),
    },
)


def compiled(text: str) -> Metric:
    """A metric, or else a condition."""
    try:
        return compile_metric(text, WORDS)
    except LanguageError:
        return compile_condition(text, WORDS)


def folded(metric: Metric, events: Sequence[InboundEvent]) -> CustomerState:
    """The state of a customer of whom only what this metric needs is kept."""
    state, plan = CustomerState(), Plan(metric.series)
    for offset, one in enumerate(events):
        fold(state, signal_of(one, offset, 0), plan)
    return state


def read(
    text: str,
    events: Sequence[InboundEvent],
    now_ms: int = NOON,
    began: Mapping[int, int] | None = None,
) -> Reading:
    """What a metric or condition says; the same whatever way its state has gone."""
    metric = compiled(text)
    moment = Moment(now_ms, began)
    state = folded(metric, events)
    found = metric.read(state, moment)
    assert metric.read(folded(metric, events[::-1]), moment) == found
    packed = msgspec.msgpack.encode(state)
    assert metric.read(msgspec.msgpack.decode(packed, type=CustomerState), moment) == found
    Plan(metric.series).prune(state, now_ms)
    forget(state, now_ms)
    assert metric.read(state, moment) == found
    return found


def value(text: str, events: Sequence[InboundEvent], now_ms: int = NOON) -> object:
    """The value alone: numbers in the metric's unit, so that 0.5 is half of one."""
    found = read(text, events, now_ms).value
    return found if found is None or isinstance(found, bool | str) else found / MICRO


def ago(days: float) -> int:
    """So many days before today's midnight."""
    return TODAY - round(days * DAY_MS)


# -- events --------------------------------------------------------------------------------------


def use(ms: int, feature: str = "board", **fields: object) -> InboundEvent:
    return event("usage.feature", ms, feature=feature, **fields)


def order(ms: int, amount_minor: int | None = None, **fields: object) -> InboundEvent:
    fields = {"activity": "order", "amount_minor": amount_minor, **fields}
    return event("usage.activity", ms, **fields)


def ticket(ms: int, change: str, ticket_id: str = "t", **fields: object) -> InboundEvent:
    return event("ticket.changed", ms, ticket_id=ticket_id, change=change, **fields)


def bill(ms: int, change: str, **fields: object) -> InboundEvent:
    return event("billing.changed", ms, change=change, **fields)


def survey(ms: int, score: float, kind: str = "csat", **fields: object) -> InboundEvent:
    return event("engagement.survey", ms, survey=kind, score=score, **fields)


def feedback(ms: int, sentiment: str = "positive", **fields: object) -> InboundEvent:
    return event("engagement.feedback", ms, sentiment=sentiment, **fields)


def contact(ms: int, kind: str = "call", **fields: object) -> InboundEvent:
    return event("engagement.contact", ms, kind=kind, **fields)


def goal(ms: int, change: str, goal_id: str = "g", **fields: object) -> InboundEvent:
    return event("engagement.goal", ms, goal_id=goal_id, change=change, **fields)


def learning(ms: int, kind: str, **fields: object) -> InboundEvent:
    return event("engagement.learning", ms, kind=kind, item="i", **fields)


def account(ms: int, kind: str = "changed", **fields: object) -> InboundEvent:
    return event(f"account.{kind}", ms, **fields)


def daily(first: int, last: int, quantity: int = 1) -> list[InboundEvent]:
    """A use on each day from ``first`` to ``last`` days ago, at noon."""
    return [use(ago(n) + 12 * HOUR_MS, quantity=quantity) for n in range(first, last - 1, -1)]


def of_each(*events: InboundEvent) -> list[InboundEvent]:
    """Events with ids of their own, where the time does not tell them apart."""
    return [one.model_copy(update={"event_id": f"e{n}"}) for n, one in enumerate(events)]


# -- windows -------------------------------------------------------------------------------------

#: The first millisecond that is in each window at noon, and when it leaves.
WINDOWS = [
    ("1d", TODAY, TODAY + DAY_MS),
    ("2d", ago(1), TODAY + DAY_MS),
    ("28d", ago(27), TODAY + DAY_MS),
    ("4w", ago(27), TODAY + DAY_MS),
    ("400d", ago(399), TODAY + DAY_MS),
    ("1h", NOON, NOON + HOUR_MS),
    ("6h", NOON - 5 * HOUR_MS, NOON + HOUR_MS),
    ("48h", NOON - 47 * HOUR_MS, NOON + HOUR_MS),
]
IN_A_WINDOW = [
    ("count(use, W)", use, 1, 0),
    ("sum(quantity, W)", use, 1, 0),
    ("distinct(feature, W)", use, 1, 0),
    ("share(use, W, where: outcome == ok)", use, 1, None),
    ("mean(quantity, W)", use, 1, None),
    ("min(quantity, W)", use, 1, None),
    ("max(quantity, W)", use, 1, None),
    ("median(quantity, W)", use, 1, None),
    ("quantile(quantity, 90%, W)", use, 1, None),
    ("last(quantity, W)", use, 1, None),
    ("at_least(mean(quantity, W), 1)", use, 1, None),
    ("mean(satisfaction, W)", lambda ms: ticket(ms, "rated", satisfaction=5), 1, None),
    ("median(first_response, W)", lambda ms: ticket(ms, "answered", first_response_s=1), 1, None),
    ("sum(amount, W)", lambda ms: order(ms, 100), 1, 0),
    ("mean(amount, W)", lambda ms: order(ms, 100), 1, None),
]


@pytest.mark.parametrize(("window", "first_ms", "leaves_ms"), WINDOWS)
@pytest.mark.parametrize(("text", "made", "inside", "outside"), IN_A_WINDOW)
def test_both_bounds_of_a_window(
    window: str, first_ms: int, leaves_ms: int, text: str, made, inside: int, outside: int | None
) -> None:
    """The first millisecond is in it, the one before is not; it leaves at the full hour or day."""
    text = text.replace("W", window)
    size = HOUR_MS if window.endswith("h") else DAY_MS
    last_ms = NOON // size * size + size - 1
    for now_ms in (NOON // size * size, last_ms):
        assert read(text, [made(first_ms)], now_ms) == Reading(inside * MICRO, leaves_ms)
    assert value(text, [made(first_ms - 1)]) == outside
    assert read(text, [made(first_ms - 1)], last_ms).next_ms is None
    # At the instant at which it leaves, it has left.
    assert value(text, [made(first_ms)], leaves_ms) == outside


@pytest.mark.parametrize(("text", "made", "inside", "outside"), IN_A_WINDOW)
@pytest.mark.parametrize("ahead_ms", [1, HOUR_MS, DAY_MS, 3 * DAY_MS])
def test_what_lies_after_now_counts_with_the_last_day(
    text: str, made, inside: int, outside: int | None, ahead_ms: int
) -> None:
    """A tick waits for the slowest source; the others may be read further."""
    found = read(text.replace("W", "28d"), [made(NOON + ahead_ms)])
    assert found.value == inside * MICRO


def test_a_window_counts_what_happened_in_it_however_late_it_arrives() -> None:
    """``read`` folds in both orders; this is the sum that must come out of both."""
    events = [use(ago(n), quantity=10**n) for n in (0, 1, 2, 3, 4)]
    assert value("count(use, 3d)", events) == 111
    assert value("count(use, 3d)", events, TODAY + DAY_MS) == 11
    assert value("count(use, 3d)", events, TODAY - 1) == 1111  # today's lies ahead
    assert value("count(use, 72h)".replace("72", "48"), events) == 11  # noon to noon


@pytest.mark.parametrize("text", ["active_days(use, 28d)", "change(use, 14d)", "streak(use)"])
def test_days_of_one_event_each(text: str) -> None:
    """The other bounds: see the tables below."""
    assert value(text, daily(27, 0)) == {"a": 28, "c": 0, "s": 28}[text[0]]


# -- values --------------------------------------------------------------------------------------

RATED = [survey(ago(n), score) for n, score in ((1, 5), (2, 4), (3, 1), (40, 2))]
TEN = [use(ago(n), quantity=n) for n in range(1, 11)]
TIMED = [use(ago(1), duration_s=1.5), use(ago(2), duration_s=60), use(ago(3))]
PEOPLE = [
    use(ago(1), user="ann"),
    use(ago(2), user="ann"),
    use(ago(3), user="bob"),
    use(ago(4), user="bot", user_kind="automated"),
    use(ago(5), user="sue", user_kind="staff"),
    use(ago(6)),
    order(ago(7), user="eve"),
]
PAID = [
    order(ago(1), 1000, currency="EUR"),
    order(ago(2), 1000, currency="USD"),
    order(ago(4), 1000, currency="USD"),
    order(ago(4) + 1, 1000, currency="JPY"),
    order(ago(5), 1000),
    order(ago(6), 1000, currency="CHF"),
    bill(ago(7), "invoice_paid", amount_minor=5000, currency="EUR"),
]
ASKED = [
    ticket(ago(9), "opened", "a", priority="high"),
    ticket(ago(8), "answered", "a", first_response_s=7200),
    ticket(ago(7), "answered", "a", first_response_s=3600),
    ticket(ago(6), "solved", "b", first_response_s=600, resolution_s=86_400),
    ticket(ago(5), "rated", "a", satisfaction=1),
    ticket(ago(4), "rated", "a", satisfaction=4),
    ticket(ago(3), "rated", "b", satisfaction=2),
    ticket(ago(2), "answered", "c", first_response_s=60),
]

VALUES = [
    # count: as often as the event says
    ("count(use, 28d)", TEN, 55),
    ("count(use, 5d)", TEN, 10),
    ("count(use, 28d)", [*TEN, order(ago(1))], 56),
    ("count(activity, 28d)", [*TEN, order(ago(1))], 1),
    ("count(use, 28d)", [use(ago(1), quantity=0)], 0),
    ("days_since(use)", [use(ago(1), quantity=0)], None),
    ("count(use, 28d)", PEOPLE, 6),
    ("count(human_use, 28d)", PEOPLE, 5),
    ("count(failed_use, 28d)", [use(ago(1), outcome="failed", quantity=4), use(ago(1))], 4),
    ("count(use, 28d, where: feature in [board, chart])",
     [use(ago(1)), use(ago(1), "chart"), use(ago(1), "list")], 2),
    ("count(training_finished, 28d)",
     [learning(ago(1), "training"), learning(ago(2), "training", completed=True)], 1),
    # sum, mean, min, max
    ("sum(quantity, 28d)", TEN, 55),
    ("mean(quantity, 28d)", TEN, 5.5),
    ("mean(quantity, 3d)", TEN, 1.5),
    ("mean(quantity, 28d)", [use(ago(1), quantity=2), use(ago(2)), use(ago(3))], 1.333333),
    ("min(quantity, 28d)", TEN, 1),
    ("max(quantity, 28d)", TEN, 10),
    ("max(quantity, 4d)", TEN, 3),
    ("sum(active_time, 28d)", TIMED, 61.5),
    ("max(active_time, 28d)", TIMED, 60),
    ("mean(nps, 28d)", [survey(ago(1), 9, "nps"), survey(ago(2), 4, "nps"), *RATED], 6.5),
    ("mean(csat, 28d)", RATED, 0.583333),  # (4/4 + 3/4 + 0/4) / 3
    ("min(csat, 90d)", RATED, 0),
    ("mean(ces, 28d)", [survey(ago(1), 7, "ces"), survey(ago(2), 4, "ces")], 0.75),
    ("mean(score, 28d)", [survey(ago(1), 4.5), survey(ago(2), 9, "nps")], 6.75),
    ("mean(rating, 28d)",
     [order(ago(1), rating=4), order(ago(2), rating=4, rating_scale_max=10)], 0.6),
    ("sum(quantity, 28d, where: outcome == failed)",
     [use(ago(1), quantity=3, outcome="failed"), use(ago(2), quantity=5)], 3),
    # quantiles: the smallest value that at least this share does not exceed
    ("median(quantity, 28d)", TEN, 5),
    ("median(quantity, 4d)", TEN, 2),
    ("quantile(quantity, 90%, 28d)", TEN, 9),
    ("quantile(quantity, 90.1%, 28d)", TEN, 10),
    ("quantile(quantity, 10%, 28d)", TEN, 1),
    ("quantile(quantity, 0.1%, 28d)", TEN, 1),
    ("quantile(quantity, 100%, 28d)", TEN, 10),
    ("quantile(nps, 50%, 28d)", [survey(ago(1), 8, "nps")], 8),
    # last
    ("last(quantity)", TEN, 1),
    ("last(nps)", [survey(ago(2), 9, "nps"), survey(ago(1), 1, "csat")], 9),
    ("last(nps, 2d)", [survey(ago(2), 9, "nps")], None),
    ("last(feature)", [use(ago(2)), use(ago(1), "chart"), feedback(ago(3), feature="f")], "chart"),
    ("last(feature)", [use(ago(2)), feedback(ago(1))], "board"),  # the feedback speaks of none
    ("last(quantity)", of_each(use(NOON, quantity=3), use(NOON, quantity=2)), 2),  # the greater id
    ("last(user_kind)", PEOPLE[:5], "human"),
    # working days: of 28 days 20 are some, of the last week 5; today is a Monday
    ("working_days_since(check_in)", [contact(ago(3), "check_in")], 1),
    ("working_days_since(check_in)", [contact(ago(3) - HOUR_MS, "check_in")], 1),  # Friday there
    ("working_days_since(check_in)", [contact(ago(3) - HOUR_MS - 1, "check_in")], 2),
    ("working_days_since(check_in)", [contact(TODAY, "check_in")], 0),
    ("working_days_since(check_in)", [contact(NOON + DAY_MS, "check_in")], 0),
    ("working_days_since(check_in)", [contact(ago(1), "call")], None),
    ("working_days_since(contact, where: contact == call)", [contact(ago(8), "call")], 6),
    ("count(use, 28d, per: working_day)", daily(27, 0), 1.4),
    ("count(use, 7d, per: working_day)", daily(27, 0), 1.4),
    ("count(use, 1d, per: working_day)", daily(27, 0), 1),
    ("count(use, 28d, per: working_day)", [contact(ago(1))], None),
    ("count(use, 28d, per: working_day)", [use(ago(40))], 0),
    ("sum(quantity, 28d, per: working_day)", TEN, 2.75),
    ("sum(amount, 2d, per: working_day, of: order)", PAID, 10),
    ("at_least(sum(quantity, 28d, per: working_day), 11)", TEN, None),
    ("change(use, 28d, per: working_day)", daily(55, 0), 0),
    ("change(use, 1d, per: working_day)", daily(55, 0), None),  # yesterday was a Sunday
    ("change(use, 3d, per: working_day)", daily(5, 0), 2),  # 3 on one day, 3 on three
    ("change(sum(quantity), 3d, per: working_day)", daily(5, 0, 2), 2),
    # distinct
    ("distinct(user, 28d)", PEOPLE, 3),  # ann, bob, eve
    ("distinct(user, 4d)", PEOPLE, 2),
    ("distinct(user, 28d, of: order)", PEOPLE, 1),
    ("distinct(user, 28d, where: user_kind == human)", PEOPLE, 2),
    ("distinct(feature, 28d)", [use(ago(n), f"f{n % 3}") for n in range(9)], 3),
    ("distinct(quantity, 28d)", [use(ago(n), quantity=n % 4) for n in range(9)], 4),
    ("distinct(item, 28d)", [order(ago(1), item="tea"), learning(ago(2), "training")], 2),
    # days
    ("active_days(use, 28d)", [use(ago(1)), use(ago(1) + 1), use(ago(5)), use(ago(28))], 2),
    ("active_days(use, 28d)", [use(ago(1), quantity=0)], 0),
    ("streak(use)", daily(5, 0), 6),
    ("streak(use)", daily(5, 1), 5),
    ("streak(use)", daily(5, 2), 0),
    ("streak(use)", [*daily(9, 7), *daily(5, 0)], 6),
    ("streak(use)", [*daily(5, 0), use(ago(3) + HOUR_MS)], 6),
    ("streak(use, where: feature == chart)", [*daily(5, 0), use(ago(1), "chart")], 1),
    ("streak(use)", daily(399, 0), 400),
    ("streak(use)", daily(450, 0), 400),
    ("days_since(use)", [use(ago(2))], 2.5),
    ("days_since(use)", [use(ago(2)), use(ago(9))], 2.5),
    ("days_since(use)", [use(NOON - 36 * HOUR_MS - 59 * 60_000)], 1.5),
    ("days_since(use)", [use(NOON - 8 * HOUR_MS)], 0.333333),
    ("days_since(use)", [use(NOON + 1)], 0),
    ("days_since(human_use)", [use(ago(2)), use(ago(1), user_kind="automated")], 2.5),
    ("days_since(contact, where: direction == inbound)",
     [contact(ago(1)), contact(ago(3), direction="inbound")], 3.5),
    # change
    ("change(use, 2d)", [*daily(1, 0), *daily(3, 2, quantity=4)], -0.75),
    ("change(use, 2d)", [*daily(1, 0, quantity=3), *daily(3, 2, quantity=2)], 0.5),
    ("change(use, 2d)", daily(3, 2), -1),
    ("change(use, 2d)", daily(1, 0), None),
    ("change(use, 2d)", [*daily(0, 0, quantity=3), *daily(3, 3)], 2),
    ("change(use, 2d)", [*daily(0, 0, quantity=999), *daily(3, 3)], 10),
    ("change(use, 2d)", [*daily(0, 0, quantity=11), *daily(3, 3)], 10),
    ("change(use, 2d)", [*daily(0, 0, quantity=4), *daily(3, 3, quantity=3)], 0.333333),
    ("change(use, 2d)", [*daily(0, 0, quantity=2), *daily(3, 3, quantity=3)], -0.333334),
    ("change(use, 2h)", [use(NOON), use(NOON - 2 * HOUR_MS), use(NOON - 3 * HOUR_MS)], -0.5),
    ("change(use, 2h)", [use(NOON), use(NOON - 4 * HOUR_MS)], None),
    ("change(sum(quantity), 2d)", [*daily(1, 0), *daily(3, 2, quantity=4)], -0.75),
    ("change(sum(active_time), 1d)", [use(TODAY, duration_s=3), use(ago(1), duration_s=2)], 0.5),
    ("change(use, 1d, where: feature == chart)",
     [use(TODAY, "chart"), use(ago(1), "chart"), use(ago(1))], 0),
    # share
    ("share(use, 28d, where: outcome == failed)",
     [use(ago(1), outcome="failed"), use(ago(2), quantity=3)], 0.25),
    ("share(use, 28d, where: outcome == failed)", [use(ago(1))], 0),
    ("share(use, 28d, where: outcome == failed)", [use(ago(1), outcome="failed")], 1),
    ("share(survey, 28d, where: nps >= 9)",
     [survey(ago(1), 9, "nps"), survey(ago(2), 8, "nps"), survey(ago(3), 5)], 0.333333),
    # amounts: at the rate of the day; in no currency, the card's; without a rate, nowhere
    ("sum(amount, 1d)", [order(TODAY, 1000, currency="USD")], 9),
    ("sum(amount, 1d)", [order(TODAY + n, 1000, currency="USD") for n in (1, 2)], 18),
    ("sum(amount, 28d)", PAID, 10 + 9 + 9.2 + 6 + 10 + 50),
    ("sum(amount, 28d, of: order)", PAID, 10 + 9 + 9.2 + 6 + 10),
    ("mean(amount, 28d, of: order)", PAID, 8.84),
    ("mean(amount, 28d, of: invoice_paid)", PAID, 50),
    ("sum(amount, 28d)", [order(ago(1), 1000, currency="CHF")], 0),
    ("mean(amount, 28d)", [order(ago(1), 1000, currency="CHF")], None),
    ("sum(amount, 400d)", [order(ago(200), 1000, currency="USD")], 9.2),  # before the first date
    ("sum(amount, 28d)", [order(ago(1), -250), order(ago(2))], -2.5),
    # once a ticket, with what was last said of it
    ("mean(satisfaction, 28d)", ASKED, 0.5),  # 3/4 and 1/4
    ("sum(resolution, 28d)", ASKED, 86_400),
    ("sum(resolution, 28d)", ASKED[:3], 0),
    ("sum(resolution, 28d)", [use(ago(1))], None),  # no ticket was ever heard of
    ("median(first_response, 28d)", ASKED, 600),
    ("quantile(first_response, 90%, 28d)", ASKED, 3600),
    ("max(first_response, 28d)", ASKED, 3600),
    ("min(first_response, 28d)", ASKED, 60),
    ("median(first_response, 5d)", ASKED, 60),
    # own properties
    ("sum(property.pages, 28d)",
     [use(ago(1), properties={"pages": 3}), order(ago(2), properties={"pages": 4})], 7),
    ("sum(property.pages, 28d)",
     [use(ago(1), properties={"pages": "many"}), use(ago(2), properties={"pages": True})], 0),
    ("sum(property.pages, 28d)", [use(ago(1), properties={"pages": 2.3})], 2.3),
    ("sum(property.pages, 28d)", [use(ago(1), properties={"pages": -0.0000015})], -0.000002),
    ("mean(property.pages, 28d)", [use(ago(n), properties={"pages": n}) for n in (1, 2)], 1.5),
    ("last(property.pages)", [use(ago(1), properties={"pages": 3})], 3),
    ("last(property.pages)",
     [use(ago(1), properties={"pages": "many"}), use(ago(2), properties={"pages": 3})], 3),
    ("last(property.pages)", [use(ago(1), properties={"pages": "many"})], None),
    ("distinct(property.plan, 28d)",
     [use(ago(1), properties={"plan": "a"}), contact(ago(2), properties={"plan": "b"})], 2),
    ("count(use, 28d, where: property.paid == true)",
     [use(ago(1), properties={"paid": True}), use(ago(2), properties={"paid": False})], 1),
    ("count(use, 28d, where: property.pages > 3)",
     [use(ago(n), properties={"pages": n}) for n in range(1, 7)], 3),
    ("count(use, 28d, where: property.pages >= 2.5)",
     [use(ago(n), properties={"pages": n + 0.5}) for n in range(1, 4)], 2),
    ("count(use, 28d, where: property.pages > 3)", [use(ago(1), properties={"pages": "many"})], 0),
    # first, lowest, highest
    ("first(last(nps), 7)", [survey(ago(1), 3, "nps")], 3),
    ("first(last(nps), 7)", [], 7),
    ("first(last(nps), last(score))", [survey(ago(1), 3)], 3),
    ("first(pulse, account.plan)", [], None),
    ("lowest(days_since(use), days_since(contact))", [use(ago(2)), contact(ago(1))], 1.5),
    ("highest(days_since(use), days_since(contact))", [use(ago(2)), contact(ago(1))], 2.5),
    ("highest(days_since(use), days_since(contact))", [use(ago(2))], 2.5),
    ("lowest(days_since(use), 1d)", [use(ago(2))], 1),
    ("lowest(days_since(use), days_since(contact))", [], None),
    # at_least
    ("at_least(mean(csat, 28d), 3)", RATED, 0.583333),
    ("at_least(mean(csat, 28d), 4)", RATED, None),
    ("at_least(mean(csat, 90d), 4)", RATED, 0.5),
    ("at_least(median(csat, 28d), 3)", RATED, 0.75),
    ("at_least(median(csat, 28d), 4)", RATED, None),
    ("at_least(sum(quantity, 28d), 10)", TEN, 55),
    ("at_least(sum(quantity, 28d), 11)", TEN, None),
    ("at_least(share(survey, 28d, where: csat > 50%), 3)", RATED, 0.666666),
    ("at_least(share(survey, 28d, where: csat > 50%), 4)", RATED, None),
    ("at_least(mean(satisfaction, 28d), 2)", ASKED, 0.5),
    ("at_least(mean(satisfaction, 28d), 3)", ASKED, None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "events", "expected"), VALUES)
def test_what_it_says(text: str, events: list[InboundEvent], expected: object) -> None:
    found = read(text, events).value
    wanted = expected
    if isinstance(expected, int | float) and not isinstance(expected, bool):
        wanted = round(expected * MICRO)
    assert found == wanted


def test_every_function_over_events_is_asked() -> None:
    asked = {name for text, _, _ in VALUES for name in EVENT_FUNCTIONS if f"{name}(" in text}
    assert asked | {"against_own"} == set(EVENT_FUNCTIONS)


# -- no data -------------------------------------------------------------------------------------

#: One event of each family.
HEARD = {
    "usage": use(ago(450)),
    "activity": order(ago(450)),
    "tickets": ticket(ago(450), "closed"),
    "billing": bill(ago(100), "trial_ended"),
    "surveys": survey(ago(100), 3, "ces"),
    "feedback": feedback(ago(450), "neutral"),
    "contacts": contact(ago(450), "mail"),
    "goals": goal(ago(100), "dropped"),
    "touches": event("engagement.visit", ago(100), page="p"),
    "account": account(ago(100), name="Acme"),
    "pulse": event("engagement.pulse", ago(100), pulse="good", reason="r", author="a"),
}
USAGE = {"usage", "activity"}
FAMILIES = [
    ("count(use, 28d)", USAGE),
    ("count(order, 28d)", USAGE),
    ("count(failed_use, 28d)", USAGE),
    ("active_days(use, 28d)", USAGE),
    ("streak(use)", USAGE),
    ("sum(quantity, 28d)", USAGE),
    ("distinct(user, 28d)", set()),  # perhaps nobody tells who it was
    ("distinct(feature, 28d)", {"usage"}),
    ("distinct(item, 28d)", {"touches"}),
    ("sum(amount, 28d)", {*USAGE, "billing"}),
    ("sum(amount, 28d, of: order)", USAGE),
    ("sum(amount, 28d, of: refund)", {"billing"}),
    ("count(ticket, 28d)", {"tickets"}),
    ("count(payment_failed, 28d)", {"billing"}),
    ("count(nps, 28d)", {"surveys"}),
    ("count(positive_feedback, 28d)", {"feedback"}),
    ("count(call, 28d)", {"contacts"}),
    ("count(goal_set, 28d)", {"goals"}),
    ("count(tutorial, 28d)", {"touches"}),
    ("count(campaign_opened, 28d)", {"touches"}),
    ("open_tickets", {"tickets"}),
    ("open_tickets(priority: urgent)", {"tickets"}),
    ("oldest_open_ticket", {"tickets"}),
    ("days_overdue", {"billing"}),
    ("open_invoices", {"billing"}),
    ("goals_reached", {"goals"}),
    ("goals_due", {"goals"}),
    ("goals_planned", {"goals"}),
    ("days_paused", {"billing"}),
    ("points(talk)", {"contacts"}),
    ("points(talk, half_life: 7d)", {"contacts"}),
    ("points(care, half_life: 7d)", {*USAGE, "touches", "feedback"}),
    ("distinct(property.x, 28d)", set()),
    ("count(use, 28d, where: property.x == 1)", USAGE),
    # Nothing to say of nothing, whatever was heard.
    ("mean(quantity, 28d)", set()),
    ("min(quantity, 28d)", set()),
    ("median(quantity, 28d)", set()),
    ("median(first_response, 28d)", set()),
    ("mean(satisfaction, 28d)", set()),
    ("share(use, 28d, where: outcome == ok)", set()),
    ("change(use, 28d)", set()),
    ("against_own(use)", set()),
    ("last(nps)", set()),
    ("days_since(ticket)", set()),
    ("account.seats", set()),
    ("account.mrr", set()),
    ("account.plan", set()),
    ("account.attributes.tier", set()),
    ("change(account.seats, 28d)", set()),
    ("change(account.mrr, 28d)", set()),
    ("mrr_movement(28d)", set()),
    ("tenure", set()),
    ("days_to_renewal", set()),
    ("stage", set()),
]  # fmt: skip


@pytest.mark.parametrize("family", HEARD)
@pytest.mark.parametrize(("text", "zero_after"), FAMILIES)
def test_nothing_heard_is_not_nothing_happened(
    text: str, zero_after: set[str], family: str
) -> None:
    """Before any event of its family there is no data; after one, none is 0."""
    assert value(text, []) is None
    assert value(text, [HEARD[family]]) == (0 if family in zero_after else None)


def test_the_use_of_own_staff_is_not_heard() -> None:
    staff = use(ago(1), user_kind="staff")
    assert value("count(use, 28d)", [staff]) is None
    assert value("days_since(use)", [staff, use(ago(3))]) == 3.5
    assert value("count(use, 28d, where: user_kind == staff)", [staff, use(ago(3))]) == 0


@pytest.mark.parametrize(
    "text",
    ["U + 1", "1 + U", "U - U", "2 * U", "U / 2", "open_tickets / U", "-U", "U * 0"],
)
def test_what_is_computed_from_no_data_is_no_data(text: str) -> None:
    events = [ticket(ago(1), "opened")]
    assert value(text.replace("U", "account.seats"), events) is None


# -- arithmetic ----------------------------------------------------------------------------------

FACTS = [
    account(ago(10), seats=7, mrr_minor=100_000, currency="EUR", started_at=at(ago(9.5))),
    ticket(ago(1), "opened", "a"),
    ticket(ago(1), "opened", "b"),
]
ARITHMETIC = [
    ("account.seats + 1", 8, Unit.COUNT),
    ("account.seats - 10", -3, Unit.COUNT),
    ("-account.seats", -7, Unit.COUNT),
    ("account.seats * open_tickets", 14, Unit.COUNT),
    ("account.seats * 50%", 3.5, Unit.COUNT),
    ("50% * account.seats", 3.5, Unit.COUNT),
    ("open_tickets / account.seats", 0.285714, Unit.RATIO),
    ("-open_tickets / account.seats", -0.285715, Unit.RATIO),  # rounded down
    ("open_tickets / 3 * 3", 1.999998, Unit.COUNT),
    ("open_tickets / account.seats * 50%", 0.142857, Unit.RATIO),
    ("open_tickets / account.seats + 10%", 0.385714, Unit.RATIO),
    ("open_tickets / account.seats + 0.1", 0.385714, Unit.RATIO),
    ("account.seats / (open_tickets - 2)", None, Unit.RATIO),
    ("account.seats / 20%", 35, Unit.COUNT),
    ("account.mrr / account.seats", 142.857142, Unit.MONEY),
    ("account.mrr / 800", 1.25, Unit.MONEY),
    ("account.mrr / account.mrr", 1, Unit.RATIO),
    ("account.mrr - 200", 800, Unit.MONEY),
    ("account.mrr * 10%", 100, Unit.MONEY),
    ("tenure / 2", 5, Unit.DAYS),
    ("tenure + 7d", 17, Unit.DAYS),
    ("tenure + 12h", 10.5, Unit.DAYS),
    ("tenure + 7", 17, Unit.DAYS),
    ("tenure - tenure", 0, Unit.DAYS),
    ("tenure / 4d", 2.5, Unit.RATIO),
    ("tenure / 12h", 20, Unit.RATIO),
    ("1 + 2 * account.seats - (1 + 2)", 12, Unit.COUNT),
    ("account.seats - 1 - 2", 4, Unit.COUNT),
    ("account.seats / 7 / 4", 0.25, Unit.RATIO),
]


@pytest.mark.parametrize(("text", "expected", "unit"), ARITHMETIC)
def test_arithmetic(text: str, expected: float | None, unit: Unit) -> None:
    """Millionths, rounded down after each operation; division by zero is no data."""
    assert compiled(text).unit is unit
    found = read(text, FACTS).value
    assert found == (None if expected is None else round(expected * MICRO))


def test_a_sum_changes_when_one_of_its_parts_does() -> None:
    events = [use(ago(1)), use(ago(2), "chart")]
    text = "count(use, 3d) + count(use, 9d, where: feature == board)"
    assert read(text, events) == Reading(3 * MICRO, TODAY + DAY_MS)
    assert read(text, events, TODAY + DAY_MS) == Reading(2 * MICRO, TODAY + 2 * DAY_MS)


# -- units of what is written --------------------------------------------------------------------

OVERDUE = [bill(ago(2.5), "invoice_due", invoice_id="i")]  # at noon three days overdue
SAME = [
    ("days_overdue >= 3", OVERDUE, True),
    ("days_overdue >= 3d", OVERDUE, True),
    ("days_overdue >= 72h", OVERDUE, True),
    ("days_overdue >= 4320m", OVERDUE, True),
    ("days_overdue >= 259200s", OVERDUE, True),
    ("days_overdue > 3d", OVERDUE, False),
    ("days_overdue >= 73h", OVERDUE, False),
    ("days_overdue == 3d", OVERDUE, True),
    ("days_overdue != 72h", OVERDUE, False),
    ("3d <= days_overdue", OVERDUE, True),
    ("3d < days_overdue", OVERDUE, False),
    ("days_overdue in [1, 2d, 72h]", OVERDUE, True),
    ("days_overdue not in [1, 2d, 72h]", OVERDUE, False),
    ("days_overdue < 1w", OVERDUE, True),
    ("median(first_response, 28d) == 10m", ASKED, True),
    ("median(first_response, 28d) == 600", ASKED, True),
    ("median(first_response, 28d) <= 0.01d", ASKED, True),
    ("mean(satisfaction, 28d) == 50%", ASKED, True),
    ("mean(satisfaction, 28d) == 0.5", ASKED, True),
    ("mean(satisfaction, 28d) in [20%, 0.5]", ASKED, True),
    ("count(use, 28d) == 55", TEN, True),
    ("sum(amount, 28d) > 94", PAID, True),
    ("sum(amount, 28d) > 94.2", PAID, False),
    ("days_overdue > -3", OVERDUE, True),
    ("days_overdue > 3 - 12h", OVERDUE, True),
    ("days_overdue >= 2 * 36h", OVERDUE, True),
    ("days_overdue > 2 * 36h", OVERDUE, False),
    ("sum(amount, 28d) > 100 - 5.8", PAID, False),
    ("change(use, 2d) < -50%", daily(3, 2), True),
    ("change(use, 2d) < -0.5", daily(3, 2), True),
    ("change(use, 2d) <= -1", daily(3, 2), True),
    ("change(use, 2d) < -(0.5 + 50%)", daily(3, 2), False),
    (
        "mrr_movement(30d) < -20",
        [account(ago(40), mrr_minor=9000), account(ago(1), mrr_minor=1)],
        True,
    ),
    ("account.mrr >= 1000", FACTS, True),
    ("account.mrr > 1000", FACTS, False),
]


@pytest.mark.parametrize(("text", "events", "expected"), SAME)
def test_units_of_what_is_written(text: str, events: list[InboundEvent], expected: bool) -> None:
    assert read(text, events).value is expected


WHERE = [
    ("active_time >= 1m", 1),
    ("active_time >= 60", 1),
    ("active_time > 60s", 0),
    ("active_time < 1.5s", 1),
    ("active_time <= 1.5s", 2),
    ("feature == board", 3),
    ('feature == "board"', 3),
    ("feature != board", 0),
    ("feature is not board", 0),
    ("user == ann", 0),
    ("user != ann", 0),  # nobody is said: not met
    ("not user == ann", 0),
    ("not (user == ann and feature == board)", 0),
    ("not (user == ann and feature == chart)", 3),  # not, whoever it was
    ("user == ann or feature == board", 3),
    ("user == ann or active_time >= 60", 1),
    ("user in [ann, bob]", 0),
    ("user not in [ann, bob]", 0),
    ("not outcome == failed and not feature == chart", 3),
    ("property.x == 1", 0),
    ("not property.x == 1", 0),
    ("rating >= 80%", 0),  # a field of other events
]


@pytest.mark.parametrize(("condition", "expected"), WHERE)
def test_conditions_on_events(condition: str, expected: int) -> None:
    """What an event does not say decides nothing, whichever way it is asked."""
    assert value(f"count(use, 28d, where: {condition})", TIMED) == expected


# -- three-valued logic --------------------------------------------------------------------------

TRUTH = {"T": True, "F": False, "U": None}
SAID = {"T": "not account.internal", "F": "account.internal", "U": "pulse == lost"}


def combined(a: bool | None, b: bool | None, *, decides: bool) -> bool | None:
    """The table: what decides, decides; else unknown if either is."""
    if decides in (a, b):
        return decides
    return None if None in (a, b) else not decides


@pytest.mark.parametrize("a", TRUTH)
@pytest.mark.parametrize("b", TRUTH)
def test_three_valued_logic(a: str, b: str) -> None:
    x, y = TRUTH[a], TRUTH[b]
    left, right = f"({SAID[a]})", f"({SAID[b]})"
    assert read(left, []).value is x
    assert read(f"not {left}", []).value is (None if x is None else not x)
    assert read(f"{left} and {right}", []).value is combined(x, y, decides=False)
    assert read(f"{left} or {right}", []).value is combined(x, y, decides=True)
    assert (
        read(f"not ({left} and {right})", []).value is read(f"not {left} or not {right}", []).value
    )
    both = None if None in (x, y) else x == y
    assert read(f"{left} == {right}", []).value is both
    assert read(f"{left} and {right} and {left}", []).value is combined(x, y, decides=False)


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">=", "==", "!="])
def test_a_comparison_with_no_data_is_not_met_nor_is_its_not(operator: str) -> None:
    for text in (f"account.seats {operator} 5", f"5 {operator} account.seats"):
        assert read(text, []).value is None
        assert read(f"not ({text})", []).value is None
        assert read(text, [account(ago(1), seats=5)]).value is (operator in ("<=", ">=", "=="))


def test_a_list_with_no_data_is_not_met() -> None:
    assert read("pulse in [lost]", []).value is None
    assert read("pulse not in [lost]", []).value is None
    assert read("not pulse in [lost]", []).value is None


# -- when it changes by itself -------------------------------------------------------------------

DUE = [bill(ago(40), "invoice_issued", invoice_id="i", due_at=at(ago(10) + 1234))]
BEGAN = [account(ago(10), started_at=at(ago(10) + 77))]
RENEWS = [account(ago(10), renewal_at=at(TODAY + 200 * DAY_MS + 5))]
RENEWAL_MS = TODAY + 200 * DAY_MS + 5
PULSED = [event("engagement.pulse", ago(1) + 9, pulse="lost", reason="r", author="a")]
CROSSINGS = [
    ("days_overdue >= 30", DUE, ago(10) + 1234 + 30 * DAY_MS, True),
    ("days_overdue > 30", DUE, ago(10) + 1234 + 30 * DAY_MS + HOUR_MS, True),
    ("days_overdue < 30", DUE, ago(10) + 1234 + 30 * DAY_MS, False),
    ("days_overdue <= 30", DUE, ago(10) + 1234 + 30 * DAY_MS + HOUR_MS, False),
    ("30 <= days_overdue", DUE, ago(10) + 1234 + 30 * DAY_MS, True),
    ("days_overdue >= 31.3", DUE, ago(10) + 1234 + 752 * HOUR_MS, True),  # 751.2 hours
    ("days_overdue >= 750h", DUE, ago(10) + 1234 + 750 * HOUR_MS, True),
    ("not days_overdue >= 30", DUE, ago(10) + 1234 + 30 * DAY_MS, False),
    ("days_overdue >= 30 and not account.internal", DUE, ago(10) + 1234 + 30 * DAY_MS, True),
    ("tenure < 90d", BEGAN, ago(10) + 77 + 90 * DAY_MS, False),
    ("tenure >= 90d", BEGAN, ago(10) + 77 + 90 * DAY_MS, True),
    ("tenure > 0", BEGAN, ago(10) + 77 + HOUR_MS, True),
    ("days_since(use) >= 14d", [use(ago(3) + 42)], ago(3) + 42 + 14 * DAY_MS, True),
    ("oldest_open_ticket > 2d", [ticket(ago(1) + 3, "opened")], TODAY + DAY_MS + HOUR_MS + 3, True),
    ("days_to_renewal <= 120d", RENEWS, RENEWAL_MS - 120 * DAY_MS, True),
    ("days_to_renewal < 120d", RENEWS, RENEWAL_MS - 120 * DAY_MS + HOUR_MS, True),
    ("days_to_renewal > 120d", RENEWS, RENEWAL_MS - 120 * DAY_MS, False),
    ("days_to_renewal >= 120d", RENEWS, RENEWAL_MS - 120 * DAY_MS + HOUR_MS, False),
    ("days_to_renewal <= 0", RENEWS, RENEWAL_MS, True),
    ("days_to_renewal > 0", RENEWS, RENEWAL_MS, False),
    ("days_to_renewal <= 90.3d", RENEWS, RENEWAL_MS - 2167 * HOUR_MS, True),  # 2167.2 hours
    ("pulse == lost", PULSED, ago(1) + 9 + 90 * DAY_MS, None),
    ("count(use, 28d) >= 1", [use(ago(3))], TODAY + 25 * DAY_MS, False),
    ("count(use, 28d) == 0", [use(ago(3))], TODAY + 25 * DAY_MS, True),
    ("last(nps, 180d) > 5", [survey(ago(3), 9, "nps")], TODAY + 177 * DAY_MS, None),
    ("goals_due >= 1", [goal(ago(1), "set", due_at=at(NOON + 7))], NOON + 7, True),
]


@pytest.mark.parametrize(("text", "events", "turns_ms", "after"), CROSSINGS)
def test_a_condition_turns_at_its_instant(
    text: str, events: list[InboundEvent], turns_ms: int, after: bool | None
) -> None:
    """To the millisecond, and known long before: the customer is looked at then and no sooner."""
    before = read(text, events, turns_ms - 1)
    assert before.value is not after
    assert before.next_ms == turns_ms
    assert read(text, events, turns_ms).value is after
    early_ms = max(ago(1), turns_ms - 30 * DAY_MS)
    if early_ms < turns_ms:
        early = read(text, events, early_ms)
        assert early.value is before.value
        if "count" not in text:
            assert early.next_ms == turns_ms


@pytest.mark.parametrize(
    ("text", "events"),
    [
        ("days_overdue >= 30", DUE),
        ("tenure < 90d", BEGAN),
        ("days_to_renewal <= 120d", RENEWS),
        ("days_since(use) >= 14d", [use(ago(3) + 42)]),
    ],
)
def test_what_has_turned_does_not_turn_again(text: str, events: list[InboundEvent]) -> None:
    later_ms = TODAY + 150 * DAY_MS
    found = read(text, events, later_ms)
    assert found.value is read(text, events, later_ms + 30 * DAY_MS).value
    # An invoice is forgotten when nothing has touched it for 400 days; nothing else comes.
    assert found.next_ms in (None, ago(40) + 401 * DAY_MS)


#: The value from one instant on, and what it was until then.
STEPS = [
    ("days_since(use)", [use(ago(2) + 5)], ago(1) + 5, 23 / 24, 1),
    ("tenure", BEGAN, ago(9) + 77, 23 / 24, 1),
    ("days_overdue", DUE, ago(9) + 1234, 23 / 24, 1),
    ("oldest_open_ticket", [ticket(ago(2) + 5, "opened")], ago(1) + 5, 23 / 24, 1),
    ("days_to_renewal", RENEWS, RENEWAL_MS - 23 * HOUR_MS, 1, 23 / 24),
    ("days_to_renewal", RENEWS, RENEWAL_MS, 1 / 24, 0),
    ("streak(use)", daily(5, 1), TODAY + DAY_MS, 5, 0),
    ("streak(use)", daily(5, 0), TODAY + 2 * DAY_MS, 6, 0),
    ("active_days(use, 3d)", daily(5, 1), TODAY + DAY_MS, 2, 1),
    ("change(use, 2d)", [*daily(2, 2), *daily(1, 1)], TODAY + DAY_MS, 0, -1),
    ("count(use, 1h)", [use(NOON + 1)], NOON + HOUR_MS, 1, 0),
    ("distinct(feature, 2d)",
     [use(ago(1)), use(TODAY), use(ago(1), "chart")], TODAY + DAY_MS, 2, 1),
    ("last(nps, 2d)", [survey(ago(1) + 5, 9, "nps")], TODAY + DAY_MS, 9, None),
    ("at_least(mean(csat, 3d), 2)", RATED, TODAY + DAY_MS, 0.875, None),
    ("goals_due", [goal(ago(1), "set", due_at=at(NOON + 7))], NOON + 7, 0, 1),
    ("pulse", PULSED, ago(1) + 9 + 90 * DAY_MS, "lost", None),
    ("account.mrr", [account(ago(9), mrr_minor=1000, currency="USD")], ago(3), 9.2, 9),
    ("points(talk, half_life: 1d)", [contact(TODAY)], TODAY + DAY_MS, 10, 5),
]  # fmt: skip


@pytest.mark.parametrize(("text", "events", "turns_ms", "before", "after"), STEPS)
def test_a_value_changes_at_its_instant(
    text: str, events: list[InboundEvent], turns_ms: int, before: object, after: object
) -> None:
    def in_millionths(x: object) -> object:
        return x if x is None or isinstance(x, str) else math.floor(x * MICRO + 1e-6)  # type: ignore[operator]

    found = read(text, events, turns_ms - 1)
    assert found.value == in_millionths(before)
    assert found.next_ms == turns_ms
    assert read(text, events, turns_ms).value == in_millionths(after)


@pytest.mark.parametrize(
    ("text", "events"),
    [
        ("account.seats", FACTS),
        ("account.plan", FACTS),
        ("cancel_scheduled", FACTS),
        ("last(nps)", [survey(ago(1), 9, "nps")]),
        ("count(use, 28d)", [use(ago(28))]),
        ("open_tickets", [ticket(ago(1), "closed")]),
        ("days_overdue", [bill(ago(1), "invoice_paid", invoice_id="i")]),
        ("days_to_renewal", [account(ago(1), renewal_at=at(NOON))]),
        ("not_pursued", []),
    ],
)
def test_what_changes_by_itself_never(text: str, events: list[InboundEvent]) -> None:
    found = read(text, events)
    assert found.next_ms is None
    assert read(text, events, NOON + 30 * DAY_MS).value == found.value


# -- series that begin with a card ---------------------------------------------------------------

BEGAN_MS = ago(2) + 7 * HOUR_MS  # on a Saturday morning: that day is not whole
SEEN = [*daily(9, 0), order(ago(1), 100), survey(ago(1), 5)]
LATER = [
    ("count(use, 1d)", ago(1)),
    ("count(use, 28d)", ago(2) + 28 * DAY_MS),
    ("sum(quantity, 28d)", ago(2) + 28 * DAY_MS),
    ("mean(quantity, 28d)", ago(2) + 28 * DAY_MS),
    ("max(quantity, 28d)", ago(2) + 28 * DAY_MS),
    ("median(quantity, 28d)", ago(2) + 28 * DAY_MS),
    ("distinct(feature, 28d)", ago(2) + 28 * DAY_MS),
    ("active_days(use, 28d)", ago(2) + 28 * DAY_MS),
    ("sum(amount, 28d)", ago(2) + 28 * DAY_MS),
    ("share(use, 28d, where: outcome == ok)", ago(2) + 28 * DAY_MS),
    ("at_least(mean(quantity, 28d), 1)", ago(2) + 28 * DAY_MS),
    ("count(use, 28d) / 2", ago(2) + 28 * DAY_MS),
    ("count(use, 28d) > 2", ago(2) + 28 * DAY_MS),
    ("change(use, 28d)", ago(2) + 56 * DAY_MS),
    ("count(use, 6h)", BEGAN_MS + 6 * HOUR_MS),
    ("change(use, 6h)", BEGAN_MS + 12 * HOUR_MS),
    ("points(care)", ago(2) + 400 * DAY_MS),
    # These say at once what they know.
    ("last(quantity)", None),
    ("last(quantity, 28d)", None),
    ("days_since(use)", None),
    ("points(care, half_life: 28d)", None),
    ("open_tickets", None),
]


@pytest.mark.parametrize(("text", "whole_ms"), LATER)
def test_a_window_that_was_not_seen_whole_has_no_data(text: str, whole_ms: int | None) -> None:
    """Of what a new card asks for, until its window lies wholly after the card."""
    metric = compiled(text)
    events = [*SEEN, ticket(ago(1), "opened"), use(BEGAN_MS)]
    events += [use(TODAY + n * DAY_MS) for n in range(1, 60)]
    began = {one.key: BEGAN_MS for one in metric.series}
    if whole_ms is None:
        assert read(text, events, BEGAN_MS + 1, began).value is not None
        return
    before = read(text, events, whole_ms - 1, began)
    assert (before.value, before.next_ms) == (None, whole_ms)
    if "points" not in text:
        assert read(text, events, whole_ms, began).value is not None
    assert read(text, events, BEGAN_MS + 1).value is not None or "change" in text


# -- many different values, many samples, many currencies ----------------------------------------


def crowd(size: int, seed: int = 1) -> list[InboundEvent]:
    """Uses by so many people, a quarter of them today, 7, 14 and 21 days ago, in no order."""
    found = [
        use(ago(n % 4 * 7) + n, event_id=f"e{n}", user=f"user-{seed}-{n}") for n in range(size)
    ]
    random.Random(seed).shuffle(found)
    return found


def test_distinct_is_exact_up_to_a_thousand() -> None:
    """Seen again or not; one more, and it is an estimate."""
    people = crowd(1000)
    assert value("distinct(user, 400d)", [*people, *people[:300]]) == 1000
    assert value("distinct(user, 8d)", people) == 500
    beyond = value("distinct(user, 400d)", crowd(1001))
    assert isinstance(beyond, float)
    assert abs(beyond - 1001) < 1001 * 0.15


@pytest.mark.parametrize("size", [1_200, 3_000])
def test_distinct_beyond_a_thousand_is_near(size: int) -> None:
    """Within three standard errors of 4.6 %, over every window off one state."""
    people = crowd(size)
    for days, share in ((400, 1), (8, 0.5), (1, 0.25), (15, 0.75)):
        found = value(f"distinct(user, {days}d)", people)
        assert abs(found - size * share) <= size * share * 3 * 0.046  # type: ignore[operator]


def test_the_standard_error_of_an_estimate_is_five_percent() -> None:
    """The mean square of the errors of 60 crowds, on fixed names."""
    squares = []
    for crowd_no in range(60):
        state = distinct.empty()
        for n in range(2_000):
            distinct.add(state, f"user-{crowd_no}-{n}", 1)
        squares.append((distinct.seen(state, 0)[0] / 2_000 - 1) ** 2)
    assert 0.03 < math.sqrt(sum(squares) / len(squares)) < 0.055


def test_an_estimate_is_the_same_in_any_order() -> None:
    """``read`` turns the order round; here two shuffles, with some seen several times."""
    people = crowd(1_500) + crowd(1_500)[:400]
    again = people[:]
    random.Random(7).shuffle(again)
    for days in (1, 8, 28, 400):
        text = f"distinct(user, {days}d)"
        metric = compiled(text)
        found = [metric.read(folded(metric, each), Moment(NOON)) for each in (people, again)]
        assert found[0] == found[1]


def test_of_many_samples_the_youngest_count() -> None:
    """600 uses of 1, 2, ... 600 at once: the middle of 101 to 600."""
    events = [use(ago(0.5) + n, quantity=n) for n in range(1, 601)]
    assert SAMPLES_MAX == 500
    assert value("median(quantity, 28d)", events) == 350
    assert value("quantile(quantity, 1%, 28d)", events) == 105
    assert value("at_least(median(quantity, 28d), 500)", events) == 350
    assert value("at_least(median(quantity, 28d), 501)", events) is None
    # Sums and means are of all.
    assert value("sum(quantity, 28d)", events) == 600 * 601 / 2


def test_of_many_currencies_in_a_day_the_first_by_name_count() -> None:
    assert CURRENCIES_MAX == 8
    codes = ["AAA", "BBB", "CCC", "DDD", "EUR", "FFF", "GGG", "JPY", "USD"]
    events = [order(ago(1) + n, 1000, currency=code) for n, code in enumerate(codes)]
    state = folded(compiled("sum(amount, 28d)"), events)
    assert value("sum(amount, 28d)", events) == 10 + 6  # not the dollars: the last by name
    assert state.overflow == {"currencies": 1}
    assert value("sum(amount, 28d)", events[1:]) == 10 + 6 + 9


# -- what is known of the account ----------------------------------------------------------------


def pulse(ms: int, word: str, **fields: object) -> InboundEvent:
    return event("engagement.pulse", ms, pulse=word, reason="r", author="a", **fields)


def pursuit(ms: int, state: str, **fields: object) -> InboundEvent:
    return event("engagement.state", ms, state=state, reason="r", author="a", **fields)


KNOWN = account(
    ago(10), "created", name="Acme", status="trial", internal=True, country="DE",
    zone="Europe/Berlin", owner="ann", parent="p", seats=5, attributes={"tier": "gold"},
)  # fmt: skip
CANCELS, LOW = bill(ago(2), "cancel_scheduled"), ticket(ago(2), "opened", priority="low")


def invoice(days_ago: float, change: str, invoice_id: str = "a", **fields: object) -> InboundEvent:
    """Something that happened to an invoice."""
    return bill(ago(days_ago), f"invoice_{change}", invoice_id=invoice_id, **fields)


ACCOUNT = [
    ("account.name", [KNOWN], "Acme"),
    ("account.status", [KNOWN], "trial"),
    ("account.status", [KNOWN, bill(ago(1), "subscription_started")], "customer"),
    ("account.status", [KNOWN, bill(ago(1), "cancelled")], "churned"),
    ("account.status", [KNOWN, bill(ago(1), "cancelled", subscription_id="s")], "trial"),
    ("account.status", [KNOWN, account(ago(1), "closed")], "churned"),
    ("account.country", [KNOWN], "DE"),
    ("account.zone", [KNOWN], "Europe/Berlin"),
    ("account.owner", [KNOWN, account(ago(9), owner="bob")], "bob"),
    ("account.owner", [KNOWN, account(ago(9), owner=None)], None),
    ("account.parent", [KNOWN], "p"),
    ("account.plan", [bill(ago(1), "subscription_changed", plan="pro")], "pro"),
    ("account.currency", [account(ago(1), currency="USD")], "USD"),
    ("account.internal", [KNOWN], True),
    ("account.internal", [], False),
    ("account.attributes.tier", [KNOWN], "gold"),
    ("account.attributes.other", [KNOWN], None),
    ("account.attributes.tier == gold", [KNOWN], True),
    ("account.attributes.tier == Gold", [KNOWN], False),
    ("account.country in [DE, AT]", [KNOWN], True),
    ("account.country not in [DE, AT]", [KNOWN], False),
    ("account.plan == account.attributes.tier",
     [KNOWN, bill(ago(1), "subscription_changed", plan="gold")], True),
    ("account.seats", [KNOWN], 5),
    ("account.seats", [KNOWN, bill(ago(1), "subscription_changed", seats=8)], 8),
    ("account.mrr", [account(ago(1), mrr_minor=12_345, currency="EUR")], 123.45),
    ("account.mrr", [account(ago(1), mrr_minor=12_345)], 123.45),
    ("account.mrr", [account(ago(9), mrr_minor=1000, currency="USD")], 9),  # at today's rate
    ("account.mrr", [account(ago(1), mrr_minor=1000, currency="CHF")], None),
    ("stage", [event("engagement.lifecycle", ago(1), stage="onboarding")], "onboarding"),
    ("tenure", [account(ago(10), started_at=at(ago(99)))], 99.5),
    ("tenure", [KNOWN], 10.5),  # nobody said when it began: when it was created
    ("tenure", [account(ago(10))], None),
    ("tenure", [account(ago(10), started_at=at(NOON + DAY_MS))], 0),
    ("days_to_renewal", [account(ago(1), renewal_at=at(NOON + 36 * HOUR_MS))], 1.5),
    ("days_to_renewal", [account(ago(1), renewal_at=at(NOON + 36 * HOUR_MS + 1))], 1.541666),
    ("days_to_renewal", [account(ago(1), renewal_at=at(ago(3)))], 0),
    ("days_to_renewal", [bill(ago(1), "subscription_renewed", renewal_at=at(NOON + DAY_MS))], 1),
    ("cancel_scheduled", [], False),
    ("cancel_scheduled", [CANCELS], True),
    ("cancel_scheduled", [CANCELS, bill(ago(1), "subscription_renewed")], False),
    ("cancel_scheduled", [CANCELS, bill(ago(3), "subscription_renewed")], True),
    # invoices
    ("days_overdue", [invoice(9, "due"), invoice(3, "due", "b")], 9.5),
    ("days_overdue", [invoice(9, "due"), invoice(3, "paid")], 0),
    ("days_overdue", [invoice(9, "paid"), invoice(3, "due")], 3.5),
    ("days_overdue", [invoice(9, "issued")], 0),
    ("days_overdue", [invoice(9, "issued", due_at=at(ago(1)))], 1.5),
    ("days_overdue", [invoice(9, "issued", due_at=at(NOON + DAY_MS))], 0),
    ("days_overdue", [invoice(9, "overdue", due_at=at(ago(20)))], 20.5),
    ("days_overdue", [invoice(400, "due")], 400.5),
    ("days_overdue", [invoice(401, "due")], 0),
    ("days_overdue", [account(ago(1), mrr_minor=100)], 0),  # something of billing is known
    ("open_invoices", [invoice(9, "issued", each) for each in "abc"], 3),
    ("open_invoices", [invoice(9, "issued"), invoice(8, "due"), invoice(7, "overdue")], 1),
    ("open_invoices", [invoice(9, "issued"), invoice(8, "paid")], 0),
    ("open_invoices", [invoice(9, "issued"), invoice(8, "voided")], 0),
    # tickets
    ("open_tickets", [ticket(ago(n), "opened", str(n)) for n in range(4)], 4),
    ("open_tickets", [LOW, ticket(ago(1), "solved")], 0),
    ("open_tickets", [LOW, ticket(ago(3), "solved")], 1),
    ("open_tickets", [LOW, ticket(ago(1.5), "closed"), ticket(ago(1), "reopened")], 1),
    ("open_tickets", [LOW, ticket(ago(1), "merged")], 0),
    ("open_tickets", [LOW, ticket(ago(1), "deleted")], 0),
    ("open_tickets", [LOW, ticket(ago(1.5), "answered"), ticket(ago(1), "rated")], 1),
    ("open_tickets(priority: high)", ASKED, 1),
    ("open_tickets(priority: urgent)", [LOW, ticket(ago(1), "escalated")], 1),
    ("open_tickets(priority: low)", [LOW, ticket(ago(1), "escalated")], 0),
    ("open_tickets(priority: normal)", [LOW, ticket(ago(1), "answered", priority="normal")], 1),
    ("open_tickets(category: 'sign in')", [ticket(ago(2), "opened", category="sign in")], 1),
    ("open_tickets(category: billing, priority: low)",
     [LOW, ticket(ago(1), "answered", category="billing"),
      ticket(ago(2), "opened", "b", category="billing"), ticket(ago(2), "opened", "c")], 1),
    ("open_tickets", [ticket(ago(401), "opened")], 0),
    ("open_tickets", [ticket(ago(401), "opened"), ticket(ago(1), "answered")], 1),
    ("oldest_open_ticket", [ticket(ago(5), "opened", "a"), ticket(ago(9), "opened", "b")], 9.5),
    ("oldest_open_ticket", [ticket(ago(9), "opened"), ticket(ago(5), "reopened")], 9.5),
    ("oldest_open_ticket(priority: high)", [*ASKED, ticket(ago(20), "opened", "z")], 9.5),
    ("oldest_open_ticket", [ticket(ago(9), "solved")], 0),
    # goals
    ("goals_planned", [goal(ago(9), "set"), goal(ago(1), "dropped", "h")], 1),
    ("goals_planned", [goal(ago(9), "set"), goal(ago(9), "reached", "h")], 2),
    ("goals_planned(kind: milestone)", [goal(ago(9), "set", kind="milestone"),
                                        goal(ago(8), "set", "h")], 1),
    ("goals_planned", [goal(ago(401), "set")], None),
    ("goals_reached(kind: milestone) / goals_planned(kind: milestone)",
     [goal(ago(9), "reached", kind="milestone"),
      goal(ago(8), "set", "h", kind="milestone", due_at=at(NOON + DAY_MS))], 0.5),
    # a pause ends when it is resumed, started, renewed or cancelled
    ("days_paused", [bill(ago(5), "subscription_paused")], 5.5),
    ("days_paused", [bill(ago(5), "subscription_paused"), bill(ago(2), "subscription_paused")],
     5.5),
    ("days_paused", [bill(ago(5), "subscription_paused"), bill(ago(4), "subscription_changed")],
     5.5),
    *(("days_paused", [bill(ago(5), "subscription_paused"), bill(ago(2), change)], 0)
      for change in ("subscription_resumed", "subscription_started", "subscription_renewed",
                     "cancelled")),
    ("days_paused", [bill(ago(9), "subscription_paused"), bill(ago(5), "subscription_resumed"),
                     bill(ago(2), "subscription_paused")], 2.5),
    ("days_paused", [bill(ago(9), "subscription_paused", subscription_id="a"),
                     bill(ago(5), "subscription_resumed", subscription_id="b"),
                     bill(ago(2), "subscription_paused", subscription_id="b")], 9.5),
    ("days_paused", [bill(ago(2), "subscription_paused", subscription_id=f"s{n}")
                     for n in range(12)], 2.5),
    ("days_paused", [bill(ago(401), "subscription_paused")], 400),
    ("days_paused", [bill(ago(500), "subscription_paused"), bill(ago(90), "subscription_paused")],
     400),
    ("days_paused", [bill(ago(2), "invoice_paid")], 0),
    ("days_paused", [use(ago(2))], None),
    # amounts in conditions: in euro, at the rate of the day; a USD is 0.9 from 27 February on
    ("count(order, 28d, where: amount >= 10)", PAID, 2),  # 10 EUR, and 10 of no currency
    ("count(order, 28d, where: amount > 10)", PAID, 0),
    ("count(order, 28d, where: amount == 9)", PAID, 1),  # 10 USD on the 28th
    ("count(order, 28d, where: amount in [9, 9.2])", PAID, 2),
    ("count(order, 28d, where: not amount >= 10)", PAID, 3),  # no rate for CHF: not known
    ("share(order, 28d, where: amount < 10)", PAID, 0.5),
    ("sum(amount, 28d, where: amount > 9.5)", PAID, 70),
    ("count(order, 28d, where: amount > 5 and activity == order)", [order(ago(1))], 0),
    ("goals_due", [goal(ago(9), "set", due_at=at(ago(1)))], 1),
    ("goals_due", [goal(ago(9), "set", due_at=at(NOON + 1))], 0),
    ("goals_due", [goal(ago(9), "set", due_at=at(ago(1))), goal(ago(2), "dropped")], 0),
    ("goals_due", [goal(ago(9), "set", due_at=at(NOON + 1)), goal(ago(2), "reached")], 1),
    ("goals_due", [goal(ago(9), "set"), goal(ago(1), "due")], 1),
    ("goals_due", [goal(ago(9), "set")], 0),
    ("goals_due", [goal(ago(9), "dropped"), goal(ago(1), "due")], 0),
    ("goals_reached", [goal(ago(9), "reached"), goal(ago(1), "due")], 1),
    ("goals_reached", [goal(ago(9), "set"), goal(ago(1), "reached"), goal(ago(1), "set", "h")], 1),
    ("goals_reached / goals_due",
     [goal(ago(2), "reached"), *(goal(ago(9), "set", i, due_at=at(ago(1))) for i in "bcd")], 0.25),
    ("goals_reached(kind: milestone)",
     [goal(ago(1), "reached", "a"), goal(ago(1), "reached", "b", kind="milestone")], 1),
    ("goals_due(kind: milestone)", [goal(ago(1), "reached", "a")], None),
    # what a person said
    ("pulse", [pulse(ago(2), "good"), pulse(ago(1), "worried")], "worried"),
    ("pulse", [pulse(ago(90), "good")], None),
    ("pulse", [pulse(ago(89), "good")], "good"),
    ("pulse", [pulse(ago(200), "good", expires_at=at(NOON + 1))], "good"),
    ("pulse", [pulse(ago(2), "good", expires_at=at(NOON))], None),
    ("pulse in [worried, lost]", [pulse(ago(1), "worried")], True),
    ("not_pursued", [pursuit(ago(2), "not_pursued")], True),
    ("not_pursued", [pursuit(ago(2), "not_pursued"), pursuit(ago(1), "pursued")], False),
    ("not_pursued", [pursuit(ago(2), "not_pursued", expires_at=at(NOON))], False),
]  # fmt: skip


@pytest.mark.parametrize(("text", "events", "expected"), ACCOUNT)
def test_what_is_known_of_the_account(
    text: str, events: list[InboundEvent], expected: object
) -> None:
    test_what_it_says(text, events, expected)


# -- seats and MRR over time ---------------------------------------------------------------------


def mrr(days_ago: float, euros: int | None, currency: str | None = "EUR") -> InboundEvent:
    """MRR as an account event tells it."""
    minor = None if euros is None else euros * 100
    return account(ago(days_ago), mrr_minor=minor, currency=currency)


MOVED = [mrr(300, 100), mrr(200, 150), mrr(100, 120), mrr(50, 0), mrr(20, 80)]
MOVEMENTS = [
    # from nothing to 100, to 150, to 120, to nothing, to 80
    ("mrr_movement(400d)", MOVED, 80),
    ("mrr_movement(400d, kind: new)", MOVED, 100),
    ("mrr_movement(400d, kind: expansion)", MOVED, 50),
    ("mrr_movement(400d, kind: contraction)", MOVED, -30),
    ("mrr_movement(400d, kind: churn)", MOVED, -120),
    ("mrr_movement(400d, kind: reactivation)", MOVED, 80),
    ("mrr_movement(90d)", MOVED, -40),
    ("mrr_movement(90d, kind: new)", MOVED, 0),
    ("mrr_movement(90d, kind: churn)", MOVED, -120),
    # the window's bounds: today and the 50 days before it are 51 days
    ("mrr_movement(51d, kind: churn)", MOVED, -120),
    ("mrr_movement(50d, kind: churn)", MOVED, 0),
    # what went back and forth within a day is none; the day's last counts
    ("mrr_movement(9d)", [mrr(20, 100), mrr(3, 500), mrr(2.9, 100)], 0),
    ("mrr_movement(9d)", [mrr(20, 100), mrr(3, 500), mrr(2.9, 110)], 10),
    # the first known is new, a taken back one is churn
    ("mrr_movement(9d, kind: new)", [mrr(3, 100)], 100),
    ("mrr_movement(9d, kind: churn)", [mrr(20, 100), mrr(3, None, None)], -100),
    # each in its currency, at the rate of its day
    ("mrr_movement(9d, kind: new)", [mrr(5, 100, "USD")], 92),
    ("mrr_movement(9d, kind: contraction)", [mrr(5, 100, "USD"), mrr(1, 100, "USD")], -2),
    ("mrr_movement(9d, kind: expansion)", [mrr(20, 90), mrr(5, 100, "USD")], 2),
    # told without a currency: in the account's
    ("mrr_movement(9d, kind: expansion)",
     [mrr(20, 100, "USD"), account(ago(1), mrr_minor=20_000)], 88),  # 92 to 180
    ("change(account.mrr, 60d)", MOVED, -0.333334),  # 120 to 80
    ("change(account.mrr, 100d)", MOVED, -0.333334),
    ("change(account.mrr, 101d)", MOVED, -0.466667),  # 150 to 80
    ("change(account.mrr, 30d)", MOVED, None),  # from 0
    ("change(account.mrr, 350d)", MOVED, None),  # from before anything was told
    ("change(account.mrr, 9d)", [mrr(20, 100), mrr(1, 2000)], 10),
    # each at the rate of its own day, be it told before: 92 to 90
    ("change(account.mrr, 9d)", [mrr(20, 100, "USD")], -0.02174),
    ("change(account.mrr, 2d)", [mrr(20, 100, "USD")], 0),
    ("change(account.seats, 28d)", [account(ago(28), seats=10), account(ago(27), seats=15)], 0.5),
    ("change(account.seats, 27d)", [account(ago(28), seats=10), account(ago(27), seats=15)], 0),
    ("change(account.seats, 28d)", [account(ago(27), seats=15)], None),
    ("change(account.seats, 28d)", [account(ago(28), seats=0), account(ago(1), seats=9)], None),
    ("change(account.seats, 28d)", [account(ago(40), seats=10), account(ago(1), seats=None)], None),
    ("change(account.seats, 28d)",
     [account(ago(40), seats=10), bill(ago(1), "subscription_changed", seats=5)], -0.5),
]  # fmt: skip


@pytest.mark.parametrize(("text", "events", "expected"), MOVEMENTS)
def test_seats_and_mrr_over_time(text: str, events: list[InboundEvent], expected: object) -> None:
    test_what_it_says(text, events, expected)
    assert read(text, events).next_ms in (None, TODAY + DAY_MS)


def test_the_movements_of_a_window_add_up() -> None:
    kinds = ("new", "expansion", "contraction", "churn", "reactivation")
    for days in (10, 50, 51, 100, 101, 400):
        parts = [value(f"mrr_movement({days}d, kind: {kind})", MOVED) for kind in kinds]
        assert sum(parts) == value(f"mrr_movement({days}d)", MOVED)  # type: ignore[arg-type]


# -- points --------------------------------------------------------------------------------------

POINTS = [
    ("points(talk)", [contact(NOON)], 10),
    ("points(talk)", [contact(NOON), contact(ago(399))], 20),
    ("points(talk)", [contact(NOON), contact(ago(400))], 10),
    ("points(talk, half_life: 30d)", [contact(TODAY)], 10),
    ("points(talk, half_life: 30d)", [contact(TODAY - 1)], 9.77159),  # 2 ** (-1 / 30)
    ("points(talk, half_life: 30d)", [contact(ago(30))], 5),
    ("points(talk, half_life: 30d)", [contact(ago(60) + DAY_MS - 1)], 2.5),
    ("points(talk, half_life: 30d)", [contact(ago(15))], 7.07106),
    ("points(talk, half_life: 4w)", [contact(ago(28)), contact(ago(28) + 1)], 10),
    ("points(talk, half_life: 30d)", [contact(NOON + 3 * DAY_MS)], 10),
    # 0.5 for each use, at most three a day; 5 for a tutorial; -10 for a bad word
    ("points(care)", [use(ago(1), quantity=2)], 1),
    ("points(care)", [use(ago(1), quantity=9)], 1.5),
    ("points(care)", [use(ago(1), quantity=9), use(ago(2), quantity=9)], 3),
    ("points(care)", [use(ago(1), quantity=2), use(ago(1) + 1, quantity=2)], 1.5),
    ("points(care)", [learning(ago(1), "tutorial"), feedback(ago(2), "negative")], -5),
    ("points(care, half_life: 1d)",
     [learning(ago(1), "tutorial"), feedback(ago(2), "negative")], 0),
    ("points(care)", [learning(ago(1), "training"), feedback(ago(2))], 0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "events", "expected"), POINTS)
def test_points(text: str, events: list[InboundEvent], expected: float) -> None:
    test_what_it_says(text, events, expected)


def test_points_fade_at_midnight_until_nothing_is_left() -> None:
    events = [contact(ago(3) + 5)]
    for day in range(40):
        now_ms = ago(3) + day * DAY_MS + 9
        found = read("points(talk, half_life: 1d)", events, now_ms)
        left = math.floor(2.0**-day * MICRO) * 10
        assert found.value == left
        if left:
            assert found.next_ms == (now_ms // DAY_MS + 1) * DAY_MS


# -- against its own past ------------------------------------------------------------------------

STEADY = daily(150, 29)
OWN = [
    # one a day since 150 days, then 14 in 28 days
    ([*STEADY, *daily(27, 14)], 0.5),
    # so much as ever, twice, never again
    ([*STEADY, *daily(28, 0)], 1),
    ([*STEADY, *daily(27, 0, quantity=2)], 2),
    (STEADY, 0),
    # the 84 days before the last 28 are the yardstick: 2 a day in them, 1 a day before
    ([*daily(250, 112), *daily(111, 28, quantity=2), *daily(27, 0)], 0.5),
    # ... but not if its first steady quarter was better: 4 a day then, 2 a day lately
    ([*daily(300, 181, quantity=4), *daily(180, 28, quantity=2), *daily(27, 0, quantity=2)], 0.5),
    # also long after: the first 120 days are kept for ever
    ([*daily(900, 781, quantity=4), *daily(780, 28, quantity=2), *daily(27, 0, quantity=2)], 0.5),
    # what came up to the 28th day after the first is not steady yet
    ([*daily(300, 272, quantity=99), *daily(271, 28), *daily(27, 0)], 1),
    # nor does what came after the 119th count
    ([*daily(300, 181), *daily(180, 180, quantity=999), *daily(179, 28), *daily(27, 0)], 1),
    # the 29th and the 119th do: (90 + 92) / 91 = 2 a day
    ([*daily(300, 182), *daily(181, 181, quantity=92), *daily(180, 28), *daily(27, 0)], 0.5),
    ([*daily(300, 272), *daily(271, 271, quantity=92), *daily(270, 28), *daily(27, 0)], 0.5),
    # a first quarter that is not over, or not over before the last 28 days, is none
    ([*daily(147, 119), *daily(118, 28), *daily(27, 0)], 1),
    ([*daily(147, 113), *daily(112, 112, quantity=820), *daily(111, 28), *daily(27, 0)], 0.1),
    ([*daily(146, 113), *daily(112, 112, quantity=900), *daily(111, 28), *daily(27, 0)], 1),
    # 8 weeks before the last 28 days are enough, a day less is not
    ([use(ago(83)), *daily(27, 0)], 28 * 56 / 28),
    ([use(ago(83)), use(ago(40), quantity=27), *daily(27, 0)], 2),
    ([use(ago(82)), *daily(27, 0)], None),
    # nothing in the yardstick is no data: it began long ago and stopped
    ([use(ago(300)), *daily(27, 0)], None),
    ([use(ago(20))], None),
]


@pytest.mark.parametrize(("events", "expected"), OWN)
def test_against_its_own_past(events: list[InboundEvent], expected: float | None) -> None:
    wanted = None if expected is None else min(expected, 10)
    test_what_it_says("against_own(use)", events, wanted)


def test_its_own_past_is_long_enough_at_an_instant() -> None:
    """Eight weeks and the last four after the first use."""
    events = [use(ago(3)), *daily(2, 0)]
    ready_ms = ago(3) + 83 * DAY_MS
    assert read("against_own(use)", events, NOON) == Reading(None, ready_ms)
    assert read("against_own(use)", events, ready_ms - 1).value is None
    assert read("against_own(use)", events, ready_ms).value == 0


# -- things and fields ---------------------------------------------------------------------------

HAPPENINGS: dict[str, list[InboundEvent]] = {
    "use": [use(ago(1)), order(ago(1))],
    "human_use": [use(ago(1)), order(ago(1))],
    "failed_use": [use(ago(1), outcome="failed")],
    "activity": [order(ago(1)), event("usage.activity", ago(1), activity="visit")],
    **{
        name: [event("usage.activity", ago(1), activity=name)]
        for name in ("order", "visit", "booking", "review")
    },
    "ticket": [ticket(ago(1), "opened")],
    **{
        f"ticket_{word}": [ticket(ago(1), word)]
        for word in ("answered", "solved", "reopened", "closed", "escalated", "rated")
    },
    **{
        name: [bill(ago(1), name)]
        for name in THINGS
        if name.startswith(("invoice", "payment", "dispute", "refund", "subscription", "trial"))
        and name != "subscription_cancelled"
    },
    "cancellation_scheduled": [bill(ago(1), "cancel_scheduled")],
    "subscription_cancelled": [bill(ago(1), "cancelled")],
    "survey": [survey(ago(1), 3, kind) for kind in ("nps", "csat", "ces")],
    **{kind: [survey(ago(1), 3, kind)] for kind in ("nps", "csat", "ces")},
    "feedback": [feedback(ago(1), word) for word in ("positive", "neutral", "negative")],
    "positive_feedback": [feedback(ago(1), "positive")],
    "negative_feedback": [feedback(ago(1), "negative")],
    "contact": [contact(ago(1), word) for word in ("call", "mail", "check_in")],
    **{word: [contact(ago(1), word)] for word in ("call", "mail", "check_in")},
    **{f"goal_{word}": [goal(ago(1), word)] for word in ("set", "reached", "dropped")},
    **{
        name: [event("engagement.campaign", ago(1), campaign="c", reaction=name.partition("_")[2])]
        for name in THINGS
        if name.startswith("campaign_")
    },
    "community": [
        event("engagement.community", ago(1), activity=word) for word in ("post", "referral")
    ],
    **{
        name: [event("engagement.community", ago(1), activity=name.partition("_")[2])]
        for name in THINGS
        if name.startswith("community_")
    },
    **{
        word: [learning(ago(1), word), learning(ago(1), word, completed=True)]
        for word in ("training", "help_article", "tutorial", "in_app_guide")
    },
    **{
        f"{word}_finished": [learning(ago(1), word, completed=True)]
        for word in ("training", "tutorial", "in_app_guide")
    },
    "site_visit": [event("engagement.visit", ago(1), page="p")],
}


def test_there_is_an_event_for_every_thing() -> None:
    assert set(HAPPENINGS) == set(THINGS)


@pytest.mark.parametrize("thing", THINGS)
def test_what_a_thing_counts(thing: str) -> None:
    """Its own events, and none of those that are only another thing's."""
    own = HAPPENINGS[thing]
    assert value(f"count({thing}, 28d)", own) == len(own)
    assert value(f"days_since({thing})", own) == 1.5
    bodies = [one.model_dump() for one in own]
    for other, events in HAPPENINGS.items():
        foreign = [one for one in events if one.model_dump() not in bodies]
        if len(foreign) == len(events) and not is_part(other, thing):
            assert value(f"count({thing}, 28d)", foreign) in (0, None), other


def is_part(part: str, whole: str) -> bool:
    """Whether each of the first is one of the second."""
    wholes = {
        "use": {"activity", "order", "visit", "booking", "review", "failed_use", "human_use"},
        "human_use": {"activity", "order", "visit", "booking", "review", "failed_use", "use"},
        "activity": {"order", "visit", "booking", "review", "use", "human_use"},
    }
    return part in wholes.get(whole, set()) or (whole == "community" and part.startswith(whole))


SAYS: dict[str, tuple[InboundEvent, object]] = {
    "feature": (use(ago(1)), "board"),
    "user": (use(ago(1), user="ann"), "ann"),
    "user_kind": (use(ago(1), user_kind="automated"), "automated"),
    "quantity": (use(ago(1), quantity=3), 3),
    "active_time": (use(ago(1), duration_s=1.25), 1.25),
    "outcome": (use(ago(1), outcome="failed"), "failed"),
    "activity": (order(ago(1)), "order"),
    "rating": (order(ago(1), rating=4), 0.8),
    "item": (order(ago(1), item="tea"), "tea"),
    "change": (ticket(ago(1), "solved"), "solved"),
    "priority": (ticket(ago(1), "opened", priority="low"), "low"),
    "category": (ticket(ago(1), "opened", category="billing"), "billing"),
    "first_response": (ticket(ago(1), "answered", first_response_s=90), 90),
    "resolution": (ticket(ago(1), "solved", resolution_s=90.5), 90.5),
    "satisfaction": (ticket(ago(1), "rated", satisfaction=4), 0.75),
    "plan": (bill(ago(1), "subscription_changed", plan="pro"), "pro"),
    "reason": (bill(ago(1), "cancelled", reason="price"), "price"),
    "survey": (survey(ago(1), 4), "csat"),
    "nps": (survey(ago(1), 9, "nps"), 9),
    "csat": (survey(ago(1), 4), 0.75),
    "ces": (survey(ago(1), 4, "ces"), 0.5),
    "score": (survey(ago(1), 4.5), 4.5),
    "respondent": (survey(ago(1), 4, respondent="ann"), "ann"),
    "sentiment": (feedback(ago(1), "neutral"), "neutral"),
    "contact": (contact(ago(1), "mail"), "mail"),
    "direction": (contact(ago(1), direction="inbound"), "inbound"),
    "by": (contact(ago(1), by="bob"), "bob"),
    "goal": (goal(ago(1), "set", "first"), "first"),
    "touch": (learning(ago(1), "tutorial"), "learning.tutorial"),
}
MORE = [
    ("feature", feedback(ago(1), feature="list"), "list"),
    ("user", order(ago(1), user="ann"), "ann"),
    ("user", learning(ago(1), "training", user="ann"), "ann"),
    ("user",
     event("engagement.campaign", ago(1), campaign="c", reaction="opened", contact="ann"), "ann"),
    ("user", use(ago(1), user="bot", user_kind="automated"), None),
    ("item", learning(ago(1), "training"), "i"),
    ("item", event("engagement.visit", ago(1), page="p"), "p"),
    ("sentiment",
     event("engagement.community", ago(1), activity="like", sentiment="positive"), "positive"),
    ("change", bill(ago(1), "refund"), "refund"),
    ("change", goal(ago(1), "due"), "due"),
    ("touch", event("engagement.visit", ago(1), page="p"), "visit"),
    ("csat", survey(ago(1), 8, scale_min=0, scale_max=10), 0.8),
    ("csat", survey(ago(1), 9), 1),  # beyond its scale: the scale's end
    ("nps", survey(ago(1), 90, "nps", scale_max=100), 9),
    ("nps", survey(ago(1), 3, "nps", scale_min=1, scale_max=5), 5),
    ("nps", survey(ago(1), 11, "nps"), 10),
    ("nps", survey(ago(1), -1, "nps"), 0),
    ("nps", survey(ago(1), 5, "nps", scale_max=0), None),  # no scale
    ("score", survey(ago(1), 9), 9),
    ("csat", survey(ago(1), 9, "nps"), None),
    ("nps", survey(ago(1), 4), None),
    ("rating", order(ago(1)), None),
]  # fmt: skip


def test_there_is_an_event_for_every_field() -> None:
    assert set(SAYS) | {"amount"} == set(FIELDS)  # of amounts there is no last


@pytest.mark.parametrize(
    ("field", "said", "expected"), [*((name, *told) for name, told in SAYS.items()), *MORE]
)
def test_what_a_field_says(field: str, said: InboundEvent, expected: object) -> None:
    assert value(f"last({field})", [said]) == expected
    if isinstance(expected, str):
        assert value(f"distinct({field}, 28d)", [said]) == 1


def test_which_signals_move_a_metric() -> None:
    """For the reason of a change: a ticket does not move a metric of uses."""
    assert compiled("count(use, 28d) / account.seats").kinds == {2, 3, 1, 5}
    assert compiled("open_tickets * days_overdue").kinds == {4, 5}
    assert compiled("pulse == lost and stage == trial").kinds == {10, 12}
    assert compiled("points(care)").kinds == {2, 3, 7, 13}
    assert compiled("first(last(nps), 7)").kinds == {6}
    for name in (*THINGS,):
        assert compiled(f"count({name}, 28d)").kinds == set(THINGS[name].kinds)


def test_two_metrics_share_what_they_remember() -> None:
    """A window costs nothing: the same series serves all of them."""
    texts = ("count(use, 7d)", "count(use, 4w)", "change(use, 28d)", "streak(use)",
             "active_days(use, 9d)", "points(care)")  # fmt: skip
    assert len({one.key for text in texts for one in compiled(text).series}) == 3
    assert compiled("count(use, 7d)").series[0].key != compiled("count(use, 7h)").series[0].key
    narrowed = "count(use, 7d, where: feature == board)"
    assert compiled("count(use, 7d)").series[0].key != compiled(narrowed).series[0].key
    assert compiled("open_tickets / account.seats").series == ()
