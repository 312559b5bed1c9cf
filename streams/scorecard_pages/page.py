"""What a scorecard's page holds: groups of measures, bands, sections of facts, an example.

Plain texts and numbers: renderers know nothing of cards, metrics or units.
Points are hundredths, weights are millionths of the whole card.
"""

from dataclasses import dataclass

from streams.scorecard_pages.drawing import Drawing

__all__ = [
    "BandShown",
    "Example",
    "ExampleLine",
    "Fact",
    "GroupShown",
    "MeasureShown",
    "Page",
    "Section",
    "Table",
    "Zone",
]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that the card says: its name, what it says in words, the same as it is written."""

    name: str
    says: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; a row's first cell names it. Columns in ``code`` show what is written."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    code: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Section:
    """Facts under a title. Titles and names of facts are stable: cards are compared by them."""

    title: str
    intro: str
    facts: tuple[Fact, ...]
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class MeasureShown:
    """One measure: what it looks at, and what becomes of a value.

    ``weights_ppm`` has a weight for each of the page's weightings. ``texts`` are, of a
    measure of texts, each with its points; such a one has no drawing.
    """

    name: str
    label: str
    group: str
    weights_ppm: tuple[int, ...]
    looks_at: str
    metric: str
    curve: str
    drawing: Drawing | None
    texts: tuple[tuple[str, str], ...]
    without_data: str
    notes: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupShown:
    """Measures that share a weight; ``depth`` 1 and more: a group within another.

    ``name`` is its path with dots, ``label`` the same for people: "Usage › Adoption".
    """

    name: str
    label: str
    depth: int
    weights_ppm: tuple[int, ...]
    measures: tuple[MeasureShown, ...]


@dataclass(frozen=True, slots=True)
class Zone:
    """A stretch of the scale from 0 to 100 points; ``kept``: the band stays, but is not entered."""

    band: str
    start: int
    end: int
    kept: bool


@dataclass(frozen=True, slots=True)
class BandShown:
    """A band: when it is entered and left, and what a person should do in it.

    ``playbook`` holds the steps that the card itself names; most name none.
    """

    name: str
    label: str
    facts: tuple[Fact, ...]
    to_do: str
    playbook: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExampleLine:
    """One line of the worked example; ``curve_points`` None where it is not a measure's."""

    name: str
    value: str
    curve_points: int | None
    weight_ppm: int
    points: int


@dataclass(frozen=True, slots=True)
class Example:
    """A made-up customer, scored: its lines add up to the score exactly.

    ``where`` says which segment and stage chose its weights; empty where there are none.
    """

    lines: tuple[ExampleLine, ...]
    score: int | None
    band: str
    letter: str | None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A whole scorecard, ready to be rendered or compared.

    ``weightings`` names what chooses the weights: stages or segments; a single empty name
    where all customers have the same. ``weighted_by`` says which of the two.
    """

    name: str
    version: str
    hash: str
    objective: str
    about: tuple[Fact, ...]
    weighted_by: str
    weightings: tuple[str, ...]
    groups: tuple[GroupShown, ...]
    bands: tuple[BandShown, ...]
    zones: tuple[Zone, ...]
    sections: tuple[Section, ...]
    example: Example

    @property
    def short_hash(self) -> str:
        """The part of the hash that commands and rows show."""
        return self.hash[:16]

    @property
    def measures(self) -> tuple[MeasureShown, ...]:
        """All measures, group by group."""
        return tuple(measure for group in self.groups for measure in group.measures)
