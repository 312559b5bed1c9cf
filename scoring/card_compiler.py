"""From a validated scorecard file to a :class:`~scoring.card.Card`.

What only the core can know (what a metric means, what its units are) is checked
here, and all that is wrong is reported at once.
"""

from collections.abc import Mapping
from decimal import Decimal

from schemas.scales import Scale
from schemas.scorecard import ClassRule, Measure, MeasureGroup, Outlook, ScorecardFile
from schemas.scorecard_classes import ArchetypeRule
from scoring.account import mrr
from scoring.card import Card, CardError, MeasureSpec, OtherScoreSpec, hash_of
from scoring.classes import Class, Classification
from scoring.expressions import (
    Where,
    expression_of,
    of_conditions,
    of_measures,
    of_outlook,
    of_segments,
    of_stages,
    vocabulary_of,
)
from scoring.hierarchy import Hierarchy
from scoring.indicators import Indicator
from scoring.metrics import Metric, compile_condition, compile_metric, term_of
from scoring.percentiles import GROUPS_MAX, Ranked
from scoring.series import Series
from scoring.shapes import Problems, compile_says, compile_shape, shown_unit
from scoring.variant_compiler import own_variant, variants_by, variants_of
from scoring.vocabulary import NEEDS_A_CURRENCY, Vocabulary
from scoring.weighting import Tree, Weighting, adds_up

__all__ = ["compile_card"]

_OTHERWISE = "otherwise"


def compile_card(file: ScorecardFile, text: str) -> Card:
    """The card of a validated file; ``text`` is what its hash is of.

    Raises:
        CardError: with every problem found.
    """
    problems: Problems = []
    words = vocabulary_of(file, problems)
    measures, stay = file.measure_names, file.min_stay
    segment_words = of_segments(words, measures)
    segments = _classes("segment", file.segments, stay, segment_words, ("segments",), problems)
    stage_words = of_stages(words, measures, file.segments)
    stages = _classes("stage", file.lifecycle, stay, stage_words, ("lifecycle",), problems)
    tree = _Groups(file, of_measures(words, measures, file.segments, file.lifecycle), problems)
    terms = {spec.name: term_of(spec.metric) for spec in tree.specs}
    words = of_conditions(
        words, terms, file.segments, file.lifecycle, wrong=set(measures) - set(terms)
    )
    own = own_variant(file, words, problems)
    indicators = _indicators(file, words, problems)
    archetypes = _archetypes(file, words, problems)
    outlook = _outlook(file.outlook, words, problems)
    weightings = {
        name: tree.weighting(name, line, problems) for name, line in file.weight_lines.items()
    }
    variants = variants_of(file, own, tree.weightings_of_variants(file, problems), words, problems)
    others = tree.others(file, problems)
    metrics = [spec.metric for spec in tree.specs] + [rule.when for rule in indicators]
    metrics += [rule.when for one in (own, *variants.values()) for rule in one.overrides]
    series = _series(metrics, (segments, stages, archetypes, outlook), problems)
    hierarchy = _hierarchy(file, words, problems)
    if problems:
        raise CardError(problems)
    return Card(
        name=file.scorecard,
        version=file.version,
        hash=hash_of(text),
        objective=file.objective,
        owner=file.owner,
        shown_as=_scale(file),
        measures=tuple(tree.specs),
        groups=tuple(tree.names),
        tree=tree.tree(),
        weights_by=_chosen_by(file, weightings),
        weightings=weightings,
        others=others,
        freeze_ms_max=file.defaults.freeze_at_most * 1000,
        own=own,
        variants_by=variants_by(file),
        variants=variants,
        indicators=indicators,
        segments=segments,
        stages=stages,
        archetypes=archetypes,
        outlook=outlook,
        scored_statuses=frozenset(str(status) for status in file.scored.status),
        scores_internal=file.scored.internal,
        emit_at_least=int(file.emit.at_least * 100),
        series=series,
        rates=words.rates,
        hierarchy=hierarchy,
    )


