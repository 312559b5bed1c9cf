"""Customers as their changelog holds them, made into what the view must hold.

The changelog is read as a restoring worker reads it: of several rows of a
customer the one with the highest position counts, a tombstone deletes.
"""

from collections.abc import Callable, Collection
from contextlib import aclosing

from pydantic import ValidationError

from schemas.views import CustomerHealth
from scoring.card import Card
from scoring.outputs import view_of
from scoring.partition import FoldPolicy, PartitionFold
from scoring.row import CARD_KEY, is_customer, newer, unpack
from scoring.versions import NewerState, RowError
from streams.exits import Exit, NamedExit
from streams.reading.topic import Span, TopicReader
from streams.scorecards import load_card

__all__ = ["CustomerRows", "PartitionRows"]


class PartitionRows:
    """The rows of one partition."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}
        self._cards: dict[str, Card] = {}

    def take(self, key: bytes | None, value: bytes | None) -> None:
        """Take in one record of the changelog.

        Raises:
            RowError: if it cannot be read.
        """
        if key is None:
            raise RowError("a record without a key")
        if value is None:
            self.rows.pop(key, None)
        elif newer(key, value, self.rows.get(key)):
            self.rows[key] = value

    def health(self, only: Collection[str] | None = None) -> dict[str, CustomerHealth]:
        """What the view must hold of these customers (default: all): those a score was told of.

        Raises:
            RowError: if a row cannot be read, or its scorecard is not there.
        """
        keys = self.rows if only is None else [i.encode() for i in only if i.encode() in self.rows]
        found: dict[str, CustomerHealth] = {}
        for key in keys:
            if is_customer(key):
                health = self._health(key.decode(), self.rows[key])
                if health is not None:
                    found[health.customer_id] = health
        return found

    def _health(self, customer_id: str, packed: bytes) -> CustomerHealth | None:
        customer = unpack(packed)
        if customer.emitted is None:
            return None
        shown = view_of(customer_id, customer, self._card(customer.emitted.card))
        try:
            return CustomerHealth.model_validate(shown)
        except ValidationError as error:
            raise RowError(f"customer {customer_id}: {error.errors()[0]['msg']}") from error

    def _card(self, hash_: str) -> Card:
        """The card that made a score; its text is a row of the same partition."""
        card = self._cards.get(hash_)
        if card is None:
            text = self.rows.get(CARD_KEY + hash_.encode())
            if text is None:
                raise RowError(f"scored with scorecard {hash_}, of which there is no row")
            card = self._cards[hash_] = load_card(text.decode(), f"scorecard {hash_[:16]}")
        return card


class CustomerRows:
    """The changelog of the customers table, read partition by partition, as far as asked for."""

    def __init__(self, reader: TopicReader) -> None:
        self._reader = reader
        self._at: dict[int, int] = {}
        self._held: dict[int, PartitionRows] = {}

    @property
    def partitions(self) -> tuple[int, ...]:
        """All partitions, in order."""
        return self._reader.partitions

    async def spans(self) -> dict[int, Span]:
        """First offset and present end of each partition."""
        return await self._reader.spans()

    async def read(self, partition: int, span: Span, on_read: Callable[[int], None]) -> None:
        """Read on from where reading ended, to the end of ``span``.

        Raises:
            NamedExit: exit code 2 if the broker stops answering, 73 if a row is damaged,
                74 if it is from a newer release.
        """
        held = self._held.setdefault(partition, PartitionRows())
        start = self._at.get(partition, span.first)
        self._at[partition] = max(span.end, start)
        async with aclosing(self._reader.read({partition: start}, {partition: span.end})) as chunks:
            async for records in chunks:
                for record in records:
                    try:
                        held.take(record.key, record.value)
                    except RowError as error:
                        raise self._unreadable(
                            partition, error, f"offset {record.offset}: "
                        ) from None
                on_read(len(records))

    def health(
        self, partition: int, only: Collection[str] | None = None
    ) -> dict[str, CustomerHealth]:
        """What the view must hold of the partition's customers, as far as they were read.

        Raises:
            NamedExit: exit code 73, if a row cannot be read or its scorecard is not there.
        """
        try:
            return self._held[partition].health(only)
        except RowError as error:
            raise self._unreadable(partition, error) from None

    def fold(self, partition: int, policy: FoldPolicy) -> PartitionFold:
        """The fold of a partition as far as it was read: customers, card, time, as a worker has it.

        Raises:
            NamedExit: exit code 73, if the partition's own rows cannot be read; 74 if they
                are from a newer release.
        """
        try:
            return PartitionFold(partition, self._held[partition].rows, policy)
        except RowError as error:
            raise self._unreadable(partition, error) from None

    def forget(self, partition: int) -> None:
        """Give back the memory of a partition that is done with."""
        self._held.pop(partition, None)

    def _unreadable(self, partition: int, error: RowError, where: str = "") -> NamedExit:
        code = Exit.STATE_VERSION if isinstance(error, NewerState) else Exit.CHANGELOG_DAMAGED
        return NamedExit(code, f"{self._reader.topic}, partition {partition}: {where}{error}")
