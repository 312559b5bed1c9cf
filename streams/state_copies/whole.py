"""Whether the rows of a partition are all there, and the fold of rows that are."""

from scoring.partition import PartitionFold
from scoring.row import HEADER_KEY
from scoring.seal import Unsealed
from streams.exits import Exit, NamedExit
from streams.reading.customer_rows import CustomerRows
from streams.reading.terminal import Count
from streams.reading.topic import Span
from streams.settings import Settings
from streams.worker import fold_policy

__all__ = ["check_whole", "whole_fold"]


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


async def whole_fold(
    settings: Settings,
    rows: CustomerRows,
    partition: int,
    span: Span,
    count: Count,
    *,
    otherwise: str,
) -> PartitionFold:
    """The fold of the rows of a partition.

    Raises:
        NamedExit: exit code 73 if they are not whole, which ends with what is not done
            ``otherwise``; 73 or 74 if one cannot be read.
    """
    await rows.read(partition, span, count.add)
    fold = rows.fold(partition, fold_policy(settings))
    try:
        check_whole(fold)
    except Unsealed as error:
        raise NamedExit(
            Exit.CHANGELOG_DAMAGED,
            f"{settings.topics.name('customers')}, partition {partition}: {error}."
            f" Of rows that are not whole {otherwise}",
        ) from None
    return fold
