"""When a message is tried again. The policy stands here; its state is the log's line."""

import zlib
from dataclasses import dataclass

__all__ = ["STANDARD", "Backoff"]


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits between attempts, each shortened or lengthened by up to ``jitter`` of itself.

    Without jitter all messages that met the same outage would return in the same second.
    ``after_s_max`` bounds the wait that a receiver may ask for: a mistaken
    ``Retry-After`` of a year must not silence a sink.
    """

    delays_s: tuple[float, ...]
    jitter: float = 0.2
    after_s_max: float = 3600.0

    @property
    def attempts_max(self) -> int:
        """Attempts until the message is given up, the first one included."""
        return len(self.delays_s) + 1

    def next_ms(self, attempts: int, now_ms: int, after_s: float | None, seed: str) -> int | None:
        """When to try again after ``attempts`` failures, Unix milliseconds; None to give up.

        The jitter is a function of ``seed`` and ``attempts``, so that the same failure
        has the same schedule in every run.
        """
        if attempts > len(self.delays_s):
            return None
        draw = zlib.crc32(f"{seed}#{attempts}".encode()) / 0xFFFFFFFF  # 0 to 1
        wait_s = self.delays_s[attempts - 1] * (1 + self.jitter * (2 * draw - 1))
        return now_ms + int(max(wait_s, self.asked_s(after_s)) * 1000)

    def asked_s(self, after_s: float | None) -> float:
        """The receiver's wish, within bounds."""
        return min(after_s or 0.0, self.after_s_max)


#: The schedule of Standard Webhooks: 10 attempts over 75 hours and 35 minutes.
STANDARD = Backoff((5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400))
