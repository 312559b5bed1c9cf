"""Where reading goes on after partitions were assigned: never beyond what nobody has read.

Who keeps state by a topic (the score app) says its own position; what its group
committed only tells whether there should be a state. Anybody else goes on where
its group committed. Records that are gone before they were read, a state that is
gone, and a topic that was created anew are never passed over in silence. A source
that was created anew is read from its beginning.
"""

from typing import NamedTuple

from streams.exits import Exit, NamedExit

__all__ = ["Standing", "Start", "gap", "start_of"]


class Standing(NamedTuple):
    """What the broker knows of one partition, for one consumer group."""

    #: First offset that is still there.
    begin: int
    #: One past the last.
    end: int
    #: Where the group wants to go on; None if it never said.
    committed: int | None
    #: The topic's id now, and that of when the group said it; empty if nobody knows.
    topic_id: str = ""
    committed_id: str = ""

    @property
    def is_anew(self) -> bool:
        """Whether the topic was created anew since the group read it: its offsets start over."""
        return bool(self.committed_id and self.topic_id) and self.committed_id != self.topic_id


class Start(NamedTuple):
    """Where to begin, and how many records before it were lost unread."""

    offset: int
    lost_records: int = 0


def start_of(
    where: str, standing: Standing, position: int | None, *, has_state: bool, accept_gap: bool
) -> Start:
    """The offset to begin at; ``where`` names topic and partition.

    ``position`` is that of the state, None if there is no state.

    Raises:
        NamedExit: GAP (unless it is accepted), CHANGELOG_DAMAGED, TOPIC_MISMATCH.
    """
    begin, end, committed = standing[:3]
    if standing.is_anew:
        if has_state:
            raise _other_topic(f"{where} was created anew since it was read")
        return Start(begin)
    wanted = position if has_state else committed
    if wanted is None:
        if has_state and committed:
            raise NamedExit(
                Exit.CHANGELOG_DAMAGED,
                f"{where} was read up to offset {committed}, but of the state that was made of it"
                " there is nothing: its changelog was emptied or created anew. Restore that"
                " topic (`vitals state import` has a copy of its rows, if one was exported)",
            )
        wanted = 0 if has_state else begin
    if wanted > end:
        raise _other_topic(f"{where} ends at offset {end}, and was read up to {wanted}")
    if wanted < begin:
        if not accept_gap:
            raise gap(where, wanted, begin)
        return Start(begin, begin - wanted)
    return Start(wanted)


def _other_topic(what: str) -> NamedExit:
    return NamedExit(
        Exit.TOPIC_MISMATCH,
        f"{what}. Restore the topic: what it holds now must not be taken for what came before",
    )


def gap(where: str, wanted: int, begin: int) -> NamedExit:
    """Records from ``wanted`` up to ``begin`` are gone, and nobody has read them."""
    return NamedExit(
        Exit.GAP,
        f"{where}: next is offset {wanted}, the topic begins at {begin}. {begin - wanted} records"
        " were deleted before they were read: what they said is lost."
        " Go on without them with --accept-gap",
    )
