"""Whether the rows of a partition are all there."""

from scoring.partition import PartitionFold
from scoring.row import HEADER_KEY
from scoring.seal import Unsealed

__all__ = ["check_whole"]


def check_whole(fold: PartitionFold) -> None:
    """Pass if these are the rows that their header was written with, or none at all.

    A worker at its start finds a lost header by what its group committed; a copy has
    no group.

    Raises:
        Unsealed: saying what differs.
    """
    if fold.rows and HEADER_KEY not in fold.rows:
        raise Unsealed(f"{len(fold.rows)} rows are there, but not their header")
    fold.check_seal()
