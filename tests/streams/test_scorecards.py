"""Scorecard files: what is shipped loads, what is wrong is told with its line, all at once."""

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from partitionlog import DAY_MS, HOUR_MS, SAAS, START_MS, at, changed_card, event
from properties import examples
from schemas.account import AccountStatus
from scoring.card import Card, CardError
from scoring.fold import fold
from scoring.moment import Moment, Reading
from scoring.plan import Plan
from scoring.signals import signal_of
from scoring.state import CustomerState
from streams.exits import Exit, NamedExit
from streams.scorecards import load_card, read_card, shipped_card

#: 60 days after the customers' last events.
RENEWAL_MS = START_MS + 60 * DAY_MS
PROJECT = Path(__file__).parents[2]
BAD = sorted((PROJECT / "tests" / "scoring" / "bad").glob("*.bad.yaml"))


def name_of(path: Path) -> str:
    """A bad file's name, which says what is wrong with it."""
    return path.name.removesuffix(".bad.yaml")


@pytest.mark.parametrize("path", BAD, ids=name_of)
def test_what_is_wrong_is_told(path: Path) -> None:
    """Each file begins with the messages it must get, as comments: ``# :LINE: field: what``."""
    text = path.read_text()
    expected = [line[2:] for line in text.splitlines() if line.startswith("# :")]
    assert expected
    with pytest.raises(NamedExit) as ended:
        load_card(text, "card.yaml")
    assert ended.value.code is Exit.USAGE
    assert ended.value.message.splitlines() == [f"card.yaml{line}" for line in expected]


def test_there_are_bad_files_of_every_kind() -> None:
    """The test above would pass on an empty folder."""
    assert len(BAD) > 150


@pytest.mark.parametrize("path", BAD, ids=name_of)
def test_the_line_is_where_the_mistake_is(path: Path) -> None:
    """The line that a message names holds the last key of the field that it names."""
    lines = path.read_text().splitlines()
    for message in (line for line in lines if line.startswith("# :")):
        found = re.match(r"# :(\d+): ([\w.-]+): (?!is missing)", message)
        if found is None or found[2] in ("scorecard", "not valid YAML"):
            continue
        keys = [key for key in found[2].split(".") if not key.isdigit()]
        assert keys[-1] in lines[int(found[1]) - 1], message


@pytest.mark.parametrize("path", sorted((PROJECT / "deploy" / "scorecards").glob("*.yaml")))
def test_shipped_scorecards_load(path: Path) -> None:
    card, text = read_card(path)
    assert path.stem == card.name
    assert text == path.read_text()
    for weighting in card.weightings.values():
        assert sum(weighting.measures) == 1_000_000
        tops = [
            own for own, above in zip(weighting.groups, card.tree.parents, strict=True) if above < 0
        ]
        assert sum(tops) == 1_000_000


def test_the_shipped_card_measures_enough() -> None:
    """At least ten measures, over every family of events."""
    card, _ = read_card(shipped_card())
    assert len(card.measures) >= 10
    assert len({kind for m in card.measures for kind in m.metric.kinds}) >= 6
    assert all(m.metric.kinds and m.says for m in card.measures)


def test_a_card_that_is_not_shipped() -> None:
    with pytest.raises(NamedExit, match="no shipped scorecard named nobody"):
        shipped_card("nobody")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(NamedExit, match=r"none\.yaml: cannot read the scorecard: No such file"):
        read_card(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"owner: J\xfcrgen\n")
    with pytest.raises(NamedExit, match="it is not UTF-8"):
        read_card(tmp_path / "latin.yaml")


def test_the_hash_is_of_the_text() -> None:
    """A comment makes another card: what was activated is what was written."""
    assert load_card(SAAS).hash == load_card(SAAS).hash
    assert load_card(SAAS + "# more\n").hash != load_card(SAAS).hash


def customer(card: Card) -> CustomerState:
    """A customer of whom there is something to read for most measures of the shipped card."""
    state, plan = CustomerState(), Plan(card.series)
    events = [
        event("account.created", START_MS - 90 * DAY_MS, seats=5, renewal_at=at(RENEWAL_MS)),
        event("billing.changed", START_MS - 29 * DAY_MS, change="invoice_due", invoice_id="i"),
        event("billing.changed", START_MS - DAY_MS, change="cancel_scheduled"),
        event("ticket.changed", START_MS, ticket_id="t", change="opened", priority="urgent"),
        event(
            "ticket.changed", START_MS + 1, ticket_id="t", change="rated",
            satisfaction=4, first_response_s=4 * 3600,
        ),
        event("engagement.pulse", START_MS, pulse="unsure", reason="r", author="a"),
        *(
            event("usage.feature", START_MS - n * 9 * DAY_MS, feature=f"f{n}", user=f"u{n}")
            for n in range(6)
        ),
    ]  # fmt: skip
    for offset, one in enumerate(events):
        fold(state, signal_of(one, offset, 0), plan)
    return state


