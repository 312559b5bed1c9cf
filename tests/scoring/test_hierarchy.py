"""Parents from children: sums, cycles, levels, causes, lines; over partitions, through crashes."""

import random
from collections import deque
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partitionlog import DAY_MS, START_MS, Log, activation, data_of
from properties import examples
from relatives import Account, Group, scores_of, tree_card
from schemas.inbound import Rejection, parse
from schemas.signals import ROLLUP, Block, Kind
from scoring.kin import LEVELS_MAX, EdgeState
from scoring.row import pack

SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)
NAMES = [f"account-{n}" for n in range(LEVELS_MAX)]
HIERARCHIES = st.tuples(
    st.sampled_from(["mean", "worst", "weighted_by_mrr"]), st.sampled_from([0, 30, 100])
)
_facts = st.fixed_dictionaries(
    {},
    optional={
        "seats": st.sampled_from([0, 1, 33, 49, 50, 75, 100, None]),
        "mrr_minor": st.sampled_from([0, -500, 1, 33, 10_000, 10**15, None]),
        "status": st.sampled_from(["customer", "customer", "churned"]),
        "parent": st.integers(0, LEVELS_MAX),
    },
)


def group(parent: str = "mean", own: float = 0, **options: Any) -> Group:
    return Group(tree_card(parent, own), now_ms=START_MS, **options)


def said(accounts: dict[str, Account], name: str, facts: dict[str, Any]) -> None:
    """The oracle's side of an event."""
    account = accounts.setdefault(name, Account())
    for field, value in facts.items():
        setattr(account, {"mrr_minor": "mrr"}.get(field, field), value)


def check(all_of_it: Group, accounts: dict[str, Account], parent: str, own: int) -> None:
    """Every score is the oracle's, and every parent's sums are its children's."""
    for name, score in scores_of(accounts, parent, own).items():
        assert all_of_it.score(name) == score, name
    for name in {one.parent for one in accounts.values() if one.parent}:
        children = [all_of_it.score(n) for n, one in accounts.items() if one.parent == name]
        scored = sorted(score for score in children if score is not None)
        customer = all_of_it.logs[all_of_it.where(name)].fold.customer(name)
        sums = None if customer is None else customer.sums
        assert (0 if sums is None else sums.count) == len(scored)
        if sums is not None:
            assert sums.scores == sum(scored)
            assert sorted(s for s, n in sums.spread.items() for _ in range(n)) == scored
            assert sum(sums.levels.values()) == len(scored)


def forest(draw: random.Random, company: Group, accounts: dict[str, Account]) -> None:
    """Accounts with parents, all of them told."""
    for index, name in enumerate(NAMES):
        above = NAMES[draw.randrange(index)] if index and draw.random() < 0.8 else None
        facts = {"seats": draw.choice([0, 20, 49, 75]), "mrr_minor": 100 * index, "parent": above}
        said(accounts, name, facts)
        company.say(name, **facts)
    company.settle(draw)


def interrupted(company: Group, choose: random.Random) -> None:
    """A checkpoint comes, whole or not, or none at all; then perhaps the owner dies."""
    partition = choose.choice([company.last, choose.randrange(company.partitions)])
    lost = choose.choice([None, 0.0, 0.3, 1.0, 2.0])
    if lost is not None:
        # The header is the last row, so that it is there only if all the others are.
        company.checkpoint(
            partition, lambda left: lost > 1 or (lost > 0 and (left == 1 or choose.random() < lost))
        )
    if lost or choose.random() < 0.5:
        company.crash(partition, choose)


@pytest.mark.parametrize("crashes", [False, True], ids=["", "with-crashes"])
@settings(max_examples=examples(60), suppress_health_check=SLOW)
@given(
    HIERARCHIES,
    st.lists(st.tuples(st.integers(0, LEVELS_MAX - 1), _facts), max_size=20),
    st.randoms(use_true_random=True),
    st.integers(1, 3),
)
def test_a_forest_scores_as_its_children_say(
    crashes: bool,
    hierarchy: tuple[str, int],
    changes: list[tuple[int, dict[str, Any]]],
    choose: random.Random,
    partitions: int,
) -> None:
    """Whatever changes, whatever overtakes what between partitions, whoever dies when."""
    company, accounts = group(*hierarchy, partitions=partitions), dict[str, Account]()
    if choose.random() < 0.8:
        forest(choose, company, accounts)
    for index, facts in changes:
        if "parent" in facts:  # only accounts before it, so that there is no cycle
            above = facts["parent"]
            facts = {**facts, "parent": NAMES[above] if above < index else None}
        said(accounts, NAMES[index], facts)
        company.say(NAMES[index], **facts)
        for _ in range(choose.choice([0, 1, 4, 12])):
            company.step(choose)
            if crashes and choose.random() < 0.3:
                interrupted(company, choose)
    company.settle(choose)
    check(company, accounts, *hierarchy)
    assert company.letters == []


