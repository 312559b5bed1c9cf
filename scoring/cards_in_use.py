"""Which scorecard a partition scores by, and which series are kept for it.

The series of the card before the active one go on being kept, so that a
roll-back finds them whole. A series that a later card asks for begins with it:
until its window has been seen whole it has no data, except for customers who
came after it.

A snapshot of percentiles belongs to a card. That of the card before is kept as well,
for the same reason; one of any other card counts for nothing.
"""

from collections.abc import Callable

from schemas.control import PercentilesTaken
from scoring.book import Book
from scoring.card import Card
from scoring.frozen import frozen_kinds, mark_of
from scoring.moment import Moment
from scoring.plan import Plan
from scoring.versions import MissingCard, RowError

__all__ = ["CardsInUse"]


class CardsInUse:
    """The active scorecard, the one before it, and the plan of both."""

    def __init__(self, book: Book, load: Callable[[str], Card]) -> None:
        self._book = book
        self._load = load
        self.card = self._stored(book.header.card_hash)
        self.plan = self._planned(self._stored(book.header.previous_hash))
        self._rank()
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
        self._book.keep_percentiles_of((header.card_hash, header.previous_hash))
        self._rank()
        self.mark = self._mark()
        header.began = {key: at for key, at in header.began.items() if key in self.plan.series}
        if previous is not None:
            for key in self.plan.series.keys() - known.keys():
                header.began[key] = (append_ms, at_ms)

    def take_percentiles(self, number: int, taken: PercentilesTaken, body: bytes) -> bool:
        """Compare with a new snapshot from here on; whether that is news for the active card.

        ``number`` is its place among the decisions, ``body`` the record as it came.
        """
        card, header = self.card, self._book.header
        if card is None or taken.hash not in (header.card_hash, header.previous_hash):
            return False
        self._book.keep_percentiles(taken.hash, number, body)
        if not card.ranked or taken.hash != card.hash:
            return False
        self.card = card.with_percentiles(taken)
        self.mark = self._mark()
        return True

    def _rank(self) -> None:
        """Give the active card the ranks of its snapshot, if it has any."""
        number = None if self.card is None else self._book.header.percentiles.get(self.card.hash)
        if self.card is None or number is None:
            return
        try:
            body = self._book.percentiles(number) or b""
            self.card = self.card.with_percentiles(PercentilesTaken.model_validate_json(body))
        except ValueError as error:
            raise RowError(f"damaged snapshot of percentiles {number}: {error}") from error

    def _mark(self) -> bytes:
        """What the rows of customers that were evaluated as things stand carry."""
        card, header = self.card, self._book.header
        if card is None:
            return b""
        number = header.percentiles.get(card.hash) if card.ranked else None
        return mark_of(card.hash, header.stalled, number)

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
