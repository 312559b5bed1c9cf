"""Whether an evaluation would say what the last one said. Then it is left out.

Most events change no point: one use more where the curve is level, a day that was active
already. An evaluation reads measures and asks conditions; each says until when it holds by
itself, and which signals move it. So only those are read again whose signals came since, or whose
time is over. If they have the points and the answers that they had, so has all that is made of
them: the score, the band, the classes, what is told. :class:`Looked` is for the memory alone: where
there is none, as after a start, the evaluation is made, and says the same.
"""

from typing import Any

from scoring.card import Card
from scoring.evaluate import Assessment
from scoring.metrics import ask
from scoring.moment import Moment, Value, next_of
from scoring.state import CustomerState
from scoring.things import FACTS

__all__ = ["Looked"]


class Looked:
    """What the last evaluation of a customer read and asked, and until when each of it holds.

    ``rest_ms`` is until when the rest does: marks that a person set among it.
    """

    __slots__ = ("_asked", "_known", "_measures_ms", "_points", "_rest_ms", "_weights")

    def __init__(self, card: Card, found: Assessment, moment: Moment, rest_ms: int | None) -> None:
        self._points = found.points
        self._measures_ms = list(found.measures_ms)
        others = bool(card.others)
        self._weights = (True,) * len(card.measures) if others else found.weighting.measures
        self._asked: list[tuple[Any, Value, int | None]] = moment.asked
        self._known = moment.known
        self._rest_ms = rest_ms

    def is_same(self, card: Card, state: CustomerState, touched: int, moment: Moment) -> bool:
        """Whether all of it says the same at ``moment``; ``touched`` are the families heard since.

        The card is that of then. If it does not, this is of no use any more.
        """
        now_ms, rest_ms = moment.now_ms, self._rest_ms
        if touched & FACTS or (rest_ms is not None and rest_ms <= now_ms):
            return False
        moment.known = self._known
        segment = self._known.get("segment", "")
        points, measures_ms = self._points, self._measures_ms
        for index, measure in enumerate(card.measures):
            at_ms = measures_ms[index]
            if measure.metric.families & touched or (at_ms is not None and at_ms <= now_ms):
                reading = moment.read(measure.metric, state)
                _, now, next_ms = measure.worth(reading, segment)
                if now != points[index]:
                    return False
                if self._weights[index]:
                    measures_ms[index] = next_ms
        asked = self._asked
        for index, (condition, answer, at_ms) in enumerate(asked):
            if condition.families & touched or (at_ms is not None and at_ms <= now_ms):
                met, next_ms = ask(condition, state, moment)
                if met is not answer:
                    return False
                asked[index] = (condition, met, next_ms)
        return True

    def next_ms(self) -> int | None:
        """The next instant at which something changes by itself."""
        return next_of(self._measures_ms, self._asked, self._rest_ms)
