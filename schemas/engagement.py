"""Engagement events: what customers say, and what passes between people.

Topic ``health.engagement.v1``.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Event, Happening, Id, Name, Time

__all__ = [
    "CampaignReacted",
    "CommunityActed",
    "ContactMade",
    "EngagementEvent",
    "FeedbackGiven",
    "GoalChanged",
    "LearningUsed",
    "LifecycleEntered",
    "PulseSet",
    "SiteVisited",
    "StateSet",
    "SurveyAnswered",
]

Rating = Annotated[int | float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]


class SurveyKind(StrEnum):
    """Which question was asked."""

    NPS = "nps"
    CSAT = "csat"
    CES = "ces"


class Sentiment(StrEnum):
    """How a piece of feedback sounds."""

    POSITIVE = "positive"
    NEUTRAL = "neutral"
    NEGATIVE = "negative"


class ContactKind(StrEnum):
    """How people talked."""

    CHECK_IN = "check_in"
    CALL = "call"
    MAIL = "mail"


class Direction(StrEnum):
    """Who began it: ``inbound`` is the customer."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class GoalChange(StrEnum):
    """What happened to a goal or a milestone of the success plan."""

    SET = "set"
    DUE = "due"
    REACHED = "reached"
    DROPPED = "dropped"


class LearningKind(StrEnum):
    """Self-service material."""

    TRAINING = "training"
    HELP_ARTICLE = "help_article"
    TUTORIAL = "tutorial"
    IN_APP_GUIDE = "in_app_guide"


class Pulse(StrEnum):
    """What a person who knows the customer thinks."""

    GOOD = "good"
    UNSURE = "unsure"
    WORRIED = "worried"
    LOST = "lost"


class SurveyAnswered(Happening):
    """A survey was answered, on its own scale (NPS 0-10, CSAT 1-5, CES 1-7 unless stated)."""

    type: Literal["engagement.survey"]
    survey: Annotated[SurveyKind, Field(strict=False)]
    score: Rating
    scale_min: Rating | None = None
    scale_max: Rating | None = None
    respondent: Id | None = None
    comment: Annotated[str, Field(max_length=10_000)] | None = None


class FeedbackGiven(Happening):
    """Somebody said what they think, perhaps of one feature."""

    type: Literal["engagement.feedback"]
    sentiment: Annotated[Sentiment, Field(strict=False)]
    feature: Name | None = None
    respondent: Id | None = None
    comment: Annotated[str, Field(max_length=10_000)] | None = None


class ContactMade(Happening):
    """People talked: a check-in, a call, a mail."""

    type: Literal["engagement.contact"]
    kind: Annotated[ContactKind, Field(strict=False)]
    direction: Annotated[Direction, Field(strict=False)] = Direction.OUTBOUND
    by: Name | None = None
    subject: Name | None = None


class GoalChanged(Happening):
    """A goal or milestone of the success plan was set, fell due, was reached or dropped."""

    type: Literal["engagement.goal"]
    goal_id: Id
    kind: Literal["goal", "milestone"] = "goal"
    change: Annotated[GoalChange, Field(strict=False)]
    title: Name | None = None
    due_at: Time | None = None


class CampaignReacted(Happening):
    """A reaction to a campaign."""

    type: Literal["engagement.campaign"]
    campaign: Name
    reaction: Literal[
        "opened", "clicked", "replied", "registered", "attended", "unsubscribed", "bounced"
    ]
    contact: Id | None = None


class CommunityActed(Happening):
    """Community or social activity."""

    type: Literal["engagement.community"]
    activity: Literal["post", "reply", "like", "mention", "review", "referral"]
    channel: Name | None = None
    sentiment: Annotated[Sentiment, Field(strict=False)] | None = None
    user: Id | None = None


class LearningUsed(Happening):
    """Training, a help article, a tutorial or an in-app guide was used."""

    type: Literal["engagement.learning"]
    kind: Annotated[LearningKind, Field(strict=False)]
    item: Name
    completed: bool = False
    user: Id | None = None


class SiteVisited(Happening):
    """A visit to the public site."""

    type: Literal["engagement.visit"]
    page: Name
    user: Id | None = None


class PulseSet(Event):
    """What a person thinks of the relationship, until it expires."""

    type: Literal["engagement.pulse"]
    pulse: Annotated[Pulse, Field(strict=False)]
    reason: Name
    author: Name
    expires_at: Time | None = None


class StateSet(Event):
    """A state that a person sets, with its reason and its end.

    ``not_pursued`` takes the account off the attention list until ``expires_at`` (180 days
    without one) or ``pursued``. ``handled`` puts it at the list's end until something changes,
    at the latest until ``expires_at``, or until ``not_handled``.
    """

    type: Literal["engagement.state"]
    state: Literal["not_pursued", "pursued", "handled", "not_handled"]
    reason: Name
    author: Name
    expires_at: Time | None = None


class LifecycleEntered(Event):
    """The customer entered a lifecycle stage."""

    type: Literal["engagement.lifecycle"]
    stage: Name


EngagementEvent = (
    SurveyAnswered
    | FeedbackGiven
    | ContactMade
    | GoalChanged
    | CampaignReacted
    | CommunityActed
    | LearningUsed
    | SiteVisited
    | PulseSet
    | StateSet
    | LifecycleEntered
)
