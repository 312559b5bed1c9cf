"""How the state stands: each partition's header, what is unread, who would move. Reads only."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from schemas.topics import SOURCES
from scoring.header import Header
from scoring.partition import PartitionFold
from scoring.repartition import uneven
from scoring.row import is_customer
from streams.engine.starting import Standing, start_of
from streams.engine.topics import partition_counts, topic_ids
from streams.exits import Exit, NamedExit
from streams.intake.blocks import origin_of
from streams.intake.routing import partition_of
from streams.reading.customer_rows import CustomerRows
from streams.reading.groups import committed_of, members_of
from streams.reading.terminal import Count, OnRead
from streams.reading.topic import Span, open_topic
from streams.settings import Settings
from streams.state_copies.whole import whole_fold

__all__ = [
    "GROWN",
    "Look",
    "Partition",
    "Shape",
    "fold_at",
    "half_read",
    "look",
    "nobody_works",
    "refuse",
    "shape_of",
]

#: What gets new partitions, in this order. The changelog first: by it everybody sees that a
#: change was begun. The signals log last: by it they see that it has ended.
GROWN = ("customers", "deliveries", "actions", "transitions", "scores", "signals")


@dataclass(frozen=True)
class Shape:
    """How many partitions there are, and are to be."""

    #: Of the signals log and of the changelog: the same, unless somebody was stopped in between.
    log: int
    changelog: int
    to: int

    @property
    def begun(self) -> bool:
        """Whether a change was begun and did not end."""
        return self.log != self.changelog


def shape_of(settings: Settings, to: int) -> Shape:
    """The partition counts.

    Raises:
        NamedExit: exit code 2 if no broker answers or the count cannot be reached, 71 if a
            topic is missing.
    """
    if settings.broker_embedded:
        raise NamedExit(Exit.USAGE, "the embedded broker cannot do it: its counts are fixed")
    counts = partition_counts(settings)
    names = [settings.topics.name(key) for key in GROWN]
    missing = [name for name in names if name not in counts]
    if missing:
        raise NamedExit(
            Exit.TOPIC_MISMATCH,
            f"Kafka at {settings.bootstrap} has no topic {', '.join(missing)}."
            " Is --prefix right? `vitals topics --create` creates what is missing",
        )
    shape = Shape(counts[names[-1]], counts[names[0]], to)
    most = max(shape.log, shape.changelog)
    if shape.begun and to != most:
        raise NamedExit(
            Exit.USAGE,
            f"a change to {most} partitions was begun and did not end. Finish it first:"
            f" `vitals repartition --to {most}`",
        )
    if to < most:
        raise NamedExit(
            Exit.USAGE,
            f"--to {to}: there are {most} partitions, and Kafka cannot take any away."
            " For fewer, build the state anew under another --prefix",
        )
    return shape


@dataclass
class Partition:
    """One old partition of customers."""

    header: Header
    #: What the broker knows of its log.
    standing: Standing
    customers: int = 0
    #: Those that live in another one afterwards.
    moved: int = 0

    @property
    def unread(self) -> int:
        """Records of the log that are in no row yet."""
        return max(self.standing.end - self.header.position, 0)


@dataclass
class Look:
    """All partitions of the changelog, in order: the old ones first."""

    partitions: list[Partition] = field(default_factory=list)

    @property
    def customers(self) -> int:
        """How many customers there are."""
        return sum(each.customers for each in self.partitions)

    @property
    def moved(self) -> int:
        """How many of them change their partition."""
        return sum(each.moved for each in self.partitions)

    @property
    def unread(self) -> int:
        """Records of the log that are in no row yet."""
        return sum(each.unread for each in self.partitions)

    @property
    def headers(self) -> list[Header]:
        """The partitions' headers."""
        return [each.header for each in self.partitions]

    def old_count(self, shape: Shape) -> int:
        """For how many partitions the rows are written.

        Raises:
            NamedExit: TOPIC_MISMATCH, if the rows are of several numbers.
        """
        counts = {header.partitions for header in self.headers if header.partitions}
        if len(counts) > 1:
            raise NamedExit(
                Exit.TOPIC_MISMATCH,
                f"some rows were written for {min(counts)} partitions, some for {max(counts)}:"
                " workers ran on a log whose partitions were changed by hand. Create the changelog"
                " anew with as many partitions as a copy of before has, bring that back"
                " (`vitals state import`), and start again",
            )
        return counts.pop() if counts else min(shape.log, shape.changelog)


