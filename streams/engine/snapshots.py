"""Snapshots of a table on the worker's own disk: a start reads them, and of the changelog the rest.

They are a cache, never the truth. One is used only if the changelog is the one that it
was made of, reaches as far, and has not yet forgotten what was deleted since: compaction
drops tombstones some time after they were written, and a row that was deleted would come back. Any
other is deleted, with one line in the log, and its partition is restored from the changelog. What
is restored is checked by its seal in either case.

Rows are immutable: a shallow copy of a dictionary is a snapshot of it, and a thread
writes it while the fold goes on. No error of the disk ends anything.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from streams.clock import Clock
from streams.engine.snapshot_file import PARTIAL, Mark, Rows, Unfit, mark_of, read, write

__all__ = ["Changelog", "Loaded", "Snapshots"]

log = logging.getLogger(__name__)

#: Reading ends within this, whatever is left: Faust waits no longer than 30 s for the fencing.
READ_S_MAX = 15.0
#: So long an orderly stop may write snapshots.
STOP_S_MAX = 10.0
#: A clock that was put back: its snapshots look younger than they are.
SKEW_MS_MAX = 60_000
#: What another process left half written is its own for so long.
PARTIAL_MS_MAX = 3_600_000
#: One in so many rows must have changed for it to pay to write all of them.
CHANGED_SHARE = 10


class Changelog(NamedTuple):
    """What snapshots have to know of the changelog."""

    #: Empty: the broker gives none, and there are no snapshots.
    topic_id: str
    #: How long the broker keeps tombstones.
    tombstones_ms: int


class Loaded(NamedTuple):
    """The rows of a partition, as of an offset of the changelog."""

    offset: int
    rows: Rows
    #: When they were these.
    at_ms: int


@dataclass
class _Since:
    """What happened since a partition's last snapshot."""

    at_s: float
    #: Of the snapshot, Unix milliseconds; 0: there is none.
    at_ms: int = 0
    records: int = 0


