"""The sections of a page about variants: how customers of some classes are judged."""

from collections.abc import Iterator

from schemas.scorecard import ScorecardFile, Variant
from schemas.scores import Band
from scoring import variants
from scoring.bands import BandPolicy
from scoring.card import Card, OverrideSpec
from streams.api.shown import label
from streams.scorecard_pages.expressions import Expressions
from streams.scorecard_pages.page import Fact, Section
from streams.scorecard_pages.wording import listed, percent, points, sentence, span

__all__ = ["hold_in_words", "override_fact", "variants_of"]

_CLASSES = {"segment": "segment", "stage": "lifecycle stage"}


def variants_of(card: Card, file: ScorecardFile, expressions: Expressions) -> Iterator[Section]:
    """A section for each variant, with what it says itself."""
    kind = _CLASSES.get(card.variants_by, "")
    for name, said in file.variants.items():
        yield Section(
            f"Only for {kind} {label(name)}",
            "What holds for these customers in place of what the rest of this page says.",
            tuple(_facts(card, said, card.variants[name], expressions)),
        )


def _facts(
    card: Card, said: Variant, found: variants.Variant, expressions: Expressions
) -> Iterator[Fact]:
    if found.weighting is not None:
        weights = zip(card.groups, found.weighting.groups, strict=True)
        yield Fact(
            "Weights", listed(f"{label(n)} {percent(w)}" for n, w in weights if "." not in n)
        )
    if said.minimum_coverage is not None:
        yield Fact("Least coverage", f"{percent(found.coverage_ppm_min)} of the weight needs data")
    if said.bands is not None:
        yield from _bands(found.bands)
    if said.letters is not None:
        letters = (f"{letter} from {points(level)} points on" for level, letter in found.letters)
        yield Fact("Letters", listed(letters))
    if said.overrides is not None:
        yield from (override_fact(one, expressions) for one in found.overrides)
        if not found.overrides:
            yield Fact("What decides by itself", "nothing")


def _bands(policy: BandPolicy) -> Iterator[Fact]:
    green, red = points(policy.green_enter), points(policy.red_enter)
    yield Fact(
        "Green",
        f"entered at {green} points or more{hold_in_words(policy, Band.GREEN)};"
        f" left below {points(policy.green_leave)}",
    )
    yield Fact(
        "Red",
        f"entered below {red} points{hold_in_words(policy, Band.RED)};"
        f" left at {points(policy.red_leave)} or more",
    )


def hold_in_words(policy: BandPolicy, band: Band) -> str:
    """How long a band is asked for before it is entered, behind a comma."""
    hold_s = policy.hold_ms(band) // 1000
    return f", once the score has stayed there for {span(hold_s)}" if hold_s else ", at once"


def override_fact(override: OverrideSpec, expressions: Expressions) -> Fact:
    """An override: when it acts, and what it does."""
    effects = []
    if override.cap is not None:
        effects.append(f"the score is at most {points(override.cap)}")
    if override.red:
        effects.append("the colour is red, whatever the score")
    when = sentence(expressions.condition(override.when.text))
    says = f"{when}: {listed(effects)}. People read: “{override.says}”"
    return Fact(label(override.name), says, override.when.text)
