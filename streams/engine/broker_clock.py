"""Whether this machine's clock agrees with the broker's.

Ticks from a wrong clock would let time run ahead or stand still for everybody.
The broker stamps records of the signals log itself; an answer tells its time.
"""

import logging
from collections.abc import Iterable
from typing import Any

__all__ = ["OFFSET_MS_MAX", "BrokerClock"]

log = logging.getLogger(__name__)

#: A worker whose clock is further off writes no ticks.
OFFSET_MS_MAX = 30_000
#: Kafka's number for a time stamp that the broker made.
LOG_APPEND_TIME = 1


class BrokerClock:
    """How far this clock is off, from the last answer."""

    def __init__(self, *, stamps: bool = True) -> None:
        self.offset_ms = 0
        #: Whether the broker stamps at all: the embedded one's stamp is a constant of 1970.
        self._stamps = stamps

    def answered(self, sent_ms: int, answers: Iterable[Any], answered_ms: int) -> None:
        """Look at the stamps in the producer's answers (``RecordMetadata``)."""
        for answer in answers:
            if self._stamps and answer.timestamp_type == LOG_APPEND_TIME:
                self.observe(sent_ms, answer.timestamp, answered_ms)

    def observe(self, sent_ms: int, stamped_ms: int, answered_ms: int) -> None:
        """An append sent and answered by our clock, stamped by the broker's in between."""
        was = self.trusted
        early, late = stamped_ms - answered_ms, stamped_ms - sent_ms
        self.offset_ms = 0 if early <= 0 <= late else min(early, late, key=abs)
        if was and not self.trusted:
            log.error(
                "the clock is %.1f s off the broker's: no ticks are written until it is right",
                self.offset_ms / 1000,
            )

    @property
    def trusted(self) -> bool:
        """Whether ticks may be written by this clock."""
        return abs(self.offset_ms) <= OFFSET_MS_MAX
