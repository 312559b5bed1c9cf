"""The seal of a partition's rows: a restore that is not whole cannot pass for one that is.

The header is written with its rows in one transaction, and says how many rows
there were and what they add up to. Rows that were lost, kept too long, or are
not of this state give other sums. The sum does not mind the order and changes
by what changed: a row costs two hashes. It guards against loss and mix-up, not
against somebody who forges rows.
"""

from collections.abc import Mapping
from typing import NamedTuple

from xxhash import xxh3_64_intdigest

__all__ = ["Seal", "Unsealed", "seal_of"]


class Unsealed(ValueError):
    """The rows are not those that their header was written with."""


class Seal(NamedTuple):
    """How many rows, and the exclusive or of their hashes (64 bits)."""

    rows: int = 0
    digest: int = 0

    def changed(self, key: bytes, before: bytes | None, after: bytes | None) -> "Seal":
        """The seal after one row has changed; None is no row."""
        rows, digest = self
        if before is not None:
            rows, digest = rows - 1, digest ^ _hash(key, before)
        if after is not None:
            rows, digest = rows + 1, digest ^ _hash(key, after)
        return Seal(rows, digest)

    def check(self, found: "Seal") -> None:
        """Pass if the rows are those.

        Raises:
            Unsealed: saying what differs.
        """
        if found.rows != self.rows:
            raise Unsealed(f"{found.rows} rows are there, the header was written with {self.rows}")
        if found.digest != self.digest:
            raise Unsealed(f"some of the {self.rows} rows are not those that the header knows")


def seal_of(rows: Mapping[bytes, bytes], but: bytes) -> Seal:
    """The seal of all rows but the one under a key."""
    digest, hashed = 0, xxh3_64_intdigest
    for key, value in rows.items():
        digest ^= hashed(value, hashed(key))
    if but in rows:
        digest ^= _hash(but, rows[but])
    return Seal(len(rows) - (but in rows), digest)


def _hash(key: bytes, value: bytes) -> int:
    return xxh3_64_intdigest(value, xxh3_64_intdigest(key))
