"""What the scorer says: score changes and crossed lines, as CloudEvents 1.0.

Both are JSON in structured mode (``content-type:
application/cloudevents+json``), keyed by customer id, on a partition equal to
the customer's signals partition. ``id`` is ``<customer>/<epoch>-<sequence>``:
the same output sent again after a crash carries the same id and the same body,
so a consumer drops it by id, or by a (epoch, sequence) that is not greater than
the last one it saw for that customer.

All scores and points are integers in hundredths: 7142 is 71.42.
"""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.base import Time

__all__ = [
    "Band",
    "Cause",
    "CloudEvent",
    "Contribution",
    "EventRef",
    "GroupMover",
    "Health",
    "Mark",
    "Mover",
    "ScoreChanged",
    "ScoreChangedData",
    "ScorecardRef",
    "ShownAs",
    "Transition",
    "TransitionData",
]


class Band(StrEnum):
    """The colour; ``unknown`` while too little of the scorecard has data."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """Why a score changed. The last four message nobody individually."""

    EVENT = "event"
    TIME = "time"
    CORRECTION = "correction"
    FIRST = "first"
    SCORECARD = "scorecard"
    PERCENTILES = "percentiles"


class _Out(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class EventRef(_Out):
    """An inbound event, by what makes it unique."""

    source: str
    id: str
    at: Time | None = Field(default=None, description="Its own time, when it happened.")


class Contribution(_Out):
    """One line of the score. The lines' points add up to the score exactly.

    ``kind`` is ``measure``, ``respread`` (the weight of measures without data,
    spread over those that have some), ``override`` (a cap) or ``children`` (what the accounts
    below give; ``value`` is how many they are).
    """

    name: str
    kind: Literal["measure", "respread", "override", "children"] = "measure"
    group: str | None = None
    value: float | str | None = Field(
        default=None, description="The metric's value, None without data."
    )
    curve_points: int | None = Field(
        default=None, description="The measure's own score, 0-10000 hundredths; None without data."
    )
    weight_ppm: int = Field(
        default=0, description="Nominal share of the whole card, in millionths."
    )
    points: int = Field(description="Signed hundredths of a point in the total.")
    says: str | None = Field(default=None, description="The value in words, for people.")
    frozen_since: Time | None = Field(
        default=None, description="Its source is stalled since then; the value is of that instant."
    )
    frozen_until: Time | None = Field(
        default=None, description="Then there is no data, if the source does not come back."
    )


class PendingBand(_Out):
    """A band that will be entered if things stay as they are."""

    band: Band
    since: Time
    at: Time


class BandLimit(_Out):
    """Where the present band ends: at this score another one is asked for."""

    band: Band
    operator: Literal[">=", "<"]
    score: int


class GroupPoints(_Out):
    """What the measures of a group contribute; a group within another has a path with dots."""

    name: str
    weight_ppm: int
    points: int


class Place(_Out):
    """The class a customer is in: a segment, a stage, an archetype, an outlook."""

    name: str
    label: str
    since: Time
    says: str = Field(default="", description="Why, in words.")
    disagrees: str | None = Field(
        default=None,
        description="Of an archetype: how the score differs from what is expected of it.",
    )


class IndicatorOn(_Out):
    """A fact of the moment beside the score."""

    name: str
    says: str
    since: Time
    until: Time | None = Field(
        default=None, description="When it goes off, if its condition is met no more."
    )


class OtherScore(_Out):
    """A further score of the same measures, with other weights."""

    name: str
    score: int | None
    letter: str | None
    coverage_ppm: int
    contributions: tuple[Contribution, ...] = ()


class WayStep(_Out):
    """One measure to move: to so many points of its own, which this value gives."""

    name: str
    curve_points: int
    value: float | str | None = None
    says: str


class Way(_Out):
    """The cheapest way to green among the measures that can be moved."""

    reachable: bool
    score: int = Field(description="What it gives, in hundredths: green, or the best reachable.")
    steps: tuple[WayStep, ...]


class Coming(_Out):
    """A change that comes by itself if nothing happens."""

    band: Band
    at: Time
    score: int | None
    about: bool = Field(
        default=False,
        description="The days were looked at in steps: one may come, and go again, before it.",
    )


class Mark(_Out):
    """A state that a person set."""

    since: Time
    author: str
    reason: str
    until: Time | None = Field(
        default=None, description="When it ends by itself; None: when something changes."
    )


class Health(_Out):
    """A customer's health at one instant."""

    score: int | None = Field(
        description="0-10000 hundredths; None when the band is unknown for lack of data."
    )
    band: Band
    letter: str | None
    coverage_ppm: int = Field(
        description="Share of the card's weight that had data, in millionths."
    )
    contributions: tuple[Contribution, ...]
    groups: tuple[GroupPoints, ...] = ()
    overrides: tuple[str, ...] = ()
    limits: tuple[BandLimit, ...] = Field(
        default=(), description="Where the present band ends; empty while it is unknown."
    )
    pending: PendingBand | None = None
    segment: Place | None = None
    stage: Place | None = None
    archetype: Place | None = None
    outlook: Place | None = None
    indicators: tuple[IndicatorOn, ...] = ()
    scores: tuple[OtherScore, ...] = ()
    way_to_green: Way | None = None
    next_crossing: Coming | None = Field(
        default=None,
        description="The next other band if nothing happens, within 400 days. None: there is none,"
        " or nobody looked, since too many customers were scored at once.",
    )
    next_told: Coming | None = Field(
        default=None, description="The next change that will be told if nothing happens."
    )
    not_pursued: Mark | None = None
    handled: Mark | None = None