class Snapshots:
    """The snapshots of one table, in a folder of its own.

    At most every ``every_s`` seconds one of a partition is written, and only one at a time.
    """

    def __init__(
        self,
        folder: Path,
        topic: str,
        ask: Callable[[], Changelog],
        clock: Clock,
        every_s: float,
    ) -> None:
        self._folder = folder
        self._topic = topic
        self._ask = ask
        self._clock = clock
        self._every_s = every_s
        self._changelog = Changelog("", 0)
        self._since: dict[int, _Since] = {}
        self._writing: asyncio.Future[None] | None = None
        #: Partitions whose file is not to be read again, should it not be gone.
        self._distrusted: set[int] = set()

    @property
    def _age_ms_max(self) -> int:
        """Half of the time: clocks differ, and a restore takes some of it."""
        return self._changelog.tombstones_ms // 2

    # -- at a start ----------------------------------------------------------------------------

    async def load(
        self, partitions: Collection[int], begins: Mapping[int, int], ends: Mapping[int, int]
    ) -> dict[int, Loaded]:
        """The snapshots that may be used of these partitions; the others are deleted.

        ``begins`` and ``ends`` are the first offset of each partition and one past the last.
        """
        self._changelog = await asyncio.to_thread(self._ask)
        now_s = self._clock.elapsed_s()
        self._since = {p: s for p, s in self._since.items() if p not in partitions}
        self._since |= {p: _Since(now_s) for p in partitions}
        if not self._changelog.topic_id:
            return {}
        give_up_s = now_s + READ_S_MAX
        loaded: dict[int, Loaded] = {}
        await asyncio.to_thread(self._forget_old)
        for partition in sorted(set(partitions) - self._distrusted):
            found = await asyncio.to_thread(
                self._read, partition, begins.get(partition, 0), ends.get(partition, 0), give_up_s
            )
            if found is not None:
                loaded[partition] = found
                self._since[partition] = _Since(now_s, found.at_ms)
        return loaded

    def _read(self, partition: int, begin: int, end: int, give_up_s: float) -> Loaded | None:
        path = self._path(partition)
        try:
            self._judge(mark_of(path), partition, begin, end)
            mark, rows = read(path, lambda: self._clock.elapsed_s() < give_up_s)
        except FileNotFoundError:
            return None
        except (Unfit, OSError) as error:
            self._throw_away(path, str(error))
            return None
        return Loaded(mark.offset, rows, mark.at_ms)

    def _forget_old(self) -> None:
        """Of partitions that went elsewhere, too: nobody would ask for them again."""
        for path in self._folder.glob("*"):
            if path.name.isdecimal():
                try:
                    self._judge_age(mark_of(path))
                except (Unfit, OSError) as error:
                    self._throw_away(path, str(error))

    def _judge(self, mark: Mark, partition: int, begin: int, end: int) -> None:
        """Pass if the rest of the changelog makes the same of these rows as all of it.

        Raises:
            Unfit: saying why not.
        """
        if (mark.topic, mark.partition) != (self._topic, partition):
            raise Unfit(f"it is one of {mark.topic} partition {mark.partition}")
        if mark.topic_id != self._changelog.topic_id:
            raise Unfit("the changelog was created anew since")
        if mark.offset >= end:
            raise Unfit(f"it goes up to offset {mark.offset}, the changelog ends before {end}")
        if mark.offset + 1 < begin:
            raise Unfit(f"it goes up to offset {mark.offset}, the changelog begins at {begin}")
        self._judge_age(mark)

    def _judge_age(self, mark: Mark) -> None:
        age_ms = self._clock.now_ms() - mark.at_ms
        if age_ms > self._age_ms_max:
            raise Unfit(
                f"it is {age_ms // 60_000} minutes old: what was deleted since may be forgotten"
            )
        if age_ms < -SKEW_MS_MAX:
            raise Unfit("it is of the future: a clock was put back")

    def distrust(self, partition: int, why: str) -> None:
        """Delete a snapshot of which the rest of the changelog did not make whole rows."""
        self._distrusted.add(partition)
        self._throw_away(self._path(partition), why)

    def _throw_away(self, path: Path, why: str) -> None:
        log.warning(
            "snapshot %s is not used: %s. The partition is restored from the changelog", path, why
        )
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("snapshot %s cannot be deleted: %s", path, error.strerror)

    def _path(self, partition: int) -> Path:
        return self._folder / str(partition)

    # -- while it works ------------------------------------------------------------------------

    def committed(self, partition: int, offset: int, rows: Rows, records: int) -> None:
        """So many records were committed, up to ``offset``, and a partition's rows are these now.

        If it is time for a snapshot, one is begun; this returns at once.
        """
        since = self._since.get(partition)
        if since is None or not self._changelog.topic_id:
            return
        since.records += records
        idle = self._writing is None or self._writing.done()
        if idle and self._is_due(since, len(rows)):
            self._begin(partition, offset, rows)

    def _is_due(self, since: _Since, rows: int) -> bool:
        apart_s = self._clock.elapsed_s() - since.at_s
        return apart_s >= self._every_s and self._pays(since, rows)

    def _pays(self, since: _Since, rows: int) -> bool:
        """Whether a start would gain by another snapshot, or the last one gets too old."""
        age_ms = self._clock.now_ms() - since.at_ms
        return since.records * CHANGED_SHARE >= rows or age_ms * 2 > self._age_ms_max

    def _begin(self, partition: int, offset: int, rows: Rows) -> None:
        mark = self._mark(partition, offset, rows)
        self._since[partition] = _Since(self._clock.elapsed_s(), mark.at_ms)
        work = asyncio.to_thread(self._write, mark, dict(rows))
        self._writing = asyncio.ensure_future(work)

    def _mark(self, partition: int, offset: int, rows: Rows) -> Mark:
        return Mark(
            self._topic, self._changelog.topic_id, partition, offset, self._clock.now_ms(),
            len(rows),
        )  # fmt: skip

    def _write(self, mark: Mark, rows: Rows) -> None:
        path = self._path(mark.partition)
        began_s = self._clock.elapsed_s()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._forget_partials()
            size = write(path, mark, rows)
        except OSError as error:
            log.warning("snapshot %s cannot be written: %s. Starts take longer", path, error)
            return
        self._distrusted.discard(mark.partition)
        log.info(
            "snapshot of partition %d: %d rows, %d MB in %.1f s",
            mark.partition, mark.rows, size // 1_000_000, self._clock.elapsed_s() - began_s,
        )  # fmt: skip

    def _forget_partials(self) -> None:
        """What a process that was killed left half written."""
        before_s = (self._clock.now_ms() - PARTIAL_MS_MAX) / 1000
        for path in self._folder.glob(f"*{PARTIAL}"):
            if path.stat().st_mtime < before_s:
                path.unlink(missing_ok=True)

    async def close(self, committed: Mapping[int, tuple[int, Rows]]) -> None:
        """At an orderly stop: write what is newer than its file, while there is time.

        ``committed`` is the offset and the rows of each partition.
        """
        if self._writing is not None:
            await asyncio.wait([self._writing])
        if not self._changelog.topic_id:
            return
        give_up_s = self._clock.elapsed_s() + STOP_S_MAX
        for partition, (offset, rows) in committed.items():
            since = self._since.get(partition)
            if since is None or not since.records or not self._pays(since, len(rows)):
                continue
            if self._clock.elapsed_s() > give_up_s:
                log.warning("no time to write all snapshots: the next start takes longer")
                return
            await asyncio.to_thread(self._write, self._mark(partition, offset, rows), rows)