async def look(settings: Settings, shape: Shape, on_read: OnRead) -> Look:
    """Read all rows once, partition by partition.

    Raises:
        NamedExit: exit code 2 if the broker stops answering, 71 to 74 where a worker would
            not start either.
    """
    found = Look()
    topics = settings.topics
    async with (
        open_topic(settings, topics.name("customers")) as changelog,
        open_topic(settings, topics.name("signals")) as log,
    ):
        rows = CustomerRows(changelog)
        spans, log_spans = await rows.spans(), await log.spans()
        committed = await committed_of(settings, topics.group_score)
        count = Count(on_read)
        count.total = sum(span.end - span.first for span in spans.values())
        for partition, span in spans.items():
            fold = await fold_at(settings, rows, partition, span, count)
            log_span = log_spans.get(partition, Span(0, 0))
            known = committed.get((log.topic, partition))
            standing = Standing(
                log_span.first, log_span.end, known.offset if known is not None else None
            )
            keys = [key.decode() for key in fold.rows if is_customer(key)]
            away = sum(partition_of(one, shape.to) != partition for one in keys)
            found.partitions.append(Partition(fold.header, standing, len(keys), away))
            rows.forget(partition)
    for partition, each in enumerate(found.partitions[: found.old_count(shape)]):
        start_of(
            f"{topics.name('signals')} partition {partition}",
            each.standing,
            each.header.position or None,
            has_state=True,
            accept_gap=settings.accept_gap,
        )
    return found


async def fold_at(
    settings: Settings, rows: CustomerRows, partition: int, span: Span, count: Count
) -> PartitionFold:
    """The fold of a partition's rows, which are whole.

    Raises:
        NamedExit: see :func:`look`.
    """
    return await whole_fold(
        settings,
        rows,
        partition,
        span,
        count,
        otherwise="nothing is moved (`vitals state import` has a copy, if one was exported)",
    )


async def nobody_works(settings: Settings) -> None:
    """Pass if no process of ours runs.

    Raises:
        NamedExit: exit code 1, saying which do.
    """
    topics = settings.topics
    for process, group in (
        ("worker", topics.group_intake),
        ("worker", topics.group_score),
        ("worker", topics.group_view),
        ("outreach", topics.group_outreach),
    ):
        members = await asyncio.to_thread(members_of, settings, group)
        if members:
            raise NamedExit(
                Exit.FAILED,
                f"{len(members)} `vitals {process}` run (group {group}). Stop them first; one that"
                " ended otherwise (an error, a kill) counts until its session times out",
            )


async def refuse(settings: Settings, headers: Sequence[Header]) -> None:
    """Pass if the partitions can be made into others now.

    Raises:
        NamedExit: exit code 1, saying what a worker has to finish first.
    """
    problem = uneven(headers)
    if problem is None:
        problem = half_read(headers, await _acknowledged(settings))
    if problem is not None:
        raise NamedExit(
            Exit.FAILED,
            f"{problem}. Start a `vitals worker`, let it run for a minute, stop it with SIGTERM,"
            " and try again. Nothing was moved",
        )


def half_read(
    headers: Sequence[Header], acknowledged: Mapping[str, Mapping[int, int]]
) -> str | None:
    """A source of which some partitions have had signals that others may lack, in words.

    What intake has acknowledged is in all of them. What it was writing when it was killed may
    be in some. ``acknowledged`` has sources by the name in headers; one that is not there was
    created anew since, and nothing more of it comes.
    """
    for header in headers:
        for source, last in sorted(header.sources.items()):
            origin, _, number = source.rpartition("/")
            if origin not in acknowledged:
                continue
            known = acknowledged[origin].get(int(number), 0)
            if last >= known:
                return (
                    f"{source} was read up to offset {last}, and acknowledged up to {known - 1}:"
                    " intake was ended in the middle"
                )
    return None


async def _acknowledged(settings: Settings) -> dict[str, dict[int, int]]:
    """Where intake goes on: source topic, as headers name it -> partition -> offset.

    What it said of a topic that had another id is left out.
    """
    names = {settings.topics.source(family) for family in SOURCES}
    ids = await asyncio.to_thread(topic_ids, settings, names)
    found: dict[str, dict[int, int]] = {origin_of(name, ids.get(name, "")): {} for name in names}
    committed = await committed_of(settings, settings.topics.group_intake)
    for (name, partition), known in committed.items():
        topic_id = ids.get(name, "")
        if name in names and known.topic_id in ("", topic_id):
            found[origin_of(name, topic_id)][partition] = known.offset
    return found
