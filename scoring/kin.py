"""What a row remembers of an account's relations: its parent, and what its children told.

A parent keeps sums of what its children contribute, never the children: to add and to
take away commute, so any order between two ticks gives the same sums, and a hundred
thousand children take no more room than the 10,001 scores that there are.
"""

from enum import IntEnum

import msgspec

__all__ = ["LEVELS_MAX", "Contribution", "Edge", "EdgeState", "Kin", "Sums"]

#: Accounts above each other, the first and the last included.
LEVELS_MAX = 8

#: What a child contributes: its score in hundredths, its MRR in millionths of the card's
#: currency (0 where it does not matter), and how many levels of children lie below it.
Contribution = tuple[int, int, int]


class Sums(msgspec.Struct, array_like=True):
    """The sums over all children that have a score."""

    count: int = 0
    scores: int = 0
    #: Of the MRR, and of score times MRR. As texts: a row's numbers end at 64 bits.
    mrr: str = "0"
    weighted: str = "0"
    #: Score -> how many children have it.
    spread: dict[int, int] = {}
    #: Levels below a child -> how many children have so many.
    levels: dict[int, int] = {}

    def add(self, one: Contribution) -> None:
        """A child contributes this from now on."""
        self._change(one, 1)

    def take_away(self, one: Contribution) -> None:
        """A child contributes this no more."""
        self._change(one, -1)

    def _change(self, one: Contribution, by: int) -> None:
        score, mrr, below = one
        self.count += by
        self.scores += by * score
        if mrr:
            self.mrr = str(int(self.mrr) + by * mrr)
            self.weighted = str(int(self.weighted) + by * mrr * score)
        for counted, key in ((self.spread, score), (self.levels, below)):
            left = counted.get(key, 0) + by
            if left:
                counted[key] = left
            else:
                counted.pop(key, None)

    @property
    def depth(self) -> int:
        """How many levels of children there are; 0 without any."""
        return max(self.levels, default=-1) + 1


class EdgeState(IntEnum):
    """How far an account has got with its parent. The values are in rows: never renumber."""

    ASKED = 0  # on its way up: is there a cycle, are there too many levels?
    OPEN = 1
    REFUSED = 2


class Edge(msgspec.Struct, array_like=True):
    """From an account to its parent, and the (event time, event id) that said so."""

    parent: str
    at_ms: int
    event_id: str
    state: EdgeState = EdgeState.ASKED
    #: Why it came, where that messages nobody: what is told first over it is as quiet.
    cause: str = ""

    @property
    def key(self) -> tuple[int, str]:
        """What orders edges by age."""
        return self.at_ms, self.event_id


class Kin(msgspec.Struct, array_like=True):
    """An account's relations; most accounts have none."""

    edge: Edge | None = None
    #: What the parent was told last: whom, and the contribution.
    told: tuple[str, Contribution] | None = None
    sums: Sums | None = None
    #: A child changed since the last evaluation only because the scorecard did.
    recarded: bool = False
    #: Or only because percentiles were taken.
    reranked: bool = False

    @property
    def depth(self) -> int:
        """How many levels of children there are below the account."""
        return 0 if self.sums is None else self.sums.depth
