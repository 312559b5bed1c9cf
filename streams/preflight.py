"""What must hold before a worker begins: checked once, however many processes there will be."""

from datetime import datetime

from schemas.base import parse_time
from streams.clock import to_ms
from streams.engine.topics import create_topics, require_topics
from streams.exits import Exit, NamedExit
from streams.scorecards import read_card, shipped_card
from streams.settings import Settings

__all__ = ["as_of_ms", "check_worker"]


def as_of_ms(settings: Settings) -> int | None:
    """The instant of the last tick in event-time mode.

    Raises:
        NamedExit: exit code 2, if it is not a time.
    """
    if settings.as_of is None:
        return None
    try:
        at: datetime = parse_time(settings.as_of)
    except ValueError as error:
        raise NamedExit(Exit.USAGE, f"--as-of {settings.as_of}: {error}") from None
    return to_ms(at)


def check_worker(settings: Settings) -> int:
    """Check what a worker needs; the number of the signals log's partitions.

    Raises:
        NamedExit: if a scorecard is wrong, no broker answers, or a topic is not as it must be.
    """
    read_card(settings.scorecard or shipped_card())
    as_of_ms(settings)
    if settings.broker_embedded:
        create_topics(settings)
    return require_topics(settings)
