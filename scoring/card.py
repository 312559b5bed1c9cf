"""A compiled scorecard: everything that evaluation needs, in integers, immutable."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from schemas.control import PercentilesTaken
from schemas.scales import Scale
from scoring.bands import BandPolicy
from scoring.classes import Classification
from scoring.curves import Curve
from scoring.hierarchy import Hierarchy
from scoring.indicators import Indicator
from scoring.metrics import Metric
from scoring.moment import VALUE_MAX, Reading, Value, earliest
from scoring.money import Rates
from scoring.percentiles import Ranked
from scoring.recent import Feeding, feeding
from scoring.series import Series
from scoring.shapes import Problems, Words
from scoring.terms import Drift, crosses_ms
from scoring.units import Unit
from scoring.variants import OverrideSpec, Variant
from scoring.weighting import Tree, Weighting

__all__ = ["Card", "CardError", "MeasureSpec", "OtherScoreSpec", "OverrideSpec", "hash_of"]


class CardError(ValueError):
    """What is wrong with a card: (where, message) pairs; *where* is a path of keys."""

    def __init__(self, problems: Problems) -> None:
        super().__init__("; ".join(f"{'.'.join(where)}: {what}" for where, what in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class MeasureSpec:
    """One scored component, compiled.

    ``group`` is the path of its groups, with dots. ``shown`` is the unit in which people
    see its value, ``says_at`` what is said of single values in place of ``says``.
    """

    name: str
    group: str
    metric: Metric
    curve: Curve | Words | Ranked
    missing_points: int | None
    says: str | None
    says_at: Mapping[Value, str]
    movable: bool
    shown: Unit

    def curve_in(self, segment: str) -> Curve | Words | None:
        """The curve for a customer of a segment; None: no percentiles were taken for it."""
        curve = self.curve
        return curve.curve(segment) if type(curve) is Ranked else curve  # type: ignore[return-value]

    def worth(self, reading: Reading, segment: str) -> tuple[Value, int | None, int | None]:
        """What a reading is worth to a customer of a segment: value, points, until when."""
        value = reading.value
        if type(value) is int and not -VALUE_MAX <= value <= VALUE_MAX:
            value = VALUE_MAX if value > 0 else -VALUE_MAX
        curve = self.curve_in(segment)
        points = None
        if value is not None and curve is not None:
            points = curve.points(value)  # type: ignore[arg-type]
        if points is None:
            points = self.missing_points
        next_ms = reading.jump_ms
        if reading.next_ms is not None:
            next_ms = earliest(next_ms, self.turns_ms(curve, value, reading))
        return value, points, next_ms

    def turns_ms(self, curve: Curve | Words | None, value: Value, reading: Reading) -> int | None:
        """When the points change by themselves; where a curve is level no drift changes them."""
        drift = self.metric.drift
        if curve is None:
            return None  # no value has points
        if type(value) is not int or drift is Drift.WINDOW or isinstance(curve, Words):
            return reading.next_ms
        rises = drift is Drift.RISES
        leaves = curve.leaves_above(value) if rises else curve.leaves_below(value)
        if leaves is None or reading.origin_ms is None:
            return None if leaves is None else reading.next_ms
        return crosses_ms(reading.origin_ms, drift, leaves if rises else leaves + 1)


@dataclass(frozen=True, slots=True)
class OtherScoreSpec:
    """A further score of the same measures, with its own weights."""

    name: str
    objective: str
    weighting: Weighting


@dataclass(frozen=True)
class Card:
    """A scorecard as evaluation reads it.

    ``weightings`` are by the name of what chooses them (``weights_by``: "stage",
    "segment", or "" where there is one for all). ``own`` is how customers are judged,
    ``variants`` how those of some classes are instead (by ``variants_by``).
    """

    name: str
    version: str
    hash: str
    objective: str
    owner: str
    shown_as: Scale
    measures: tuple[MeasureSpec, ...]
    groups: tuple[str, ...]
    tree: Tree
    weights_by: str
    weightings: Mapping[str, Weighting]
    others: tuple[OtherScoreSpec, ...]
    freeze_ms_max: int
    own: Variant
    variants_by: str
    variants: Mapping[str, Variant]
    indicators: tuple[Indicator, ...]
    segments: Classification | None
    stages: Classification | None
    archetypes: Classification | None
    outlook: Classification | None
    scored_statuses: frozenset[str]
    scores_internal: bool
    emit_at_least: int
    series: tuple[Series, ...]
    #: None: the card has no currency, and amounts stay in their own.
    rates: Rates | None = None
    #: How a parent account's score comes from its children's; None: it does not.
    hierarchy: Hierarchy | None = None

    @property
    def bands(self) -> BandPolicy:
        """The card's own levels and holds."""
        return self.own.bands

    @property
    def letters(self) -> tuple[tuple[int, str], ...]:
        """The card's own letters."""
        return self.own.letters

    @property
    def overrides(self) -> tuple[OverrideSpec, ...]:
        """The card's own overrides."""
        return self.own.overrides

    @property
    def coverage_ppm_min(self) -> int:
        """The card's own least coverage."""
        return self.own.coverage_ppm_min

    def variant(self, classes: Mapping[str, str]) -> Variant:
        """How a customer of these classes (of kinds "segment" and "stage") is judged."""
        return self.variants.get(classes.get(self.variants_by, ""), self.own)

    def weighting(self, classes: Mapping[str, str]) -> Weighting:
        """The weights that count for a customer of these classes."""
        own = self.variant(classes).weighting
        return own or self.weightings[classes.get(self.weights_by, "")]

    @cached_property
    def override_names(self) -> tuple[str, ...]:
        """The overrides that may act on a customer, of the card and of its variants."""
        found = (rule.name for one in self._all_variants for rule in one.overrides)
        return tuple(dict.fromkeys(found))

    @cached_property
    def letter_names(self) -> tuple[str, ...]:
        """The letters that a customer may have, of the card and of its variants."""
        found = (letter for one in self._all_variants for _, letter in one.letters)
        return tuple(dict.fromkeys(found))

    @property
    def _all_variants(self) -> tuple[Variant, ...]:
        return (self.own, *self.variants.values())

    @cached_property
    def first_weighting(self) -> Weighting:
        """The weights to show where no customer is meant: the first that the card lists."""
        return next(iter(self.weightings.values()))

    @cached_property
    def short_hash(self) -> str:
        """The part of the hash that people see."""
        return self.hash[:16]

    def override_named(self, name: str) -> OverrideSpec | None:
        """The override of this name: the card's own, else that of a class."""
        for variant in (self.own, *self.variants.values()):
            found = variant.override(name)
            if found is not None:
                return found
        return None

    def group_of(self, name: str, kind: str) -> str | None:
        """The path of a line's group; None for a line that is of none."""
        spec = self.by_name.get(name) if kind == "measure" else None
        return None if spec is None else spec.group

    def classifications(self) -> Iterator[Classification]:
        """Those that the card has: segments, stages, archetypes, the outlook."""
        for classes in (self.segments, self.stages, self.archetypes, self.outlook):
            if classes is not None:
                yield classes

    @cached_property
    def _conditions(self) -> dict[tuple[str, str], list[Metric]]:
        """What decides about each line and class, by (name, kind); a class by its kind alone."""
        found: dict[tuple[str, str], list[Metric]] = {}
        for measure in self.measures:
            found[measure.name, "measure"] = [measure.metric]
        for variant in (self.own, *self.variants.values()):
            for override in variant.overrides:
                found.setdefault((override.name, "override"), []).append(override.when)
        for indicator in self.indicators:
            found[indicator.name, "indicator"] = [indicator.when]
        for classes in self.classifications():
            found["", classes.kind] = [one.when for one in classes.classes if one.when]
        return found

    @cached_property
    def _feeds(self) -> dict[tuple[str, str], frozenset[int]]:
        return {
            named: frozenset(feed.key for metric in metrics for feed in metric.feeds)
            for named, metrics in self._conditions.items()
        }

    def feeds_of(self, name: str, kind: str) -> frozenset[int]:
        """The keys of what feeds a measure, an override, an indicator or a class."""
        found = self._feeds.get((name, kind))
        return self._feeds.get(("", kind), frozenset()) if found is None else found

    @cached_property
    def feeding(self) -> Feeding:
        """Which events feed what the card looks at, by kind of signal."""
        return feeding(
            feed
            for metrics in self._conditions.values()
            for metric in metrics
            for feed in metric.feeds
        )

    @cached_property
    def feed_keys(self) -> frozenset[int]:
        """The keys of all that feeds the card."""
        return frozenset(key for feeds in self.feeding.values() for key, _ in feeds)

    @cached_property
    def ranked(self) -> tuple[MeasureSpec, ...]:
        """The measures whose points are percentile ranks."""
        return tuple(measure for measure in self.measures if isinstance(measure.curve, Ranked))

    def with_percentiles(self, taken: PercentilesTaken) -> "Card":
        """The card with the ranks of a snapshot, in place of those that it has."""
        return replace(
            self,
            measures=tuple(
                replace(
                    measure,
                    curve=measure.curve.taken(g for g in taken.groups if g.measure == measure.name),
                )
                if isinstance(measure.curve, Ranked)
                else measure
                for measure in self.measures
            ),
        )

    @cached_property
    def by_name(self) -> dict[str, MeasureSpec]:
        """Measures by name."""
        return {measure.name: measure for measure in self.measures}


def hash_of(text: str) -> str:
    """The content hash of a scorecard's text: sha256, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()
