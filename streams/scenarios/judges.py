"""What reads an expectation, and judges it: one function for each kind.

A reader gets what is written, as texts, lists and mappings, and raises
``ValueError`` with what was expected. The judge that it returns says what was
found instead, or None.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from schemas.scores import Band, Cause, Contribution
from scoring.card import Card
from scoring.names import near
from scoring.units import Unit
from streams.clock import to_ms
from streams.scenarios.figures import MICRO, Figure, Reader, number, percent, read_range, span_of
from streams.scenarios.moment import Moment
from streams.scenarios.times import ZoneTimes

__all__ = [
    "BANDS",
    "NONE",
    "Judge",
    "Wanted",
    "known_only",
    "of_band",
    "of_because",
    "of_cause",
    "of_coverage",
    "of_letter",
    "of_overrides",
    "of_pending",
    "of_points",
    "of_score",
    "of_shown",
    "of_value",
    "one_of",
    "whole_second",
]

#: What was found instead of what is expected; None: just that was found.
Judge = Callable[[Moment], str | None]
#: The same, of one measure's line.
_LineJudge = Callable[[Contribution], str | None]
NONE = ("none", "~", "null", "")
BANDS = tuple(str(band) for band in Band)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is written for one expectation, and what it may speak of."""

    #: Texts, lists and mappings of texts: as it stands in the file.
    written: Any
    card: Card
    times: ZoneTimes

    @property
    def text(self) -> str:
        """The single value that is written."""
        match self.written:
            case str(text):
                return text.strip()
            case _:
                raise ValueError("expected a single value")

    @property
    def items(self) -> list[str]:
        """The list that is written; a single value is a list of one, ``none`` an empty one."""
        match self.written:
            case str(text):
                return [] if text.strip() in NONE else [text.strip()]
            case list(items) if all(isinstance(item, str) for item in items):
                return items
            case _:
                raise ValueError("expected a list such as [a, b], or none")

    def lines(self) -> tuple[str, ...]:
        """The names of the lines that may move a score."""
        children = [] if self.card.hierarchy is None else ["children"]
        return (*self.card.by_name, *self.card.override_names, "respread", *children)


def known_only(names: Iterable[str], known: Iterable[str], what: str) -> None:
    """Refuse names that the card does not have."""
    for name in names:
        if name not in known:
            raise ValueError(f"the scorecard has no {what} {name!r}{near(name, known)}")


def one_of(text: str, known: Iterable[str]) -> str:
    """One word of several."""
    if text not in known:
        raise ValueError(f"expected one of {', '.join(known)}, got {text!r}")
    return text


def _says(found: str | None, wanted: str | None) -> str | None:
    return None if found == wanted else found or "none"


def _within(text: str, read: Reader, *, down: bool) -> Callable[[int | None], bool]:
    """Whether a value in millionths is as written; None is no data."""
    if text in (*NONE, "no data"):
        return lambda value: value is None
    bounds = read_range(text, read, down=down)
    return lambda value: value is not None and bounds.holds(value)


def of_score(wanted: Wanted) -> Judge:
    """The points."""
    holds = _within(wanted.text, number, down=True)

    def judge(moment: Moment) -> str | None:
        found = moment.health.score
        return None if holds(_micro_points(found)) else _shown_points(found, "none")

    return judge


