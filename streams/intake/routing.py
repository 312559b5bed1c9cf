"""Which signals partition a customer belongs to: murmur2 of the id, as Kafka's own clients do.

The source topics' own partitioners do not matter: two common ones disagree on
88 % of keys. The pure-Python hash costs 5 microseconds, so partitions are
remembered, up to a limit.
"""

from aiokafka.partitioner import murmur2

__all__ = ["CustomerRouter", "partition_of"]

REMEMBERED_MAX = 1_000_000


def partition_of(customer_id: str, partitions: int) -> int:
    """The signals partition of a customer."""
    return int(murmur2(customer_id.encode()) & 0x7FFFFFFF) % partitions


class CustomerRouter:
    """:func:`partition_of` for one partition count, with a memory."""

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        #: The partitions of those asked for lately.
        self.known: dict[str, int] = {}

    def __call__(self, customer_id: str) -> int:
        """The customer's partition."""
        known = self.known.get(customer_id)
        if known is None:
            if len(self.known) >= REMEMBERED_MAX:
                self.known.clear()
            known = self.known[customer_id] = partition_of(customer_id, self.partitions)
        return known
