"""The names of the view's keys in Redis; docs/view.md lists them.

All keys of an environment carry one hash tag, so that one script may touch them
in Redis Cluster as well. A segment has keys of its own beside those of the whole
portfolio: the same name, a colon, and the segment's.
"""

from streams.views.ranking import RANKINGS, Ranking

__all__ = ["Keys"]


class Keys:
    """The keys of one environment."""

    def __init__(self, prefix: str) -> None:
        self.base = f"{prefix}vitals:{{{prefix}view}}:"
        self.customer_head = f"{self.base}customer:"
        self.history_head = f"{self.base}history:"
        self.changes = f"{self.base}changes"
        self.findable = f"{self.base}findable"
        self.segments = f"{self.base}segments"
        self.due = f"{self.base}due"

    def customer(self, customer_id: str) -> str:
        """A customer's row."""
        return f"{self.customer_head}{customer_id}"

    def history(self, customer_id: str) -> str:
        """A customer's earlier scores."""
        return f"{self.history_head}{customer_id}"

    def ranking(self, ranking: Ranking, segment: str | None = None) -> str:
        """An order of all customers, or of a segment's."""
        return f"{self.base}rank:{ranking.name}" + (f":{segment}" if segment else "")

    def scored(self, segment: str | None = None) -> str:
        """The scores of all customers that have one, or of a segment's."""
        return f"{self.base}scored" + (f":{segment}" if segment else "")

    def shared(self) -> list[str]:
        """What ``apply.lua`` is given; it makes the customers' own keys from their heads."""
        return [
            self.changes,
            self.findable,
            self.segments,
            self.scored(),
            self.due,
            *(self.ranking(ranking) for ranking in RANKINGS),
        ]

    def of(self, customer_id: str) -> list[str]:
        """What a script that changes one customer is given; see ``remove.lua``."""
        return [
            self.customer(customer_id),
            self.history(customer_id),
            *self.shared(),
        ]