def _hierarchy(file: ScorecardFile, words: Vocabulary, problems: Problems) -> Hierarchy | None:
    rule = file.hierarchy
    if rule is None:
        return None
    read = None
    if rule.parent == "weighted_by_mrr":
        if words.rates is None:
            what = f"weighted_by_mrr: {NEEDS_A_CURRENCY}"
            problems.append((("hierarchy", "parent"), what))
        else:
            read = mrr(words.rates)
    return Hierarchy(rule.parent, int(rule.own * 10_000), read)


def _check_ranks(file: ScorecardFile, specs: list[MeasureSpec], problems: Problems) -> None:
    """What is wrong with percentile measures that only the whole card tells."""
    groups = 0
    for spec in specs:
        if not isinstance(spec.curve, Ranked):
            continue
        groups += len(file.segments) if spec.curve.within_segment else 1
        if spec.curve.within_segment and not file.segments:
            what = "the card has no segments: write them, or percentile: portfolio"
            problems.append(((*_where(spec), "percentile"), what))
    if groups > GROUPS_MAX:
        what = f"percentile measures times segments: expected at most {GROUPS_MAX}, got {groups}"
        problems.append((("groups",), what))


def _where(spec: MeasureSpec) -> Where:
    """The path of a measure in the file."""
    return ("groups", *spec.group.replace(".", ".members.").split("."), spec.name)


def _chosen_by(file: ScorecardFile, weightings: Mapping[str, Weighting]) -> str:
    """What chooses the weights: "stage", "segment", or "" where there is one line for all."""
    if "" in weightings:
        return ""
    return "stage" if set(weightings) == set(file.lifecycle) else "segment"


def _archetypes(
    file: ScorecardFile, words: Vocabulary, problems: Problems
) -> Classification | None:
    found = file.archetypes
    if found is None:
        return None
    where = ("archetypes", "classes")
    return _classes("archetype", found.classes, found.min_stay, words, where, problems)


def _series(
    metrics: list[Metric],
    classifications: tuple[Classification | None, ...],
    problems: Problems,
) -> tuple[Series, ...]:
    """All series that these metrics and classes need, each once."""
    for classes in classifications:
        metrics = metrics + [one.when for one in (classes.classes if classes else ()) if one.when]
    found: dict[int, Series] = {}
    for one in (one for metric in metrics for one in metric.series):
        known = found.setdefault(one.key, one)
        if known.text != one.text:
            # Rows know a series by its key alone: the two would be counted as one.
            what = f"{known.text!r} and {one.text!r} cannot be told apart: write one otherwise"
            problems.append((("groups",), what))
    return tuple(found.values())