@settings(max_examples=examples(60), suppress_health_check=SLOW)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=25),
    st.randoms(use_true_random=True),
    st.booleans(),
)
def test_whatever_parents_are_said_messages_end_and_no_cycle_is_left(
    edges: list[tuple[int, int]], choose: random.Random, in_between: bool
) -> None:
    """Cycles, chains that are too long, accounts that are their own parents, all at once."""
    company, accounts = group(own=50), dict[str, Account]()
    for child in range(10):
        said(accounts, f"c{child}", {"seats": 10 * child})
        company.say(f"c{child}", seats=10 * child)
    for child, parent in edges:
        said(accounts, f"c{child}", {"parent": f"c{parent}"})
        company.say(f"c{child}", parent=f"c{parent}")
        for _ in range(choose.randint(0, 4) if in_between else 0):
            company.step(choose)
    company.settle(choose)
    for name, account in accounts.items():
        edge = company.edge(name)
        if edge is None or edge.state is EdgeState.REFUSED:
            account.parent = None
        assert edge is None or edge.state is not EdgeState.ASKED
    for name in accounts:
        above, levels = name, 1
        while (over := accounts[above].parent) is not None:
            above, levels = over, levels + 1
            assert levels <= LEVELS_MAX
    check(company, accounts, "mean", 50)
    # A probe and its answer for each edge, refusals, and what changed scores make.
    assert company.messages <= 40 * (len(edges) + 10)


@pytest.mark.parametrize("size", [1, 2, 3, LEVELS_MAX])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("at_once", [True, False], ids=["at-once", "one-by-one"])
def test_the_youngest_edge_of_a_cycle_is_refused(size: int, seed: int, at_once: bool) -> None:
    """Whichever was heard first: it is a dead letter, and its account scored by itself."""
    choose = random.Random(seed)
    company, names = group(), [f"a{n}" for n in range(size)]
    times = list(range(size))
    if at_once:
        choose.shuffle(times)
    for n, name in enumerate(names):
        company.say(name, seats=10 * n + 5, parent=names[(n + 1) % size], at_ms=START_MS + times[n])
        if not at_once:
            company.settle(choose)
    company.settle(choose)
    youngest = names[times.index(size - 1)]
    assert [letter.reason for letter in company.letters] == ["hierarchy_cycle"]
    letter = company.letters[0]
    assert letter.detail.startswith(f"{youngest}: parent ")
    assert all(name in letter.detail for name in names)
    states = {name: company.edge(name).state for name in names}  # type: ignore[union-attr]
    assert [name for name, state in states.items() if state is EdgeState.REFUSED] == [youngest]
    assert company.messages <= 4 * size * (size + 2)
    known = company.messages
    company.say(youngest, name="told again, but not who is above it")
    company.settle(choose)
    assert company.messages <= known + size
    assert len(company.letters) == 1


def test_a_dead_letter_sent_again_mends_it() -> None:
    """Once the other edge is gone; the event in the letter says the parent anew."""
    company = group()
    company.say("a", seats=20, parent="b")
    company.settle()
    company.say("b", seats=60, parent="a")
    company.settle()
    assert company.score("b") == 2000
    company.say("a", parent=None)
    company.settle()
    assert company.score("b") == 6000
    found = parse("redrive", company.letters[0].raw)
    assert not isinstance(found, Rejection)
    company.logs[company.where("b")].read(company.now_ms + 9_000, found)
    company.settle()
    assert company.score("a") == 6000
    assert len(company.letters) == 1