def readings(card: Card) -> list[list[Reading]]:
    """What all metrics and conditions of a card say, hour by hour around the 30th day overdue."""
    state = customer(card)
    moments = [Moment(START_MS + hour * HOUR_MS) for hour in range(-2, 48, 5)]
    read = [*(m.metric.read for m in card.measures), *(o.when.read for o in card.overrides)]
    return [[each(state, moment) for moment in moments] for each in read]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("internal: false", "internal: no"),
        ("minimum_coverage: 60%", "minimum_coverage: 60"),
        ("hold: 24h", "hold: 1d"),
        ("hold: 1h", "hold: 0"),
        ("{at_least: 0.5}", "{at_least: .5}"),
        ("{0: 0, 5: 50, 20: 100}", "{0: 0, 05: 50, 20: 100}"),
        ("{0: 0, 5: 50, 20: 100}", '{"0": 0, 5.0: 50, 20: 100}'),
        ("{0: 0, 5: 50, 20: 100}", "{0: 0, 500%: 50, 20: 100}"),
        ("{1: 100, 7: 70, 14: 35, 30: 0}", "{24h: 100, 1w: 70, 2w: 35, 30d: 0}"),
        ("{1h: 100, 8h: 60, 24h: 0}", "{3600: 100, 480m: 60, 1d: 0}"),
        ("{25%: 0, 60%: 60, 90%: 100}", "{0.25: 0, 0.6: 60, 90%: 100}"),
        ("{good: 100, unsure: 50,", "{\"good\": 100, 'unsure': 50,"),
        ("count(use, 28d) / account.seats", "count( use,4w )/account . seats".replace(" . ", ".")),
        ("count(use, 28d) / account.seats", "((count(use, 28.0d)) / (account.seats))"),
        ("open_tickets(priority: urgent)", "open_tickets( priority : 'urgent' )"),
        ("metric: open_tickets\n", "metric: open_tickets()\n"),
        ("days_overdue >= 30", "days_overdue  >=30d"),
        ("days_overdue >= 30", "days_overdue >= 720h"),
        ("days_overdue >= 30", "30 <= days_overdue"),
        ("days_overdue >= 30", "not (days_overdue < 30)"),
        ("when: cancel_scheduled", "when: cancel_scheduled is true"),
        ("when: cancel_scheduled", "when: not not cancel_scheduled"),
    ],
)
def test_other_ways_to_write_the_same(old: str, new: str) -> None:
    """Percent signs, durations, spaces and parentheses are a matter of taste."""
    one, other = load_card(SAAS), load_card(changed_card((old, new)))
    for field in ("bands", "coverage_ppm_min", "emit_at_least", "weightings", "letters", "series"):
        if field == "bands" and new == "hold: 0":
            assert other.bands.red_hold_ms == 0
        else:
            assert getattr(one, field) == getattr(other, field), field
    assert one.scores_internal is other.scores_internal
    measures = [
        [(m.name, m.group, m.curve, m.missing_points, m.says, m.movable) for m in card.measures]
        for card in (one, other)
    ]
    assert measures[0] == measures[1]
    assert readings(one) == readings(other)


def test_the_readings_tell_cards_apart() -> None:
    """The test above would pass on metrics that all have no data."""
    found = readings(load_card(SAAS))
    assert sum(any(value is not None for value, *_ in each) for each in found) >= 14
    for old, new in (("days_overdue >= 30", "days_overdue > 30"), ("(use, 28d) /", "(use, 27d) /")):
        assert readings(load_card(changed_card((old, new)))) != found


def test_the_canonical_text_is_kept() -> None:
    """Two spellings of a metric are one metric; a number is kept as it was written."""
    canonical = "distinct(user, 28d) / account.seats"
    card = load_card(changed_card((canonical, canonical.replace(" ", ""))))
    assert card.by_name["active_seats"].metric.text == canonical


