"""What is known of a customer at one instant: its exact health, and what was told of it."""

from dataclasses import dataclass

from schemas.scores import Band, Health, Transition
from scoring.card import Card
from scoring.emission import exact
from scoring.emitted import Emitted
from scoring.evaluate import Assessment, assess
from scoring.moment import Moment as Instant
from scoring.outputs import health_of
from scoring.partition import PartitionFold
from scoring.row import Customer
from streams.clock import to_ms
from streams.outreach.decide import Reason, decide

__all__ = ["Crossing", "Moment", "Told", "crossing_of", "moment_of"]


@dataclass(frozen=True, slots=True)
class Crossing:
    """A line that was crossed, and whether somebody would be told of it."""

    before: Band
    after: Band
    told: bool


@dataclass(frozen=True, slots=True)
class Told:
    """The last score change that was told to the world."""

    at_ms: int
    cause: str
    because: str
    delta: int | None
    movers: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """A customer at an instant, and what happened since the expectation before."""

    at_ms: int
    health: Health
    #: When the score can change next if nothing happens.
    next_ms: int | None
    told: Told | None
    #: Whether ``told`` is younger than the expectation before.
    told_since: bool
    #: The crossings since the expectation before.
    crossings: tuple[Crossing, ...]
    #: The groups with measures that are frozen, because a source that feeds them has stopped.
    frozen: tuple[str, ...] = ()
    #: How many sources stopped since the expectation before.
    stopped: int = 0


def crossing_of(transition: Transition) -> Crossing | None:
    """The crossing in a transition; None for a customer's very first colour."""
    data = transition.data
    if data.before is None:
        return None
    decisions = decide(transition, ("scenario",), to_ms(transition.time))
    told = any(decision.reason is Reason.SEND for decision in decisions)
    return Crossing(data.before, data.after, told)


def moment_of(
    fold: PartitionFold,
    customer_id: str,
    card: Card,
    now_ms: int,
    *,
    sequence: int,
    crossings: tuple[Crossing, ...],
    stopped: int = 0,
) -> Moment:
    """The customer at ``now_ms``; ``sequence`` is that of the last change told before."""
    customer = fold.customer(customer_id)
    assert customer is not None, "a scenario begins with the account's first event"
    at = fold.moment(customer, now_ms)
    assessment = assess(customer.state, customer.past, card, at, customer.sums)
    return Moment(
        now_ms,
        _health(customer, assessment, card),
        assessment.next_ms,
        _told(customer.emitted),
        customer.sequence > sequence,
        crossings,
        _frozen(card, fold.moment(customer, now_ms)),
        stopped,
    )


def _frozen(card: Card, instant: Instant) -> tuple[str, ...]:
    """The groups of measures that keep their value; beyond the card's limit they have none."""
    since = ((one.group, instant.frozen_since(one.metric.kinds)) for one in card.measures)
    ends_ms = instant.now_ms - card.freeze_ms_max
    return tuple(dict.fromkeys(group for group, at in since if at is not None and at > ends_ms))


def _health(customer: Customer, assessment: Assessment, card: Card) -> Health:
    """The health that the contract knows, as of the evaluation: to the hundredth, told or not."""
    if customer.emitted is None:
        return Health(score=None, band=Band.UNKNOWN, letter=None, coverage_ppm=0, contributions=())
    return Health.model_validate(health_of(exact(customer.emitted, assessment, card), card))


def _told(emitted: Emitted | None) -> Told | None:
    if emitted is None:
        return None
    movers = tuple((name, delta) for name, _, delta in emitted.movers)
    return Told(emitted.at_ms, emitted.cause, emitted.because, emitted.delta, movers)
