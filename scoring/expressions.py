"""The expressions of a card: each with the words that its place may use, errors with their place.

A name that means something elsewhere is refused with what to do instead: definitions
cannot go in a circle, since each section reads only what is found out before it. The
order: segments, lifecycle stages, measures, overrides, the score with its band and
letter, indicators, archetypes, the outlook.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from schemas.scorecard import ActionPoints, ScorecardFile
from scoring.actions import Action
from scoring.calendar import Calendar, parse_working_days, parse_zone
from scoring.events import count_series
from scoring.fields import FIELDS
from scoring.language.syntax import LanguageError
from scoring.metrics import Metric, known_text
from scoring.money import Rates, RatesError, parse_rates
from scoring.names import near
from scoring.shapes import Problems
from scoring.terms import Term
from scoring.things import THINGS
from scoring.units import MICRO
from scoring.vocabulary import Vocabulary

__all__ = [
    "Where",
    "expression_of",
    "of_conditions",
    "of_measures",
    "of_outlook",
    "of_segments",
    "of_stages",
    "vocabulary_of",
]

#: A path of keys in the file.
Where = tuple[str, ...]
_JUDGED = ("score", "band", "letter", "archetype", "outlook")


def expression_of(
    compiled: Callable[[str, Vocabulary], Metric],
    text: str,
    words: Vocabulary,
    where: Where,
    problems: Problems,
) -> Metric | None:
    """A metric or condition; what is wrong with it is added to ``problems``."""
    try:
        return compiled(text, words)
    except LanguageError as error:
        if not error.message:
            return None  # what it names is wrong itself, which is said where it stands
        found = text[error.at : error.at + error.length]
        at = f" (at {found!r})" if found and found != text.strip() else ""
        problems.append((where, f"{error.message}{at}"))
        return None


def vocabulary_of(file: ScorecardFile, problems: Problems) -> Vocabulary:
    """The card's currency, its calendar and its tables of points."""
    return Vocabulary(
        rates=_rates(file, problems),
        actions=_actions(file, problems),
        calendar=_calendar(file, problems),
    )


def _rates(file: ScorecardFile, problems: Problems) -> Rates | None:
    if file.money is None:
        return None
    try:
        return parse_rates(file.money.rates, file.money.currency)
    except RatesError as error:
        problems += [(("money", "rates", *where), what) for where, what in error.problems]
        return Rates(file.money.currency, {})  # what needs money is not wrong besides


def _calendar(file: ScorecardFile, problems: Problems) -> Calendar | None:
    told = file.calendar
    if told is None:
        return None
    zone, days = parse_zone("UTC"), frozenset(range(5))  # what needs a calendar is not wrong too
    try:
        zone = parse_zone(told.zone)
    except ValueError as error:
        problems.append((("calendar", "zone"), str(error)))
    try:
        days = parse_working_days(told.working_days)
    except ValueError as error:
        problems.append((("calendar", "working_days"), str(error)))
    return Calendar(zone, days, told.holidays == "account.country")


def _actions(file: ScorecardFile, problems: Problems) -> dict[str, dict[str, Action]]:
    tables: dict[str, dict[str, Action]] = {}
    for table, actions in file.actions.items():
        tables[table] = {}
        if not actions:
            what = "expected at least one action, such as tutorial: 5"
            problems.append((("actions", table), what))
        for name, given in actions.items():
            if name not in THINGS:
                hint = f"; {name} is a field" if name in FIELDS else near(name, THINGS)
                problems.append((("actions", table, name), f"no thing named {name!r}{hint}"))
                continue
            entry = given if isinstance(given, ActionPoints) else ActionPoints(points=given)
            points = int(entry.points * MICRO)
            tables[table][name] = Action(count_series(name), points, entry.per_day)
    return tables


# -- what each section may name --------------------------------------------------------------------


def of_segments(words: Vocabulary, measures: Iterable[str]) -> Vocabulary:
    """What the conditions of segments may name."""
    withheld = _not_yet("segments", ("lifecycle", *_JUDGED), measures)
    withheld["segment"] = "a segment cannot look at another: write its condition here"
    return replace(words, withheld=withheld)


def of_stages(words: Vocabulary, measures: Iterable[str], segments: Iterable[str]) -> Vocabulary:
    """What the conditions of lifecycle stages may name: the segment too."""
    names, classes = _classes(segments, ())
    withheld = _not_yet("lifecycle stages", _JUDGED, measures)
    withheld["lifecycle"] = "a stage cannot look at another: write its condition here"
    return replace(words, names=names, classes=classes, withheld=withheld)


def of_measures(
    words: Vocabulary, measures: Iterable[str], segments: Iterable[str], stages: Iterable[str]
) -> Vocabulary:
    """What metrics may name: nothing of the card; the class chooses a value with ``by``."""
    _, classes = _classes(segments, stages)
    withheld = dict.fromkeys(measures, "a measure cannot look at another: write its metric here")
    withheld |= {name: f"a measure cannot look at the {name}, which is made of it"
                 for name in _JUDGED}  # fmt: skip
    for kind in ("segment", "lifecycle"):
        withheld[kind] = f"the {kind} has no value: by({kind}, CLASS: VALUE, ...) picks one by it"
    return replace(words, classes=classes, withheld=withheld)


def of_conditions(
    words: Vocabulary,
    measures: Mapping[str, Term],
    segments: Iterable[str],
    stages: Iterable[str],
    wrong: Iterable[str] = (),
) -> Vocabulary:
    """What overrides, indicators and archetypes may name: the measures and the classes.

    ``wrong`` are measures whose metric has no meaning.
    """
    names, classes = _classes(segments, stages)
    withheld = {name: f"only the outlook can look at the {name}"
                for name in ("band", "letter", "archetype")}  # fmt: skip
    withheld["score"] = "the score has no name: the outlook can look at the band and the letter"
    withheld["outlook"] = "nothing can look at the outlook: it is found out last"
    withheld |= dict.fromkeys(wrong, "")
    return replace(words, names={**measures, **names}, classes=classes, withheld=withheld)


def of_outlook(words: Vocabulary) -> Vocabulary:
    """What the outlook may name besides: the archetype, the band and the letter."""
    said = {name: known_text(name) for name in ("archetype", "band", "letter")}
    withheld = {
        "score": "the score has no name: compare the band or the letter",
        "outlook": "the outlook cannot look at itself",
        **{name: "" for name, why in words.withheld.items() if not why},
    }
    return replace(words, names={**words.names, **said}, withheld=withheld)


def _classes(
    segments: Iterable[str], stages: Iterable[str]
) -> tuple[dict[str, Term], dict[str, tuple[str, ...]]]:
    """The names for the segment and the stage where a card has any, and their classes."""
    names: dict[str, Term] = {}
    classes: dict[str, tuple[str, ...]] = {}
    for name, known_as, found in (("segment", "segment", segments), ("lifecycle", "stage", stages)):
        told = tuple(found)
        if told:
            names[name], classes[name] = known_text(known_as), told
    return names, classes


def _not_yet(who: str, judged: Iterable[str], measures: Iterable[str]) -> dict[str, str]:
    """A message for each name that is not known yet."""
    found = dict.fromkeys(measures, f"{who} are found out before the measures: write its metric")
    return found | {
        name: f"{who} cannot look at the {name}: they are found out before it" for name in judged
    }
