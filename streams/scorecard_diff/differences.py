"""What two cards say differently, in words.

Cards are compared by their pages: what a page shows is compared, and nothing
that it does not. So a new concept of the card needs nothing here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from streams.scorecard_pages.page import BandShown, Fact, MeasureShown, Page, Section
from streams.scorecard_pages.wording import weights_in_words

__all__ = ["Difference", "differences"]

#: What a page says: subject (a measure, a band, a section), aspect, words.
Said = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs; ``before`` None: only the second card has it, ``after`` the first."""

    where: str
    before: str | None
    after: str | None

    @property
    def says(self) -> str:
        """The difference as a sentence."""
        if self.before is None:
            return f"{self.where}: new: {self.after}"
        if self.after is None:
            return f"{self.where}: no longer there; it was: {self.before}"
        return f"{self.where}: {self.after}; before: {self.before}"


def differences(before: Page, after: Page) -> tuple[Difference, ...]:
    """What differs, in the order of the second card's page; what is gone, after its neighbour.

    A subject that only one card has is one difference, whatever it says.
    """
    was, now = _said(before), _said(after)
    found: list[Difference] = []
    for subject in _merged(was, now):
        if subject not in was:
            found.append(Difference(subject, None, _whole(now[subject])))
        elif subject not in now:
            found.append(Difference(subject, _whole(was[subject]), None))
        else:
            found += _aspects(subject, was[subject], now[subject])
    return tuple(found)


def _aspects(subject: str, was: Mapping[str, str], now: Mapping[str, str]) -> list[Difference]:
    return [
        Difference(f"{subject} · {aspect}", was.get(aspect), now.get(aspect))
        for aspect in _merged(was, now)
        if was.get(aspect) != now.get(aspect)
    ]


def _whole(said: Mapping[str, str]) -> str:
    return "; ".join(f"{aspect.lower()}: {words}" for aspect, words in said.items())


def _said(page: Page) -> Said:
    """Everything that a page says."""
    said = {
        "Scorecard": {"Name": page.name, "Version": page.version, **_facts(page.about)},
        "Weights": {
            group.label: weights_in_words(page.weightings, group.weights_ppm)
            for group in page.groups
        },
    }
    said |= {f"Measure {each.label}": _measure(each, page.weightings) for each in page.measures}
    said |= {f"Colour {band.label}": _band(band) for band in page.bands}
    return said | {section.title: _section(section) for section in page.sections}


def _section(section: Section) -> dict[str, str]:
    """The facts of a section, and the rows of its table by their first cells."""
    said, table = _facts(section.facts), section.table
    if table is None:
        return said
    rows = {
        row[0]: ", ".join(
            f"{name.lower()} {cell}"
            for name, cell in zip(table.head[1:], row[1:], strict=True)
            if cell
        )
        for row in table.rows
    }
    return said | rows


def _measure(measure: MeasureShown, weightings: Sequence[str]) -> dict[str, str]:
    return {
        "Looks at": f"{measure.looks_at} [{measure.metric}]",
        "Group": measure.group,
        "Weight": f"{weights_in_words(weightings, measure.weights_ppm)} of the score",
        "Points": measure.curve,
        "Without data": measure.without_data,
        **_facts(measure.notes),
    }


def _band(band: BandShown) -> dict[str, str]:
    steps = {f"Step {number}": each for number, each in enumerate(band.playbook, 1)}
    return {**_facts(band.facts), **steps}


def _facts(facts: Iterable[Fact]) -> dict[str, str]:
    """Facts in words; where a condition stands beside them, it is told as well."""
    return {fact.name: f"{fact.says} [{fact.code}]" if fact.code else fact.says for fact in facts}


def _merged(was: Iterable[str], now: Iterable[str]) -> list[str]:
    """All names of both sides: in the second's order, the first's own after their neighbour."""
    merged = list(now)
    place = 0
    for name in was:
        if name in merged:
            place = merged.index(name) + 1
        else:
            merged.insert(place, name)
            place += 1
    return merged