@pytest.mark.parametrize("order", ["up", "down"])
def test_more_than_eight_levels_are_refused(order: str) -> None:
    company = group()
    names = [f"n{n}" for n in range(LEVELS_MAX + 3)]
    pairs = list(pairwise(names))
    for n, name in enumerate(names):
        company.say(name, seats=n)
    for child, parent in pairs if order == "up" else reversed(pairs):
        company.say(child, parent=parent)
        company.settle()
    assert {letter.reason for letter in company.letters} == {"hierarchy_levels"}
    assert all("more than 8 levels" in letter.detail for letter in company.letters)
    refused = [n for n in names[:-1] if company.edge(n).state is EdgeState.REFUSED]  # type: ignore[union-attr]
    assert len(refused) == 1
    # From either end eight levels stay together.
    top = names.index(refused[0])
    assert top == LEVELS_MAX - 1 if order == "up" else top == len(names) - LEVELS_MAX - 1
    assert company.score(refused[0]) == 0 if order == "up" else 100


@pytest.mark.parametrize("seed", range(8))
def test_eight_levels_are_left_of_a_chain_that_is_said_at_once(seed: int) -> None:
    """Whatever overtakes what: nobody above knows yet how deep it is below."""
    choose, company = random.Random(seed), group()
    names = [f"n{n}" for n in range(2 * LEVELS_MAX)]
    accounts = {name: Account(n, parent=above) for n, (name, above) in enumerate(pairwise(names))}
    for name in choose.sample(list(accounts), len(accounts)):
        company.say(name, seats=accounts[name].seats, parent=accounts[name].parent)
        company.step(choose)
    company.settle(choose)
    levels = 1
    for name, account in accounts.items():
        edge = company.edge(name)
        assert edge is not None
        if edge.state is EdgeState.REFUSED:
            account.parent = None
        levels = levels + 1 if account.parent else 1
        assert levels <= LEVELS_MAX
    assert company.letters
    check(company, accounts, "mean", 0)


def test_a_parent_that_has_become_too_deep_meanwhile_is_refused_as_well() -> None:
    """The way up was free when it was asked for; then came the levels below."""
    company = group()
    company.say("top-but-one", seats=50, parent="top")
    company.settle()
    assert company.score("top") == 5000
    below = LEVELS_MAX - 2
    told = [0, START_MS, "top-but-one", 0, "", int(Kind.ROLLUP), "x", None, [0, 0, below], "event"]
    partition = company.where("top-but-one")
    company.logs[partition].add(Block(ROLLUP, 9, [ROLLUP], [told]), company.now_ms)
    company.settle()
    assert [letter.reason for letter in company.letters] == ["hierarchy_levels"]
    assert company.score("top") is None


def test_what_a_newer_release_says_is_passed_over() -> None:
    company = group(partitions=1)
    company.say("child", seats=50)
    company.settle()
    unknown = [1, START_MS, "child", 0, "", 99, "who knows"]
    assert company.logs[0].add(Block(ROLLUP, 9, [ROLLUP], [unknown]), company.now_ms) == []
    assert company.logs[0].fold.header.sources["rollup/9"] == 1


def test_a_subtree_that_makes_too_many_levels_is_refused_where_it_is_hung_in() -> None:
    company = group()
    upper, lower = [f"u{n}" for n in range(5)], [f"l{n}" for n in range(4)]
    for chain in (upper, lower):
        for n, name in enumerate(chain):
            company.say(name, seats=n, parent=chain[n + 1] if n + 1 < len(chain) else None)
            company.settle()
    company.say(lower[-1], parent=upper[0])
    company.settle()
    assert [letter.detail for letter in company.letters] == [
        "l3: parent u0 is refused: more than 8 levels of accounts"
    ]
    assert company.score("u4") == 0


def test_a_parent_that_is_another_by_now_is_told_no_more() -> None:
    company = group()
    company.say("child", seats=30, parent="old")
    company.settle()
    assert company.score("old") == 3000
    company.say("child", parent="new")
    company.settle()
    assert company.score("new") == 3000
    old = company.customer("old")
    assert old.sums is not None
    assert (old.sums.count, old.sums.spread, old.sums.levels) == (0, {}, {})
    assert company.score("old") is None
    company.say("child", status="churned")
    company.settle()
    assert company.score("new") is None


