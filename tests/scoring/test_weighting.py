"""The weighted mean over a tree of groups, against fractions written down plainly."""

from collections.abc import Sequence
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from scoring.weighting import Tree, Weighting, adds_up


def plain_mean(tree: Tree, weights: Weighting, points: Sequence[int | None]) -> int | None:
    """Members that have data, weighted by their shares, group by group; a half rounded up."""

    def of_group(group: int) -> Fraction | None:
        members = [
            (weights.groups[child], of_group(child))
            for child, parent in enumerate(tree.parents)
            if parent == group
        ]
        members += [
            (weights.measures[i], None if points[i] is None else Fraction(points[i] or 0))
            for i, own in enumerate(tree.measures)
            if own == group
        ]
        present = [(weight, mean) for weight, mean in members if mean is not None and weight]
        whole = sum(weight for weight, _ in present)
        return sum((w * m for w, m in present), Fraction(0)) / whole if whole else None

    mean = of_group(-1)
    return (
        None if mean is None else (2 * mean.numerator + mean.denominator) // (2 * mean.denominator)
    )


@st.composite
def cards(draw: st.DrawFn) -> tuple[Tree, Weighting, list[int | None]]:
    groups = draw(st.integers(1, 6))
    parents = tuple(draw(st.integers(-1, group - 1)) for group in range(groups))
    owners = tuple(draw(st.lists(st.integers(0, groups - 1), min_size=1, max_size=8)))
    weight = st.sampled_from([0, 1, 3, 1000, 77_777, 250_000, 333_333])
    weights = Weighting(
        "any",
        tuple(draw(weight) for _ in parents),
        tuple(draw(weight) for _ in owners),
    )
    points = [draw(st.none() | st.integers(0, 10_000)) for _ in owners]
    return Tree(parents, owners), weights, points


@st.composite
def even_cards(draw: st.DrawFn) -> tuple[Tree, Weighting, list[int]]:
    """Cards in which each group weighs what its members do, some of them nothing."""
    tree, weights, _ = draw(cards())
    groups = [0] * len(tree.parents)
    for group, weight in zip(tree.measures, weights.measures, strict=True):
        while group != -1:
            groups[group] += weight
            group = tree.parents[group]
    points = [draw(st.integers(0, 10_000)) for _ in weights.measures]
    even = adds_up(tree, groups, weights.measures)
    assert even == any(weights.measures)
    return tree, Weighting("even", tuple(groups), weights.measures, even), points


@given(even_cards())
def test_where_nothing_is_missing_the_mean_is_the_plain_one(
    card: tuple[Tree, Weighting, list[int]],
) -> None:
    tree, weights, points = card
    long_way = Weighting("", weights.groups, weights.measures)
    assert weights.exact_mean(tree, points) == long_way.exact_mean(tree, points)
    assert weights.mean(tree, points) == plain_mean(tree, weights, points)


def test_a_group_that_weighs_more_than_its_members_does_not_add_up() -> None:
    assert not adds_up(TREE, (600_000, 300_000, 400_000), (150_000, 150_000, 300_000, 399_999))
    assert not adds_up(TREE, (600_001, 300_000, 400_000), (150_000, 150_000, 300_000, 400_000))
    assert not adds_up(Tree((-1,), (0,)), (0,), (0,))


@given(cards())
def test_a_nested_mean_is_that_of_fractions(card: tuple[Tree, Weighting, list[int | None]]) -> None:
    tree, weights, points = card
    assert weights.mean(tree, points) == plain_mean(tree, weights, points)


@given(cards(), st.data())
def test_a_better_measure_never_makes_a_worse_mean(
    card: tuple[Tree, Weighting, list[int | None]], data: st.DataObject
) -> None:
    tree, weights, points = card
    at = data.draw(st.integers(0, len(points) - 1))
    own = points[at]
    if own is None:
        return
    better = [*points[:at], data.draw(st.integers(own, 10_000)), *points[at + 1 :]]
    before, after = weights.mean(tree, points), weights.mean(tree, better)
    assert (before is None) is (after is None)
    assert (after or 0) >= (before or 0)


def weight_of(tree: Tree, effective: Sequence[Fraction], group: int) -> Fraction:
    """What a group weighs: what is in it, and in the groups within it."""
    own = [weight for weight, of in zip(effective, tree.measures, strict=True) if of == group]
    own += [weight_of(tree, effective, n) for n, of in enumerate(tree.parents) if of == group]
    return sum(own, Fraction(0))


