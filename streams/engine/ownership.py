"""Whether this process may still write for the partitions it believes it owns.

A frozen process that wakes does not know that others took over. The *lease* is
renewed only by a heartbeat that the coordinator confirmed, timed from when it
was sent, on a clock that goes on while the process is frozen; it is shorter
than the session timeout. It is checked before every write, and a process whose
lease ran out ends instead of writing.

A lease alone does not stop batches that were already queued: for the changelog
fencing does (:mod:`streams.engine.fencing`). What else a process writes that has
lost its partitions is harmless: outputs and ticks are functions of the log.
"""

from streams.clock import Clock
from streams.exits import Exit, NamedExit

__all__ = ["Lease"]

#: Of the session timeout, how much a lease lasts.
SHARE = 0.8


class Lease:
    """Permission to write, renewed by confirmed heartbeats."""

    def __init__(self, clock: Clock, session_timeout_s: float) -> None:
        self._clock = clock
        self._lasts_s = session_timeout_s * SHARE
        self._renewed_s: float | None = None

    def renew(self, sent_s: float) -> None:
        """A heartbeat sent at ``sent_s`` (elapsed seconds) was confirmed."""
        if self._renewed_s is None or sent_s > self._renewed_s:
            self._renewed_s = sent_s

    def begin(self) -> None:
        """Partitions were assigned just now: the coordinator knows us."""
        self.renew(self._clock.elapsed_s())

    def left_s(self) -> float:
        """Seconds until the lease runs out; negative when it has."""
        if self._renewed_s is None:
            return 0.0
        return self._renewed_s + self._lasts_s - self._clock.elapsed_s()

    def check(self) -> None:
        """Pass while the lease holds.

        Raises:
            NamedExit: OWNERSHIP_LOST, when it has run out.
        """
        if self._renewed_s is not None and self.left_s() <= 0:
            raise NamedExit(
                Exit.OWNERSHIP_LOST,
                f"no heartbeat was confirmed for {self._lasts_s - self.left_s():.1f} s:"
                " others may own these partitions now. Nothing was written; start again",
            )
