"""What is told adds up: in the bodies themselves, whatever the card and the history."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import histories
from partitionlog import Log, activation, bodies
from properties import examples
from schemas.scores import Health, ScoreChanged, ScoreChangedData

SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)


def shares(draw: st.DrawFn, count: int) -> list[int]:
    """Tens of percent that total 100: products of five of them are whole millionths."""
    tens = st.integers(0, 10).map(lambda n: n * 10)
    cuts = sorted(draw(st.lists(tens, min_size=count - 1, max_size=count - 1)))
    return [b - a for a, b in zip([0, *cuts], [*cuts, 100], strict=True)]


@st.composite
def cards(draw: st.DrawFn) -> str:
    """Cards with groups in groups, weights by segment, overrides and a further score."""
    lines = {s: shares(draw, 2) for s in ("big", "small")}
    a, b, c = shares(draw, 2), shares(draw, 3), shares(draw, 2)
    d = shares(draw, 2)
    missing = draw(st.sampled_from(["leave_out", "40"]))
    cap = draw(st.integers(0, 100))
    tail = draw(st.sampled_from(["cap: 25", "band: red"]))
    weights = "\n".join(f"  {s}: {{usage: {w[0]}, money: {w[1]}}}" for s, w in lines.items())
    return f"""
scorecard: drawn
version: "1"
objective: To be drawn at random
owner: test
segments: {{big: account.seats >= 2, small: otherwise}}
defaults: {{missing: {missing}, minimum_coverage: {draw(st.sampled_from([0, 40]))}%}}
emit: {{at_least: {draw(st.sampled_from(["0.01", "0.5"]))}}}
weights:
{weights}
groups:
  usage:
    adoption:
      share: {a[0]}
      members:
        people: {{share: {b[0]}, metric: "distinct(user, 28d)", curve: {{0: 0, 3: 100}}}}
        breadth: {{share: {b[1]}, metric: "distinct(feature, 28d)", curve: {{0: 0, 3: 100}}}}
        deep:
          share: {b[2]}
          members:
            uses: {{share: 70, metric: "count(use, 7d)", curve: {{0: 0, 9: 100}}}}
            nps: {{share: 30, metric: "last(nps, 90d)", curve: {{0: 0, 10: 100}}}}
    last_use: {{share: {a[1]}, metric: days_since(use), curve: {{0: 100, 9: 0}}}}
  money:
    overdue: {{share: {c[0]}, metric: days_overdue, curve: {{0: 100, 90: 0}}}}
    open: {{share: {c[1]}, metric: open_tickets, curve: {{0: 100, 2: 0}}}}
scores:
  other: {{objective: Another look at it., weights: {{usage: {d[0]}, money: {d[1]}}}}}
bands:
  green: {{enter: ">= 75", leave: "< 70", hold: 1h}}
  red: {{enter: "< 50", leave: ">= 56", hold: 0}}
letters: {{A: 85, B: 70, C: 50, D: 0}}
overrides:
  tickets: {{when: open_tickets >= 1, cap: {cap}}}
  unpaid: {{when: days_overdue >= 30, {tail}, says: an invoice is 30 days overdue}}
indicators:
  failed: {{when: "count(payment_failed, 7d) >= 1"}}
"""


def check(health: Health) -> None:
    """The lines add up, and so do the groups with the lines that are of none."""
    if health.score is not None:
        assert sum(line.points for line in health.contributions) == health.score
    top = [group for group in health.groups if "." not in group.name]
    of_none = [line.points for line in health.contributions if line.group is None]
    total = sum(line.points for line in health.contributions)
    assert sum(group.points for group in top) + sum(of_none) == total
    for other in health.scores:
        if other.score is not None:
            assert sum(line.points for line in other.contributions) == other.score


def check_change(data: ScoreChangedData) -> None:
    """The movers add up to the delta, and so do the groups with the movers that are of none."""
    if data.delta is None:
        assert (data.movers, data.groups) == ((), ())
        return
    assert data.before is not None
    assert data.delta == (data.after.score or 0) - (data.before.score or 0)
    assert sum(mover.delta for mover in data.movers) == data.delta
    top = {group.name: group.delta for group in data.groups if "." not in group.name}
    of_none = [mover.delta for mover in data.movers if mover.group is None]
    assert sum(top.values()) + sum(of_none) == data.delta
    for group in data.groups:
        inside = [m.delta for m in data.movers if f"{m.group}.".startswith(f"{group.name}.")]
        assert sum(inside) == group.delta
    named = {event for mover in data.movers for event in mover.events}
    assert all(len(mover.events) <= 3 for mover in data.movers)
    assert len(data.events) <= 5
    if not data.after.overrides and not data.before.overrides:
        changed = data.before.indicators or data.after.indicators or data.before.segment
        assert changed or set(data.events) <= named


def check_words(data: ScoreChangedData) -> None:
    """A sentence: it begins like one, says no empty change and no text twice."""
    words = data.because
    assert words[:1] == words[:1].upper() != ""
    assert not any(odd in words for odd in ("+0.0", "-0.0", "(0", "_", "None", "{", "  ", ";;"))


@settings(max_examples=examples(60), suppress_health_check=SLOW)
@given(cards(), cards(), histories.steps(max_size=20), st.integers(0, 30))
def test_lines_movers_and_groups_add_up_in_what_is_told(
    text: str, other: str, history: list[histories.Step], change_at: int
) -> None:
    """As JSON, with an activation on the way; whoever looks at it can add it up."""
    log = Log(text)
    for number, step in enumerate(history):
        if number == change_at:
            log.add(activation(other, 1), step.now_ms)
        if step.event is not None:
            log.read(step.now_ms, step.event)
        log.tick(step.now_ms)
    told = [ScoreChanged.model_validate(body).data for body in bodies(log.outputs)]
    before: Any = None
    for data in told:
        check(data.after)
        check_change(data)
        check_words(data)
        if before is not None:
            assert data.before is not None
            assert data.before.score == before.score
        before = data.after