class Mover(_Out):
    """What one line did to the change. The movers' deltas add up to the score's delta exactly."""

    name: str
    kind: Literal["measure", "respread", "override", "children"] = "measure"
    group: str | None = Field(default=None, description="The path of its group; of no group: None.")
    delta: int
    events: tuple[EventRef, ...] = Field(
        default=(),
        description="The latest events since the last score told that fed it, newest first.",
    )


class GroupMover(_Out):
    """What the measures of a group did to the change; a group within another has a dotted path.

    The groups at the top and the movers of no group add up to the score's delta exactly.
    """

    name: str
    delta: int


class ShownAs(_Out):
    """How people see the score; the figures beside it are always hundredths of 0-100."""

    scale: Literal["0-100", "0-10", "percent", "letter"] = "0-100"
    decimals: int = 0
    lead_with: Literal["colour", "points", "letter"] = "colour"


class ScorecardRef(_Out):
    """Which scorecard made a score."""

    name: str
    version: str
    hash: str
    shown_as: ShownAs = ShownAs()


class ScoreChangedData(_Out):
    """A customer's score before and after."""

    customer_id: str
    customer_name: str | None = None
    epoch: int = Field(description="Milliseconds; when the customer's state began.")
    sequence: int = Field(description="1, 2, 3 ... without gaps within an epoch.")
    scorecard: ScorecardRef
    cause: Cause
    before: Health | None
    after: Health
    delta: int | None = Field(description="Hundredths; None where either side has no score.")
    movers: tuple[Mover, ...] = Field(description="Largest first.")
    groups: tuple[GroupMover, ...] = Field(default=(), description="The same, by group.")
    because: str = Field(description="One sentence for people.")
    events: tuple[EventRef, ...] = Field(description="The events that moved it most, newest first.")
    next_change_at: Time | None = Field(
        default=None, description="When the score can change next if nothing happens."
    )
    attributes: dict[str, str | int | bool] = Field(
        default_factory=dict,
        description="Account facts for lists and routing: owner, mrr_minor, ...;"
        " `mrr_reporting_minor` is the MRR in the card's currency, `reporting_currency`.",
    )


class TransitionData(_Out):
    """A customer crossed a line: its band changed."""

    customer_id: str
    customer_name: str | None = None
    epoch: int
    sequence: int = Field(description="The sequence of the score change that crossed the line.")
    scorecard: ScorecardRef
    cause: Cause
    line: Literal["band"] = "band"
    before: Band | None
    after: Band
    score_before: int | None
    score_after: int | None
    because: str
    movers: tuple[Mover, ...]
    groups: tuple[GroupMover, ...] = ()
    events: tuple[EventRef, ...]
    contributions: tuple[Contribution, ...]
    attributes: dict[str, str | int | bool] = Field(default_factory=dict)
    not_pursued: Mark | None = Field(
        default=None, description="A person decided not to work on this account: message nobody."
    )


class CloudEvent(_Out):
    """The envelope of what is told to the world."""

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str = Field(description="URI reference of this scorer: `/vitals/<prefix>scores`.")
    subject: str = Field(description="What it is about: the customer id.")
    time: Time
    datacontenttype: Literal["application/json"] = "application/json"


class ScoreChanged(CloudEvent):
    """CloudEvent on ``health.scores.v1``."""

    type: Literal["customer.health_score_changed"] = "customer.health_score_changed"
    data: ScoreChangedData


class Transition(CloudEvent):
    """CloudEvent on ``health.transitions.v1``."""

    type: Literal["customer.health_band_changed"] = "customer.health_band_changed"
    data: TransitionData
