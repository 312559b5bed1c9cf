"""A record of the signals log into a fold: what can go wrong there, by its exit's name."""

from typing import Any

import msgspec

from schemas import signals
from schemas.signals import LogRecord
from scoring.outputs import Output
from scoring.partition import Gap, PartitionFold
from scoring.versions import NewerState, RowError
from streams.exits import Exit, NamedExit
from streams.settings import Settings

__all__ = ["apply", "decoded"]


def decoded(settings: Settings, partition: int, record: Any) -> LogRecord:
    """What a raw record of the log says.

    Raises:
        NamedExit: CHANGELOG_DAMAGED, if it is none of ours.
    """
    try:
        return signals.decode(record.value or b"")
    except msgspec.MsgspecError as error:
        raise NamedExit(
            Exit.CHANGELOG_DAMAGED,
            f"{_where(settings, partition, record)}: not a record of this log: {error}",
        ) from None


def apply(settings: Settings, fold: PartitionFold, record: Any, said: LogRecord) -> list[Output]:
    """Apply a record that says this; the outputs that it causes, in order.

    Raises:
        NamedExit: GAP, STATE_VERSION, CHANGELOG_DAMAGED.
    """
    try:
        return fold.apply(record.offset, record.timestamp, said)
    except Gap as gap:
        message = f"{settings.topics.name('signals')}: {gap}. Go on with --accept-gap"
        raise NamedExit(Exit.GAP, message) from None
    except NewerState as error:
        where = _where(settings, fold.partition, record)
        message = f"{where}: {error}. Run that release, or a newer one"
        raise NamedExit(Exit.STATE_VERSION, message) from None
    except RowError as error:
        changelog = settings.topics.name("customers")
        raise NamedExit(
            Exit.CHANGELOG_DAMAGED,
            f"{changelog}, met at {_where(settings, fold.partition, record)}: {error}",
        ) from None


def _where(settings: Settings, partition: int, record: Any) -> str:
    return f"{settings.topics.name('signals')} partition {partition} offset {record.offset}"