def test_a_hundred_thousand_children_take_the_room_of_their_scores() -> None:
    """A row is at most 256 KB, whoever hangs below it."""
    log, choose, told = Log(tree_card("weighted_by_mrr")), random.Random(1), []
    for n in range(100_000):
        now = [choose.randint(0, 10_000), choose.choice([0, 10**9, 2**62]), choose.randint(0, 6)]
        told.append([n, START_MS, "top", 0, "", int(Kind.ROLLUP), f"c{n}", None, now, "event"])
    log.add(Block(ROLLUP, 1, [ROLLUP], told), START_MS)
    log.tick(START_MS + 1)
    sums = log.customer("top").sums
    assert sums is not None
    assert sums.count == 100_000
    assert len(pack(log.customer("top"))) < 100_000
    weight = sum(signal[8][1] for signal in told)
    exact = sum(signal[8][0] * signal[8][1] for signal in told)
    assert (int(sums.mrr), int(sums.weighted)) == (weight, exact)
    emitted = log.customer("top").emitted
    assert emitted is not None
    assert emitted.score == (2 * exact + weight) // (2 * weight)
    again = [[n + 100_000, *told[n][1:7], told[n][8], None, "event"] for n in range(100_000)]
    log.add(Block(ROLLUP, 1, [ROLLUP], again), START_MS + 2)
    assert (sums.count, sums.scores, sums.mrr, sums.weighted) == (0, 0, "0", "0")
    assert (sums.spread, sums.levels) == ({}, {})


# -- what is told --------------------------------------------------------------------------------


def test_without_the_section_nobody_is_told_anything() -> None:
    without = tree_card().replace("hierarchy: {parent: mean, own: 0%}\n", "")
    company = Group(without, now_ms=START_MS)
    company.say("child", seats=30, parent="top")
    company.say("top", seats=90)
    company.settle()
    assert company.messages == 0
    assert company.score("top") == 9000
    assert company.customer("child").kin is None


@pytest.mark.parametrize(
    ("parent", "own", "score", "says"),
    [
        ("mean", 0, 5333, "children: mean of 3 accounts 53.3"),
        ("worst", 0, 2000, "children: worst of 3 accounts 20"),
        ("weighted_by_mrr", 0, 3500, "children: mean of 3 accounts by MRR 35"),
        ("mean", 25, 6250, "children: mean of 3 accounts 53.3"),
    ],
)
def test_the_lines_add_up_and_name_the_children(
    parent: str, own: int, score: int, says: str
) -> None:
    company = group(parent, own)
    for name, seats, mrr in (("a", 20, 300), ("b", 80, 100), ("c", 60, 0)):
        company.say(name, seats=seats, mrr_minor=mrr, parent="top")
    company.say("top", seats=90)
    company.settle()
    change = company.changes("top")[-1]
    health = change["after"]
    assert health["score"] == score
    lines = {line["kind"]: line for line in health["contributions"]}
    assert sum(line["points"] for line in lines.values()) == score
    assert lines["children"]["says"] == says
    assert lines["children"]["value"] == 3
    assert lines["children"]["weight_ppm"] == 1_000_000 - own * 10_000
    assert ("measure" in lines) is (own > 0)
    assert says in change["because"]
    assert sum(mover["delta"] for mover in change["movers"]) == change["delta"]
    assert health["coverage_ppm"] == 1_000_000
    assert (health["way_to_green"] is None) is (own == 0)


def test_a_side_without_a_score_leaves_its_share_to_the_other() -> None:
    company = group(own=40)
    company.say("child", seats=60, parent="top")
    company.settle()
    health = company.changes("top")[-1]["after"]
    assert (health["score"], health["coverage_ppm"]) == (6000, 600_000)
    points = {line["kind"]: line["points"] for line in health["contributions"]}
    assert points == {"children": 3600, "measure": 0, "respread": 2400}
    company.say("child", status="churned")
    company.say("top", seats=10)
    company.settle()
    health = company.changes("top")[-1]["after"]
    assert health["score"] == 1000
    assert [line["kind"] for line in health["contributions"]] == ["measure"]


def test_overrides_act_on_a_parent_as_well() -> None:
    company = group()
    company.say("child", seats=90, parent="top")
    company.say("top", status="notice")
    company.settle()
    health = company.changes("top")[-1]["after"]
    assert (health["score"], health["band"]) == (2500, "red")
    assert [line["points"] for line in health["contributions"]] == [9000, -6500]


def test_the_way_to_green_is_the_own_measures_part_of_it() -> None:
    company = group(own=50)
    company.say("child", seats=60, parent="top")
    company.say("top", seats=20)
    company.settle()
    way = company.changes("top")[-1]["after"]["way_to_green"]
    assert (way["reachable"], way["score"]) == (True, 7500)
    assert [(step["name"], step["curve_points"]) for step in way["steps"]] == [("seats", 8999)]