def _micro_points(hundredths: int | None) -> int | None:
    return None if hundredths is None else hundredths * (MICRO // 100)


def _shown_points(hundredths: int | None, none: str) -> str:
    return none if hundredths is None else f"{hundredths / 100:.2f}"


def of_band(wanted: Wanted) -> Judge:
    """The colour."""
    band = one_of(wanted.text, BANDS)
    return lambda moment: _says(str(moment.health.band), band)


def of_letter(wanted: Wanted) -> Judge:
    """The letter."""
    letter = one_of(wanted.text, (*wanted.card.letter_names, *NONE[:1]))
    return lambda moment: _says(moment.health.letter or "none", letter)


def of_coverage(wanted: Wanted) -> Judge:
    """The share of the scorecard that has data."""
    holds = _within(wanted.text, _of_hundred, down=False)

    def judge(moment: Moment) -> str | None:
        found = moment.health.coverage_ppm
        return None if holds(found) else f"{found / 10_000:g} %"

    return judge


def _of_hundred(text: str) -> Figure:
    """As in scorecards: 60% and 60 are both sixty percent."""
    return percent(text if text.endswith("%") else f"{text}%")


def of_pending(wanted: Wanted) -> Judge:
    """The colour that is pending, and until when."""
    band, _, until = wanted.text.partition(" until ")
    one_of(band, BANDS if until else (*BANDS, "none"))
    until_ms = wanted.times.read_ms(until.strip()) if until else None

    def judge(moment: Moment) -> str | None:
        pending = moment.health.pending
        if pending is None:
            return _says("none", band)
        at_ms = to_ms(pending.at)
        if pending.band == band and until_ms in (None, whole_second(at_ms)):
            return None
        return f"{pending.band} until {wanted.times.words(at_ms)}"

    return judge


def whole_second(ms: int) -> int:
    """Rounded down: times are written to the second."""
    return ms // 1000 * 1000


def of_overrides(wanted: Wanted) -> Judge:
    """The overrides that act, just these."""
    names = wanted.items
    known_only(names, wanted.card.override_names, "override")

    def judge(moment: Moment) -> str | None:
        found = moment.health.overrides
        return None if sorted(found) == sorted(names) else ", ".join(found) or "none"

    return judge


def of_place(kind: str) -> Callable[[Wanted], Judge]:
    """The segment, stage, archetype or outlook that the customer is in."""

    def read(wanted: Wanted) -> Judge:
        classes = getattr(wanted.card, _CLASSES[kind])
        names = [] if classes is None else [one.name for one in classes.classes]
        name = one_of(wanted.text, (*names, "unclassified"))

        def judge(moment: Moment) -> str | None:
            place = getattr(moment.health, kind)
            return _says("unclassified" if place is None else place.name, name)

        return judge

    return read


_CLASSES = {
    "segment": "segments", "stage": "stages", "archetype": "archetypes", "outlook": "outlook",
}  # fmt: skip


def of_indicators(wanted: Wanted) -> Judge:
    """The indicators that are on, just these."""
    names = wanted.items
    known_only(names, [one.name for one in wanted.card.indicators], "indicator")

    def judge(moment: Moment) -> str | None:
        found = [one.name for one in moment.health.indicators]
        return None if sorted(found) == sorted(names) else ", ".join(found) or "none"

    return judge


def of_scores(wanted: Wanted) -> Judge:
    """The further scores of the card."""
    match wanted.written:
        case dict(written) if written:
            known_only(written, [one.name for one in wanted.card.others], "further score")
        case _:
            raise ValueError("expected scores with what is expected, such as {adoption: 40..50}")
    holds = {
        name: _within(replace(wanted, written=one).text, number, down=True)
        for name, one in written.items()
    }

    def judge(moment: Moment) -> str | None:
        found = {one.name: one.score for one in moment.health.scores}
        odd = [
            f"{name}: {_shown_points(found.get(name), 'none')}"
            for name, fits in holds.items()
            if not fits(_micro_points(found.get(name)))
        ]
        return ", ".join(odd) or None

    return judge


def of_cause(wanted: Wanted) -> Judge:
    """The cause of the last told change."""
    cause = one_of(wanted.text, [str(cause) for cause in Cause])

    def judge(moment: Moment) -> str | None:
        return _says(moment.told.cause if moment.told else "nothing was told so far", cause)

    return judge


def of_because(wanted: Wanted) -> Judge:
    """Lines among the movers of the last told change, if it is new."""
    names = wanted.items
    known_only(names, wanted.lines(), "line")

    def judge(moment: Moment) -> str | None:
        if moment.told is None or not moment.told_since:
            return "nothing was told since the expectation before"
        movers = [name for name, _ in moment.told.movers]
        return None if set(names) <= set(movers) else ", ".join(movers) or "no movers"

    return judge


def of_value(wanted: Wanted) -> Judge:
    """Measures' values, in their units."""

    def read(measure: str, text: str) -> _LineJudge:
        unit = wanted.card.by_name[measure].metric.unit
        if unit is Unit.TEXT:
            return lambda line: _says(str(line.value or "no data"), text)
        reader, down = _READERS.get(unit, (number, False))
        holds = _within(text, reader, down=down)

        def judged(line: Contribution) -> str | None:
            found = None if isinstance(line.value, str) else line.value
            value = None if found is None else round(found * MICRO)
            return None if holds(value) else _in_unit(unit, found)

        return judged

    return _of_measures(wanted, read)


def of_points(wanted: Wanted) -> Judge:
    """Measures' own points."""

    def read(_: str, text: str) -> _LineJudge:
        holds = _within(text, number, down=True)

        def judged(line: Contribution) -> str | None:
            found = line.curve_points
            return None if holds(_micro_points(found)) else _shown_points(found, "no data")

        return judged

    return _of_measures(wanted, read)


def _of_measures(wanted: Wanted, read: Callable[[str, str], _LineJudge]) -> Judge:
    """A judge of ``{measure: expected}``."""
    match wanted.written:
        case dict(written) if written:
            known_only(written, wanted.card.by_name, "measure")
        case _:
            raise ValueError("expected measures with what is expected, such as {overdue: 40}")
    judges: dict[str, _LineJudge] = {}
    for measure, one in written.items():
        try:
            judges[measure] = read(measure, replace(wanted, written=one).text)
        except ValueError as error:
            raise ValueError(f"{measure}: {error}") from None

    def judge(moment: Moment) -> str | None:
        lines = {line.name: line for line in moment.health.contributions if line.kind == "measure"}
        found = {
            name: judged(lines[name]) if name in lines else "not scored"
            for name, judged in judges.items()
        }
        return ", ".join(f"{name}: {what}" for name, what in found.items() if what) or None

    return judge


def of_shown(wanted: Wanted) -> Judge:
    """What people read, on the card's scale: of the score, or of lines of it."""
    match wanted.written:
        case dict(written) if written:
            known_only(written, ("score", *wanted.lines()), "line")
        case _:
            raise ValueError("expected what is read, such as {score: 8.0, satisfied: 3.2}")
    texts = {name: replace(wanted, written=one).text for name, one in written.items()}
    scale = wanted.card.shown_as

    def judge(moment: Moment) -> str | None:
        health = moment.health
        found = {"score": scale.score(health.score, health.letter)}
        cut = scale.lines([line.points for line in health.contributions])
        for line, units in zip(health.contributions, cut, strict=True):
            found[line.name] = scale.line(units, plus=line.kind != "measure")
        odd = {name: found.get(name, "none") for name in texts if found.get(name) != texts[name]}
        return ", ".join(f"{name}: {what}" for name, what in odd.items()) or None

    return judge


def _ratio(text: str) -> Figure:
    return percent(text) if text.endswith("%") else number(text)


#: How values of a unit are written, and whether people see them rounded down.
_READERS: Mapping[Unit, tuple[Reader, bool]] = {
    Unit.RATIO: (_ratio, False),
    Unit.DAYS: (span_of(86_400), True),
    Unit.SECONDS: (span_of(1), True),
}


def _in_unit(unit: Unit, value: float | None) -> str:
    if value is None:
        return "no data"
    if unit is Unit.RATIO:
        return f"{round(value * 100, 4):g} %"
    if unit is Unit.DAYS:
        days, hours = divmod(round(value * 24), 24)
        return f"{days}d {hours}h" if hours else f"{days}d"
    return f"{value:g}s" if unit is Unit.SECONDS else f"{value:g}"
