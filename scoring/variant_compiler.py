"""From the file to how customers are judged: bands, letters and overrides, and their variants."""

from collections.abc import Mapping
from decimal import Decimal

from schemas.scorecard import Bands, Override, ScorecardFile
from scoring.bands import BandPolicy
from scoring.expressions import Where, expression_of
from scoring.metrics import compile_condition
from scoring.shapes import Problems
from scoring.variants import OverrideSpec, Variant
from scoring.vocabulary import Vocabulary
from scoring.weighting import Weighting

__all__ = ["own_variant", "variants_by", "variants_of"]


def own_variant(file: ScorecardFile, words: Vocabulary, problems: Problems) -> Variant:
    """How the card judges those for whom nothing else is said."""
    return Variant(
        name="",
        bands=_bands(file.bands),
        letters=_letters(file.letters),
        coverage_ppm_min=_ppm(file.defaults.minimum_coverage),
        overrides=_overrides(file.overrides, words, ("overrides",), problems),
    )


def variants_by(file: ScorecardFile) -> str:
    """What chooses the variant: "stage", "segment", or "" where the card has none."""
    if not file.variants:
        return ""
    return "segment" if set(file.variants) <= set(file.segments) else "stage"


def variants_of(
    file: ScorecardFile,
    own: Variant,
    weightings: Mapping[str, Weighting],
    words: Vocabulary,
    problems: Problems,
) -> dict[str, Variant]:
    """The variants by class, whole; ``weightings`` are those of the classes that have their own."""
    found = {}
    for name, said in file.variants.items():
        where = ("variants", name, "overrides")
        found[name] = Variant(
            name=name,
            bands=own.bands if said.bands is None else _bands(said.bands),
            letters=own.letters if said.letters is None else _letters(said.letters),
            coverage_ppm_min=own.coverage_ppm_min
            if said.minimum_coverage is None
            else _ppm(said.minimum_coverage),
            overrides=own.overrides
            if said.overrides is None
            else _overrides(said.overrides, words, where, problems),
            weighting=weightings.get(name),
        )
    return found


def _ppm(percent: Decimal) -> int:
    return int(percent * 10_000)


def _letters(letters: Mapping[str, Decimal]) -> tuple[tuple[int, str], ...]:
    levels = ((int(level * 100), letter) for letter, level in letters.items())
    return tuple(sorted(levels, reverse=True))


def _bands(bands: Bands) -> BandPolicy:
    green, red = bands.green, bands.red
    return BandPolicy(
        green_enter=int(green.level("enter", ">=") * 100),
        green_leave=int(green.level("leave", "<") * 100),
        red_enter=int(red.level("enter", "<") * 100),
        red_leave=int(red.level("leave", ">=") * 100),
        green_hold_ms=green.hold * 1000,
        red_hold_ms=red.hold * 1000,
    )


def _overrides(
    rules: Mapping[str, Override], words: Vocabulary, where: Where, problems: Problems
) -> tuple[OverrideSpec, ...]:
    found = []
    for name, rule in rules.items():
        when = expression_of(compile_condition, rule.when, words, (*where, name, "when"), problems)
        if when is not None:
            cap = None if rule.cap is None else int(rule.cap * 100)
            says = rule.says or name.replace("_", " ")
            found.append(OverrideSpec(name, when, cap, rule.band == "red", says))
    return tuple(found)