def test_defaults_of_what_is_left_out() -> None:
    text = changed_card(
        ("scored: {status: [trial, customer, notice], internal: false}\n", ""),
        ("defaults: {missing: leave_out, minimum_coverage: 60%}\n", ""),
        ("emit: {at_least: 0.5}\n", ""),
        ("shown_as: {scale: 0-100, decimals: 0, lead_with: colour}\n", ""),
    )
    card, shipped = load_card(text), load_card(SAAS)
    assert (card.scored_statuses, card.scores_internal) == (shipped.scored_statuses, False)
    assert card.coverage_ppm_min == 600_000
    assert card.emit_at_least == 50
    assert shipped.scored_statuses < {str(status) for status in AccountStatus}


def test_short_hash_and_problems_as_text() -> None:
    card = load_card(SAAS)
    assert card.hash.startswith(card.short_hash)
    assert len(card.short_hash) == 16
    assert str(CardError([(("a", "b"), "what")])) == "a.b: what"


def test_a_weight_finer_than_a_millionth_is_refused() -> None:
    text = changed_card(
        ("usage: 45, support: 20", "usage: 45.01, support: 19.99"),
        ("share: 20\n      metric: distinct(user", "share: 20.01\n      metric: distinct(user"),
        ("share: 15\n      metric: count(use", "share: 14.99\n      metric: count(use"),
    )
    with pytest.raises(NamedExit, match="finer than a millionth"):
        load_card(text)


PLAIN = """scorecard: plain
version: "1"
objective: A card with one measure
owner: test
weights: {all: 100}
groups:
  all:
    one: {share: 100, metric: METRIC, SHAPE}
bands:
  green: {enter: ">= 75", leave: "< 70", hold: 24h}
  red: {enter: "< 50", leave: ">= 56", hold: 1h}
letters: {A: 85, D: 0}
MORE
"""


def with_measure(
    metric: str = "open_tickets", shape: str = "steps: {0: 100}", more: str = ""
) -> Card:
    """A card with one measure and perhaps another section."""
    text = PLAIN.replace("METRIC", metric).replace("SHAPE", shape).replace("MORE", more)
    return load_card(text, "x.yaml")


@pytest.mark.parametrize(
    ("metric", "shape", "more"),
    [
        ("pulse", "steps: {good: 100, otherwise: 30}", ""),
        ("pulse", "steps: {good: 100, lost: 0}, says: {lost: gone, otherwise: '{value}'}", ""),
        ("account.attributes.tier", "steps: {1: 100, 2: 50}, says: {1: first}", ""),
        ("open_tickets", "logistic: {low: 10, high: 2}", ""),
        ("tenure", "logistic: {low: 30d, high: 26w}", ""),
        ("tenure", "target: {best: [90, 1y], zero: [0, null]}".replace("1y", "365"), ""),
        ("open_tickets", "target: {best: [1, 1], zero: [null, 9]}", ""),
        ("days_overdue", "steps: {0: 100, 1: 0}, says: {0: nothing, 30d: a month}", ""),
        ("account.mrr", "curve: {0: 0, 800: 100}", "money: {currency: EUR}"),
        ("account.mrr", "curve: {0: 0, 800: 100}", "money: {currency: EUR, rates: {USD: 0.92}}"),
        (
            "account.mrr", "curve: {0: 0, 800: 100}",
            "money: {currency: EUR, rates: {USD: {2026-01-01: 0.92, 2026-04-01: '0.9'}, JPY: 1}}",
        ),
        ("points(care)", "curve: {-10: 0, 50: 100}", "actions: {care: {call: 5, dispute: -10}}"),
        (
            "'points(care, half_life: 30d)'", "curve: {0: 0, 50: 100}",
            "actions: {care: {use: {points: 0.25, per_day: 3}}, other: {mail: 1}}",
        ),
    ],
)  # fmt: skip
def test_what_a_card_may_say(metric: str, shape: str, more: str) -> None:
    (measure,) = with_measure(metric, shape, more).measures
    assert measure.metric.text == metric.strip("'")


