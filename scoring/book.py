"""The customers of one partition, packed and unpacked, and what a checkpoint writes of them.

Packed rows are the truth between checkpoints; a customer is unpacked when it is
touched and stays unpacked in a bounded cache. The partition's own rows lie
beside them: the header, the scorecards in use, their snapshots of percentiles, the
segments of event ids.
"""

from collections.abc import Collection, Iterator, MutableMapping

from scoring.duplicates import Duplicates
from scoring.header import Header, decode_header, encode_header
from scoring.row import (
    CARD_KEY,
    HEADER_KEY,
    PERCENTILES_KEY,
    SEGMENT_KEY,
    Customer,
    is_customer,
    number_in,
    numbered,
    pack,
    standings,
    unpack,
)
from scoring.seal import seal_of
from scoring.segment import decode_segment, encode_segment

__all__ = ["Book"]


class Book:
    """Rows by key, and the customers among them that are unpacked."""

    def __init__(self, rows: MutableMapping[bytes, bytes], cache_customers: int) -> None:
        self.rows = rows
        stored = rows.get(HEADER_KEY)
        self.header = Header() if stored is None else decode_header(stored)
        self._seal = seal_of(rows, HEADER_KEY)
        self.duplicates = Duplicates()
        self.live: dict[str, Customer] = {}
        self.changed: dict[str, Customer] = {}
        self._own: dict[bytes, bytes | None] = {}
        self._cache_customers = cache_customers
        self._written_position = self.header.position
        #: Rows that no durable header needs any more once the next one is written.
        self._expired: list[bytes] = []
        partition_rows = [key for key in rows if not is_customer(key)]
        self._restore_segments(partition_rows)
        self._forget_percentiles(partition_rows)

    def check_seal(self) -> None:
        """Pass if the rows are those that the stored header was written with.

        Raises:
            Unsealed: saying what differs.
        """
        if self.header.seal is not None:
            self.header.seal.check(self._seal)

    def standings(self) -> Iterator[tuple[bytes, int, int, bytes]]:
        """Of each stored customer what its row says of who waits for what."""
        return standings(self.rows)

    def ids(self) -> set[str]:
        """The ids of all customers."""
        stored = {key.decode() for key in self.rows if is_customer(key)}
        return stored | set(self.live)

    def find(self, customer_id: str) -> Customer | None:
        """A customer as of the last applied record, None if it is not known."""
        live = self.live.get(customer_id)
        if live is not None:
            return live
        packed = self.rows.get(customer_id.encode())
        return None if packed is None else unpack(packed)

    def open(self, customer_id: str, append_ms: int) -> Customer:
        """The customer, unpacked; a new one begins its epoch at the record's append time."""
        customer = self.find(customer_id) or Customer(append_ms)
        self.live[customer_id] = customer
        return customer

    def card_text(self, hash_: str) -> str | None:
        """The text of a scorecard, None if it was never active here."""
        text = self.rows.get(CARD_KEY + hash_.encode())
        return None if text is None else text.decode()

    def keep_card(self, hash_: str, text: str) -> None:
        """Have the next checkpoint write a scorecard's text."""
        self._own[CARD_KEY + hash_.encode()] = text.encode()

    def percentiles(self, number: int) -> bytes | None:
        """The snapshot of percentiles with this number, None if there is no row of it."""
        key = numbered(PERCENTILES_KEY, number)
        return self._own.get(key) or self.rows.get(key)

    def keep_percentiles(self, card_hash: str, number: int, body: bytes) -> None:
        """Have the next checkpoint write a card's snapshot, in place of its last one."""
        self._own[numbered(PERCENTILES_KEY, number)] = body
        self._number_percentiles({**self.header.percentiles, card_hash: number})

    def keep_percentiles_of(self, hashes: Collection[str]) -> None:
        """Keep the snapshots of these cards only."""
        known = self.header.percentiles
        self._number_percentiles({hash_: known[hash_] for hash_ in known if hash_ in hashes})

    def _number_percentiles(self, numbers: dict[str, int]) -> None:
        """Take what is not among these out of the header; deleted as segments are."""
        gone = set(self.header.percentiles.values()) - set(numbers.values())
        self._expired += sorted(numbered(PERCENTILES_KEY, number) for number in gone)
        self.header.percentiles = numbers

    def drop_segments(self) -> None:
        """Take the id segments that left the window out of the header.

        Their rows are deleted one checkpoint later: until the header without
        them is durable, a restart needs them.
        """
        for number, last_hour in list(self.header.segments.items()):
            if self.duplicates.expired(last_hour):
                del self.header.segments[number]
                self._expired.append(numbered(SEGMENT_KEY, number))

    def checkpoint(self) -> list[tuple[bytes, bytes | None]]:
        """The rows that changed since the last one, header last; None deletes a row."""
        if self.header.position == self._written_position:
            return []
        written: list[tuple[bytes, bytes | None]] = list(self._own.items())
        segment = self.duplicates.take_segment(self.header.position)
        if segment is not None:
            number = self.header.segment_next
            self.header.segment_next = number + 1
            self.header.segments[number] = segment.last_hour
            written.append((numbered(SEGMENT_KEY, number), encode_segment(segment)))
        version = self.header.version
        written += [(i.encode(), pack(c, version)) for i, c in self.changed.items()]
        for key, value in written:
            self._seal = self._seal.changed(key, self.rows.get(key), value)
            if value is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = value
        self.header.seal = self._seal
        header = encode_header(self.header)
        self.rows[HEADER_KEY] = header
        written.append((HEADER_KEY, header))
        self._own = dict.fromkeys(self._expired)
        self._expired.clear()
        self.changed.clear()
        self._written_position = self.header.position
        if len(self.live) > self._cache_customers:
            self.live.clear()
        return written

    def _restore_segments(self, partition_rows: Collection[bytes]) -> None:
        self.duplicates.advance(self.header.tick_ms)
        for key in partition_rows:
            # Left by a crash before its deletion.
            if (
                key.startswith(SEGMENT_KEY)
                and number_in(key, SEGMENT_KEY) not in self.header.segments
            ):
                self._own[key] = None
        for number in self.header.segments:
            packed = self.rows.get(numbered(SEGMENT_KEY, number))
            if packed is not None:
                segment = decode_segment(packed)
                # One of a checkpoint that never got its header: its records come again.
                if segment.position <= self.header.position:
                    self.duplicates.restore(segment)

    def _forget_percentiles(self, partition_rows: Collection[bytes]) -> None:
        """Snapshots that a crash left: no header has them, or their record comes again."""
        kept = {numbered(PERCENTILES_KEY, number) for number in self.header.percentiles.values()}
        for key in partition_rows:
            if key.startswith(PERCENTILES_KEY) and key not in kept:
                self._own[key] = None
