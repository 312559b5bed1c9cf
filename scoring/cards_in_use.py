"""Which scorecard a partition scores by, and which series are kept for it.

The series of the card before the active one go on being kept, so that a
roll-back finds them whole. A series that a later card asks for begins with it:
until its window has been seen whole it has no data, except for customers who
came after it.
"""

from collections.abc import Callable

from scoring.book import Book
from scoring.card import Card
from scoring.frozen import frozen_kinds, mark_of
from scoring.moment import Moment
from scoring.plan import Plan
from scoring.row import MissingCard

__all__ = ["CardsInUse"]


class CardsInUse:
    """The active scorecard, the one before it, and the plan of both."""

    def __init__(self, book: Book, load: Callable[[str], Card]) -> None:
        self._book = book
        self._load = load
        self.card = self._stored(book.header.card_hash)
        self.plan = self._planned(self._stored(book.header.previous_hash))
        self.frozen = frozen_kinds(book.header.stalled)
        self.mark = self._mark()

    def _stored(self, hash_: str) -> Card | None:
        """A card that the header names, None where it names none.

        Raises:
            MissingCard: its text is not there.
        """
        if not hash_:
            return None
        text = self._book.card_text(hash_)
        if text is None:
            raise MissingCard(f"the header names scorecard {hash_[:16]}, whose text is missing")
        return self._load(text)

    def _planned(self, previous: Card | None) -> Plan:
        return Plan(one for card in (previous, self.card) if card for one in card.series)

    def activate(self, hash_: str, text: str, append_ms: int, at_ms: int) -> None:
        """Score by another card from here on; ``at_ms`` is the partition's time."""
        header, previous, known = self._book.header, self.card, self.plan.series
        self._book.keep_card(hash_, text)
        self.card = self._load(text)
        header.previous_hash, header.card_hash = header.card_hash, hash_
        self.plan = self._planned(previous)
        self.mark = self._mark()
        header.began = {key: at for key, at in header.began.items() if key in self.plan.series}
        if previous is not None:
            for key in self.plan.series.keys() - known.keys():
                header.began[key] = (append_ms, at_ms)

    def _mark(self) -> bytes:
        """What the rows of customers that were evaluated as things stand carry."""
        return b"" if self.card is None else mark_of(self.card.hash, self._book.header.stalled)

    def stall(self, topic: str, since_ms: int | None) -> bool:
        """A source stalled, or (None) came back; whether that is news."""
        stalled = self._book.header.stalled
        if (topic in stalled) is (since_ms is not None):
            return False
        if since_ms is None:
            del stalled[topic]
        else:
            stalled[topic] = since_ms
        self.frozen = frozen_kinds(stalled)
        self.mark = self._mark()
        return True

    def moment(self, epoch_ms: int, now_ms: int) -> Moment:
        """An instant in the life of a customer whose state began at ``epoch_ms``."""
        began = self._book.header.began
        if not began:
            return Moment(now_ms, None, self.frozen)
        kept = {key: at for key, (seen, at) in began.items() if seen >= epoch_ms}
        return Moment(now_ms, kept, self.frozen)