def spread(tree: Tree, weights: Weighting, points: Sequence[int | None]) -> list[Fraction]:
    """What each measure weighs, exactly: how far it moves the mean of fractions."""

    def mean(values: Sequence[int | None]) -> Fraction:
        whole = weights.mean(tree, [None if x is None else x * 10**15 for x in values])
        return Fraction(whole or 0, 10**15)

    zero = [None if x is None else 0 for x in points]
    return [
        Fraction(0) if x is None else mean([*zero[:at], 1, *zero[at + 1 :]])
        for at, x in enumerate(points)
    ]


NEAR = Fraction(1, 10**12)


@given(cards(), st.data())
def test_an_unknown_measure_leaves_its_siblings_relative_weights_unchanged(
    card: tuple[Tree, Weighting, list[int | None]], data: st.DataObject
) -> None:
    """And its group's weight while any sibling has data; an empty group the same one level up."""
    tree, weights, points = card
    at = data.draw(st.integers(0, len(points) - 1))
    unknown = [*points[:at], None, *points[at + 1 :]]
    before, after = (spread(tree, weights, one) for one in (points, unknown))
    group = tree.measures[at]
    shares = {
        after[i] / weights.measures[i]
        for i, of in enumerate(tree.measures)
        if of == group and after[i]
    }
    assert not shares or max(shares) - min(shares) <= NEAR
    # The smallest group around it that still has data weighs what it did.
    while group != -1 and not weight_of(tree, after, group):
        group = tree.parents[group]
    if group == -1:
        assert weight_of(tree, after, -1) in (0, 1) or abs(weight_of(tree, after, -1) - 1) <= NEAR
    else:
        changed = weight_of(tree, after, group) - weight_of(tree, before, group)
        assert abs(changed) <= NEAR
    # What stands elsewhere does not notice, but where a whole group gave its weight away.
    inside = {i for i, of in enumerate(tree.measures) if is_within(tree, of, group)}
    for i in set(range(len(points))) - inside:
        assert abs(after[i] - before[i]) <= NEAR
    # What weighs something is told so: the weights of the explanation are these, rounded down.
    for told, exact in zip(weights.effective_ppm(tree, unknown), after, strict=True):
        assert -1 <= told - exact * 1_000_000 <= NEAR * 1_000_000


def is_within(tree: Tree, group: int, of: int) -> bool:
    """Whether a group is another one or lies in it; in the card itself all do."""
    while group not in (of, -1):
        group = tree.parents[group]
    return group == of


#: usage (60): adoption (50 %: seats 50 %, features 50 %), trend (50 %); support (40): open.
TREE = Tree((-1, 0, -1), (1, 1, 0, 2))
WEIGHTS = Weighting("", (600_000, 300_000, 400_000), (150_000, 150_000, 300_000, 400_000))


def test_missing_weight_goes_to_siblings_and_an_empty_group_s_one_level_up() -> None:
    everything = [8000, 4000, 6000, 10_000]
    assert WEIGHTS.mean(TREE, everything) == 0.6 * (0.5 * 6000 + 0.5 * 6000) + 4000
    # Features missing: seats has all of adoption, nothing else changes.
    assert WEIGHTS.mean(TREE, [8000, None, 6000, 10_000]) == 0.6 * 7000 + 4000
    # Adoption empty: trend has all of usage; support keeps its 40.
    assert WEIGHTS.mean(TREE, [None, None, 6000, 10_000]) == 0.6 * 6000 + 4000
    # Usage empty: support has everything.
    assert WEIGHTS.mean(TREE, [None, None, None, 10_000]) == 10_000
    assert WEIGHTS.mean(TREE, [None] * 4) is None


def test_coverage_is_the_nominal_weight_that_has_data() -> None:
    assert WEIGHTS.coverage_ppm([1, None, None, 1]) == 550_000


def test_what_a_measure_weighs_once_missing_weight_is_spread() -> None:
    assert WEIGHTS.effective_ppm(TREE, [0, 0, 0, 0]) == [150_000, 150_000, 300_000, 400_000]
    assert WEIGHTS.effective_ppm(TREE, [0, None, 0, 0]) == [300_000, 0, 300_000, 400_000]
    assert WEIGHTS.effective_ppm(TREE, [None, None, 0, 0]) == [0, 0, 600_000, 400_000]
    assert WEIGHTS.effective_ppm(TREE, [0, 0, 0, None]) == [250_000, 250_000, 500_000, 0]
    assert WEIGHTS.effective_ppm(TREE, [None] * 4) == [0] * 4
