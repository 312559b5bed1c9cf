"""Global decisions: ``health.control.v1``, one partition, in order. JSON.

The owner of each signals partition copies them into it, so that they take
effect at one place in each customer's log.
"""

from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from schemas.base import Time

__all__ = [
    "CONTROL",
    "ControlRecord",
    "IntakePaused",
    "IntakeResumed",
    "PercentileGroup",
    "PercentilesTaken",
    "ScorecardActivated",
    "SourceResumed",
    "SourceStalled",
    "StateFinalized",
    "Undecided",
    "decision_in",
]


class _Control(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    at: Time
    author: str
    reason: str


class ScorecardActivated(_Control):
    """From here on scores are made with this scorecard."""

    type: Literal["scorecard.activated"] = "scorecard.activated"
    name: str
    version: str
    hash: str = Field(description="sha256 of the text, hexadecimal.")
    text: str = Field(description="The scorecard file, whole.")
    first: bool = Field(
        default=False,
        description="Only if no scorecard is active: of workers that start at once, one activates.",
    )


class SourceStalled(_Control):
    """A source topic is not to be waited for: time goes on without it."""

    type: Literal["source.stalled"] = "source.stalled"
    topic: str


class SourceResumed(_Control):
    """A source topic counts again."""

    type: Literal["source.resumed"] = "source.resumed"
    topic: str


class IntakePaused(_Control):
    """A source topic, or one partition of it, is not read any further.

    It concerns intake alone and changes no customer's state: that the topic is not to
    be waited for is a ``source.stalled`` of its own.
    """

    type: Literal["intake.paused"] = "intake.paused"
    topic: str
    partition: int | None = Field(default=None, ge=0, description="None: the whole topic.")


class IntakeResumed(_Control):
    """Reading goes on where it stood. It takes back the pause of the same topic and partition."""

    type: Literal["intake.resumed"] = "intake.resumed"
    topic: str
    partition: int | None = Field(default=None, ge=0, description="As in the pause.")
    known_to: dict[int, int] = Field(
        default_factory=dict,
        description="Partition to offset: bad records before it were there when somebody decided"
        " to go on, so they are refused as ever and pause nothing again.",
    )


class StateFinalized(_Control):
    """From here on rows are written in this state version: the release before cannot read them."""

    type: Literal["state.finalized"] = "state.finalized"
    version: int = Field(ge=1)


class PercentileGroup(BaseModel):
    """How the values of one measure were spread over the customers of one group."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    measure: str
    segment: str | None = Field(default=None, description="None: all customers.")
    customers: int = Field(ge=0, description="How many of them had a value.")
    cuts: tuple[tuple[int, int], ...] = Field(
        default=(),
        max_length=101,
        description="Values in millionths, ascending, each with its percentile rank in hundredths."
        " Empty where too few customers had a value.",
    )


class PercentilesTaken(_Control):
    """A snapshot of how values are spread: what percentile measures compare with from here on."""

    type: Literal["percentiles.taken"] = "percentiles.taken"
    name: str
    version: str
    hash: str = Field(description="Of the scorecard whose measures these are; no other uses them.")
    groups: tuple[PercentileGroup, ...]


ControlRecord = (
    ScorecardActivated
    | SourceStalled
    | SourceResumed
    | IntakePaused
    | IntakeResumed
    | PercentilesTaken
    | StateFinalized
)

CONTROL: TypeAdapter[ControlRecord] = TypeAdapter(
    Annotated[ControlRecord, Field(discriminator="type")]
)


class Undecided(NamedTuple):
    """A record of the control topic that decides nothing here, and why.

    ``unknown`` is a type of decision that only a newer release knows.
    """

    kind: Literal["unknown", "unreadable"]
    problem: str


def decision_in(body: bytes | None) -> ControlRecord | Undecided:
    """The decision in a record's value; it never raises."""
    try:
        return CONTROL.validate_json(body or b"")
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, problem["loc"]))
    if problem["type"] == "union_tag_invalid":
        return Undecided("unknown", f"this release knows no decision {problem['ctx']['tag']!r}")
    return Undecided(
        "unreadable", f"not a control record: {where}: {problem['msg']}".replace(": :", ":")
    )