def test_any_spelling_of_a_rate_is_the_same() -> None:
    """A rate is exact: a number, a text, or the only one of a table."""
    ways = ("0.92", "'0.92'", ".92", "{2020-01-01: 0.92}")
    cards = [
        with_measure("account.mrr", more=f"money: {{currency: EUR, rates: {{USD: {way}}}}}")
        for way in ways
    ]
    state = CustomerState()
    made = event("account.created", START_MS, mrr_minor=123_457, currency="USD")
    fold(state, signal_of(made, 0, 0), Plan(()))
    read = [card.measures[0].metric.read(state, Moment(START_MS)).value for card in cards]
    assert read == [1_135_804_400] * 4  # 1234.57 x 0.92


@given(st.text(max_size=300))
def test_any_text_is_a_card_or_a_message(text: str) -> None:
    """Never a traceback, whatever is in the file."""
    with pytest.raises(NamedExit) as ended:
        load_card(text, "x.yaml")
    assert ended.value.message.startswith("x.yaml:")


@settings(max_examples=examples(40))
@given(st.integers(0, SAAS.count("\n") - 1), st.text(alphabet="{}[]:,-0a% \"'\n", max_size=6))
def test_a_slip_in_any_line_is_a_card_or_a_message(line: int, slip: str) -> None:
    """One line of the shipped card broken: it loads, or the message has a line and a field."""
    lines = SAAS.splitlines()
    lines[line] = lines[line][: len(lines[line]) // 2] + slip + lines[line][len(lines[line]) // 2 :]
    try:
        load_card("\n".join(lines), "x.yaml")
    except NamedExit as ended:
        for message in ended.message.splitlines():
            assert re.match(r"x\.yaml:\d+: .+: .+", message), message


#: What people may write where a value is expected: anything that YAML has.
VALUES = st.recursive(
    st.sampled_from(
        [None, True, 0, -1, 5, 5.0, 10**40, "", "5", "20%", "8h", ".nan", "nan", "good",
         "otherwise", "2026-01-01", "USD", "1e400", "x", "{value}", "count(use, 28d)"]
    ),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["low", "high", "best", "zero", "currency", "rates", "USD",
                                       "care", "use", "points", "per_day", "0", "otherwise", "x"]),
                      inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
SECTIONS = st.sampled_from(
    ["curve", "steps", "logistic", "target", "says", "missing", "metric", "money", "actions"]
)


@settings(max_examples=examples(200))
@given(SECTIONS, VALUES)
def test_any_value_in_any_section_is_a_card_or_a_message(section: str, value: object) -> None:
    """Whatever stands behind a key: a card, or messages that have a line and a field."""
    document = yaml.safe_load(PLAIN.replace("METRIC, SHAPE", "metric").replace("\nMORE", ""))
    measure = {"share": 100, "metric": "open_tickets", "steps": {0: 100}}
    document["groups"]["all"]["one"] = measure
    if section in ("money", "actions"):
        document[section] = value
        measure["metric"] = "account.mrr" if section == "money" else "points(care)"
    else:
        if section in ("curve", "logistic", "target"):
            del measure["steps"]
        measure[section] = value
    try:
        load_card(yaml.safe_dump(document), "x.yaml")
    except NamedExit as ended:
        for message in ended.message.splitlines():
            assert re.match(r"x\.yaml:\d+: .+: .+", message), message


PIECES = st.sampled_from(
    ["count(", "share(", "use", "order", "user", "amount", "nps", "tenure", "pulse", "account.mrr",
     "account.", "account.seats", "cancel_scheduled", "points(", "at_least(", "first(", "median(",
     "change(", "sum(", "quantile(", "where:", "of:", "kind:", ")", "(", ",", "28d", "6h", "401d",
     "20%", "0", "3", "1.5", '"x"', "good", "true", "+", "-", "*", "/", "==", ">=", "<", "in", "[",
     "]", "and", "or", "not", "is", "property.x", "stage", "otherwise"]
)  # fmt: skip


@settings(max_examples=examples(300))
@given(st.lists(PIECES, max_size=9).map(" ".join))
def test_any_text_as_a_metric_or_condition_is_a_card_or_a_message(text: str) -> None:
    """Never a traceback, and what loads can be read."""
    quoted = yaml.safe_dump(text, default_style='"', width=10_000).strip()
    for card in (
        lambda: with_measure(quoted, more="money: {currency: EUR}"),
        lambda: with_measure(more=f"overrides: {{one: {{when: {quoted}, cap: 5}}}}"),
    ):
        try:
            loaded = card()
        except NamedExit as ended:
            for message in ended.message.splitlines():
                assert re.match(r"x\.yaml:\d+: .+: .+", message), message
        else:
            readings(loaded)
