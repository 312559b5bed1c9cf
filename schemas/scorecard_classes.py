"""What a scorecard file says beside the score: classes, indicators, further scores."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from schemas.scorecard_values import Key, Percent, Says, Seconds, Strict

__all__ = ["ArchetypeRule", "Archetypes", "ClassRule", "IndicatorRule", "OtherScore", "Outlook"]


class ClassRule(Strict):
    """A class with its condition, and what people read."""

    when: str = Field(description="A condition, or `otherwise`.")
    label: Annotated[str, StringConstraints(min_length=1, max_length=60)] | None = Field(
        default=None, description="What people call it; its name, if nothing is said."
    )
    says: Says | None = Field(default=None, description="Why, in words.")


class ArchetypeRule(ClassRule):
    """A kind of customer, and the score that is to be expected of it."""

    expects: Literal["high", "medium", "low", "very_low"] | None = Field(
        default=None,
        description="The level of the score to expect: a customer with another is pointed out.",
    )


class Archetypes(Strict):
    """Kinds of customers, in order: the first that matches; else `unclassified`."""

    min_stay: Seconds = Field(default=0, description="A kind, once entered, is kept so long.")
    classes: dict[Key, str | ArchetypeRule] = Field(
        description="Each kind with its condition, the first that is met counts."
    )


class Outlook(Strict):
    """Whether a customer will leave, renew or grow; `leave` is asked first, then `grow`."""

    min_stay: Seconds = Field(default=0, description="An outlook, once entered, is kept so long.")
    leave: str | ClassRule = Field(description="The condition of those who will leave.")
    grow: str | ClassRule = Field(description="The condition of those who will grow.")
    renew: str | ClassRule = Field(
        default="otherwise", description="All others, unless a condition says which."
    )


class IndicatorRule(Strict):
    """A fact of the moment beside the score."""

    when: str = Field(description="A condition, such as `count(payment_failed, 7d) >= 1`.")
    clears_after: Seconds = Field(
        default=0, description="It stays so long after its condition was met last."
    )
    says: Says | None = Field(default=None, description="The fact in words.")


class OtherScore(Strict):
    """A further score of the same measures, with other weights."""

    objective: Annotated[str, StringConstraints(min_length=10, max_length=500)] = Field(
        description="What this score is for, in a sentence."
    )
    weights: dict[Key, Percent] = Field(description="Points per group; they total 100.")