class _Groups:
    """The tree of groups and measures while it is being read."""

    def __init__(self, file: ScorecardFile, words: Vocabulary, problems: Problems) -> None:
        self.names: list[str] = []
        self.specs: list[MeasureSpec] = []
        self._parents: list[int] = []
        self._measure_groups: list[int] = []
        self._measure_shares: list[Decimal] = []
        self._group_shares: list[Decimal] = []
        self._tops: list[int] = []
        self._defaults = file.defaults
        for name, members in file.groups.items():
            index = self._group(name, -1, Decimal(1))
            self._members(members, index, (("groups", name)), Decimal(1), words, problems)
        _check_ranks(file, self.specs, problems)

    def _group(self, name: str, parent: int, share: Decimal) -> int:
        index = len(self.names)
        self.names.append(name if parent < 0 else f"{self.names[parent]}.{name}")
        self._parents.append(parent)
        self._group_shares.append(share)
        self._tops.append(index if parent < 0 else self._tops[parent])
        return index

    def _members(
        self,
        members: Mapping[str, Measure | MeasureGroup],
        group: int,
        where: Where,
        share: Decimal,
        words: Vocabulary,
        problems: Problems,
    ) -> None:
        for name, member in members.items():
            own = share * member.share / 100
            if isinstance(member, MeasureGroup):
                inner = self._group(name, group, own)
                self._members(
                    member.members, inner, (*where, name, "members"), own, words, problems
                )
            else:
                spec = self._measure(name, member, group, (*where, name), words, problems)
                if spec is not None:
                    self.specs.append(spec)
                    self._measure_groups.append(group)
                    self._measure_shares.append(own)

    def _measure(
        self,
        name: str,
        measure: Measure,
        group: int,
        where: Where,
        words: Vocabulary,
        problems: Problems,
    ) -> MeasureSpec | None:
        metric = expression_of(compile_metric, measure.metric, words, (*where, "metric"), problems)
        if metric is None:
            return None
        says, says_at = compile_says(measure, metric.unit, (*where, "says"), problems)
        missing = self._defaults.missing if measure.missing is None else measure.missing
        return MeasureSpec(
            name=name,
            group=self.names[group],
            metric=metric,
            curve=compile_shape(measure, metric.unit, where, problems),
            missing_points=None if missing == "leave_out" else int(missing * 100),
            says=says,
            says_at=says_at,
            movable=measure.movable,
            shown=shown_unit(measure, metric.unit),
        )

    def tree(self) -> Tree:
        """Who belongs to whom."""
        return Tree(tuple(self._parents), tuple(self._measure_groups))

    def weighting(self, name: str, line: Mapping[str, Decimal], problems: Problems) -> Weighting:
        """The weights of all groups and measures where the top groups have those of ``line``."""
        top = [line.get(self.names[index], Decimal(0)) * 10_000 for index in self._tops]
        groups = [share * top[i] for i, share in enumerate(self._group_shares)]
        measures = [
            share * top[group]
            for share, group in zip(self._measure_shares, self._measure_groups, strict=True)
        ]
        for spec, weight in zip(self.specs, measures, strict=True):
            if weight != int(weight):
                what = "weight times share is finer than a millionth"
                problems.append(((*_where(spec), "share"), what))
        weights = tuple(map(int, groups)), tuple(map(int, measures))
        return Weighting(name, *weights, adds_up(self.tree(), *weights))

    def others(self, file: ScorecardFile, problems: Problems) -> tuple[OtherScoreSpec, ...]:
        """The further scores with their weights."""
        return tuple(
            OtherScoreSpec(name, other.objective, self.weighting(name, other.weights, problems))
            for name, other in file.scores.items()
        )

    def weightings_of_variants(
        self, file: ScorecardFile, problems: Problems
    ) -> dict[str, Weighting]:
        """The weights of the classes that have their own, by class."""
        return {
            name: self.weighting(name, said.weights, problems)
            for name, said in file.variants.items()
            if said.weights is not None
        }


def _scale(file: ScorecardFile) -> Scale:
    return Scale(file.shown_as.scale, file.shown_as.decimals, file.shown_as.lead_with)


def _indicators(
    file: ScorecardFile, words: Vocabulary, problems: Problems
) -> tuple[Indicator, ...]:
    found = []
    for name, rule in file.indicators.items():
        where = ("indicators", name, "when")
        when = expression_of(compile_condition, rule.when, words, where, problems)
        if when is not None:
            says = rule.says or name.replace("_", " ")
            found.append(Indicator(name, when, rule.clears_after * 1000, says))
    return tuple(found)


def _outlook(file: Outlook | None, words: Vocabulary, problems: Problems) -> Classification | None:
    if file is None:
        return None
    words = of_outlook(words)
    rules = {name: getattr(file, name) for name in ("leave", "grow", "renew")}
    return _classes("outlook", rules, file.min_stay, words, ("outlook",), problems)


def _classes(
    kind: str,
    rules: Mapping[str, str | ClassRule],
    min_stay_s: int,
    words: Vocabulary,
    where: Where,
    problems: Problems,
) -> Classification | None:
    """Classes in their order; None where the card has none."""
    found = []
    for name, given in rules.items():
        rule = given if isinstance(given, ClassRule) else ClassRule(when=given)
        label = rule.label or name.replace("_", " ")
        expects = rule.expects if isinstance(rule, ArchetypeRule) else None
        if rule.when.strip() == _OTHERWISE:
            found.append(Class(name, label, None, rule.says or "", expects))
            continue
        place = (*where, name) if isinstance(given, str) else (*where, name, "when")
        when = expression_of(compile_condition, rule.when, words, place, problems)
        if when is not None:
            found.append(Class(name, label, when, rule.says or rule.when.strip(), expects))
    return Classification(kind, tuple(found), min_stay_s * 1000) if rules else None