def test_what_is_live_below_is_live_above() -> None:
    company = group()
    company.say("child", seats=90, parent="top")
    company.settle()
    company.now_ms += DAY_MS
    company.say("child", seats=10)
    company.settle()
    change = company.changes("top")[-1]
    assert (change["cause"], change["before"]["band"], change["after"]["band"]) == (
        "event",
        "green",
        "red",
    )
    assert change["because"] == "Children: mean of 1 account 10 (-80.0)"
    assert change["events"] == []


def test_history_below_messages_nobody_above() -> None:
    """A first score, a late event, a new card: the parent's change is as quiet."""
    company = group()
    company.say("top", seats=5)
    company.settle()
    company.say("child", seats=90, parent="top")
    company.settle()
    assert [change["cause"] for change in company.changes("top")] == ["first", "correction"]
    company.now_ms += 9 * DAY_MS
    company.say("child", seats=10, at_ms=START_MS + DAY_MS)
    company.settle()
    child, top = company.changes("child")[-1], company.changes("top")[-1]
    assert child["cause"] == top["cause"] == "correction"


@pytest.mark.parametrize(
    ("below", "above"),
    [("event", "event"), ("time", "event"), ("first", "correction"), ("correction", "correction"),
     ("scorecard", "scorecard"), ("percentiles", "percentiles")],
)  # fmt: skip
def test_each_cause_below_has_its_cause_above(below: str, above: str) -> None:
    """And only until the next evaluation."""
    company = group(partitions=1)
    company.say("top", seats=50)
    company.settle()
    log, (old, new) = company.logs[0], ([9000, 0, 0], [2000, 0, 0])
    for number, before, now, cause in ((1, None, old, "event"), (2, old, new, below),
                                       (3, new, old, "event")):  # fmt: skip
        told = [number, START_MS, "top", 0, "", int(Kind.ROLLUP), "x", before, now, cause]
        log.add(Block(ROLLUP, 9, [ROLLUP], [told]), company.now_ms)
        company.settle()
    causes = [change["cause"] for change in company.changes("top")]
    assert causes == ["first", "event", above, "event"]


def test_a_new_card_is_the_cause_above_as_below() -> None:
    without = tree_card().replace("hierarchy: {parent: mean, own: 0%}\n", "")
    company = Group(without, now_ms=START_MS)
    company.say("top", seats=90)
    company.say("child", seats=10, parent="top")
    company.settle()
    for log in company.logs:
        log.add(activation(tree_card(), 1), company.now_ms + 20_000)
    company.settle()
    top = company.changes("top")[-1]
    assert (top["cause"], top["after"]["score"]) == ("scorecard", 1000)
    assert top["because"].startswith("New scorecard tree 1; seats weighs nothing any more (-90.0)")
    assert [(mover["kind"], mover["delta"]) for mover in top["movers"]] == [
        ("measure", -9000),
        ("children", 1000),
    ]
    # Without the section again its own measures count; with it, what changed meanwhile is told.
    for log in company.logs:
        log.add(activation(without + "# again\n", 2), company.now_ms + 20_000)
    company.settle()
    assert company.score("top") == 9000
    known = company.messages
    company.say("child", seats=20)
    company.settle()
    assert company.messages == known
    for log in company.logs:
        log.add(activation(tree_card() + "# again\n", 3), company.now_ms + 20_000)
    company.settle()
    assert company.score("top") == 2000


def test_a_new_rate_makes_a_child_weigh_otherwise() -> None:
    """At midnight, though nothing happens: 100 USD are 50 EUR until then, 80 EUR after it."""
    company = group("weighted_by_mrr")
    company.say("dollars", seats=0, mrr_minor=10_000, currency="USD", parent="top")
    company.say("euros", seats=90, mrr_minor=4_000, currency="EUR", parent="top")
    company.settle()
    assert company.score("top") == 4000
    company.now_ms = START_MS + 8 * DAY_MS
    company.settle()
    assert company.score("top") == 3000


def test_a_block_that_comes_again_changes_nothing() -> None:
    company = group(partitions=1)
    company.say("child", seats=90, parent="top")
    company.tick(0)
    twice = list(company.way[0, 0])
    while company.way:
        company.deliver(0, 0)
        company.tick(0)
        twice += company.way.get((0, 0), ())
    company.settle()
    log, known = company.logs[0], company.messages
    for block in twice:
        company.way.setdefault((0, 0), deque()).append(block)
    company.settle()
    assert company.messages == known
    assert company.score("top") == 9000
    assert data_of(log.outputs)[-1]["after"]["score"] == 9000
