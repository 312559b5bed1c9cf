"""Snapshots on disk: which are used, when one is written, and that they change no restore."""

import asyncio
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clock import ManualClock
from streams.engine.snapshot_file import PARTIAL, mark_of
from streams.engine.snapshots import PARTIAL_MS_MAX, Changelog, Loaded, Snapshots

TOPIC, HOUR_MS = "health.customers.v1", 3_600_000
NOW_MS = 1_000 * HOUR_MS
ROWS = {b"a": b"1", b"b": b"2"}
EVERY_S = 300


class Stand:
    """A folder, a clock, a changelog that keeps tombstones for a day."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock(NOW_MS)
        self.changelog = Changelog("id", 24 * HOUR_MS)
        self.snapshots = self.new()

    def new(self, topic: str = TOPIC) -> Snapshots:
        return Snapshots(self.folder, topic, lambda: self.changelog, self.clock, EVERY_S)

    async def load(
        self, snapshots: Snapshots | None = None, *, begin: int = 0, end: int = 100
    ) -> dict[int, Loaded]:
        return await (snapshots or self.snapshots).load([0], {0: begin}, {0: end})

    async def keep(self, offset: int = 41, rows: dict[bytes, bytes] = ROWS) -> None:
        """A worker's life: begun, something committed, stopped in order."""
        worker = self.new()
        await self.load(worker)
        worker.committed(0, offset, rows, 1 + len(rows))
        await worker.close({0: (offset, rows)})

    @property
    def path(self) -> Path:
        return self.folder / "0"


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path / "snapshots")


async def test_a_stop_leaves_what_the_next_start_begins_with(stand: Stand) -> None:
    await stand.keep()
    assert await stand.load() == {0: Loaded(41, ROWS, NOW_MS)}


async def refused(stand: Stand, caplog: pytest.LogCaptureFixture, why: str, **span: int) -> None:
    """It is not used, deleted, and the log has one line of it."""
    caplog.clear()
    assert await stand.load(**span) == {}
    assert [why in line.getMessage() for line in caplog.records] == [True], caplog.text
    assert not stand.path.exists()


async def test_s7_one_of_another_changelog_is_not_used(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    await stand.keep()
    stand.changelog = Changelog("another", 24 * HOUR_MS)
    await refused(stand, caplog, "created anew")
    await stand.keep()
    stand.snapshots = stand.new("other.customers")
    await refused(stand, caplog, "one of health.customers.v1")


async def test_one_of_another_partition_is_not_used(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    await stand.keep()
    stand.path.rename(stand.folder / "1")
    assert await stand.snapshots.load([1], {1: 0}, {1: 100}) == {}
    assert "partition 0" in caplog.text


async def test_s7_one_beyond_the_end_or_before_the_beginning_is_not_used(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    await stand.keep(41)
    assert await stand.load(end=42, begin=42) != {}
    await refused(stand, caplog, "ends before 41", end=41)
    await stand.keep(41)
    await refused(stand, caplog, "begins at 43", begin=43)


async def test_one_that_outlived_tombstones_is_not_used(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    """A row that was deleted meanwhile would come back."""
    await stand.keep()
    stand.clock.advance(12 * HOUR_MS)
    assert await stand.load() != {}
    stand.clock.advance(1)
    await refused(stand, caplog, "720 minutes old")


async def test_one_of_the_future_is_not_used(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    await stand.keep()
    stand.clock.advance(-60_000)
    assert await stand.load() != {}
    stand.clock.advance(-1)
    await refused(stand, caplog, "put back")


async def test_an_old_one_of_a_partition_that_went_elsewhere_is_deleted(stand: Stand) -> None:
    await stand.keep()
    stand.clock.advance(13 * HOUR_MS)
    await stand.snapshots.load([5], {5: 0}, {5: 1})
    assert not stand.path.exists()


async def test_a_damaged_one_is_not_used(stand: Stand, caplog: pytest.LogCaptureFixture) -> None:
    await stand.keep()
    whole = stand.path.read_bytes()
    stand.path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    await refused(stand, caplog, "damaged")
    stand.path.write_bytes(b"")
    await refused(stand, caplog, "ends too early")


async def test_one_that_is_distrusted_is_not_used_even_if_it_cannot_be_deleted(
    stand: Stand,
) -> None:
    await stand.keep()
    whole = stand.path.read_bytes()
    stand.snapshots.distrust(0, "its rows are not whole")
    assert not stand.path.exists()
    stand.path.write_bytes(whole)
    assert await stand.load() == {}


async def test_with_a_broker_that_gives_no_ids_there_are_none(stand: Stand) -> None:
    stand.changelog = Changelog("", 24 * HOUR_MS)
    await stand.keep()
    assert not stand.folder.exists()


async def written(stand: Stand) -> int | None:
    """The offset of the snapshot on disk, once nothing is being written."""
    if stand.snapshots._writing is not None:
        await stand.snapshots._writing
    return mark_of(stand.path).offset if stand.path.exists() else None


async def test_one_is_written_now_and_then_and_not_for_nothing(stand: Stand) -> None:
    rows = {b"c%d" % n: b"" for n in range(100)}
    await stand.load()
    stand.snapshots.committed(0, 10, rows, 100)
    assert await written(stand) is None
    stand.clock.advance(EVERY_S * 1000)
    stand.snapshots.committed(0, 11, rows, 1)
    assert await written(stand) == 11
    stand.clock.advance(EVERY_S * 1000)
    stand.snapshots.committed(0, 12, rows, 9)
    assert await written(stand) == 11, "little has changed"
    stand.snapshots.committed(0, 13, rows, 1)
    assert await written(stand) == 13
    stand.clock.advance(6 * HOUR_MS + 1)
    stand.snapshots.committed(0, 14, rows, 1)
    assert await written(stand) == 14, "it would soon be too old"
    await stand.snapshots.close({0: (15, rows)})
    assert await written(stand) == 14, "nothing has changed since"


async def test_it_holds_the_rows_of_its_offset_whatever_comes_after(stand: Stand) -> None:
    rows = dict(ROWS)
    await stand.load()
    stand.clock.advance(EVERY_S * 1000)
    stand.snapshots.committed(0, 41, rows, 2)
    rows[b"a"] = b"changed"
    await written(stand)
    assert (await stand.load())[0].rows == ROWS


async def test_what_was_loaded_is_not_written_again_at_once(stand: Stand) -> None:
    await stand.keep(41)
    await stand.load()
    stand.snapshots.committed(0, 50, {b"c%d" % n: b"" for n in range(100)}, 2)
    await stand.snapshots.close({0: (50, ROWS | {b"c%d" % n: b"" for n in range(100)})})
    assert await written(stand) == 41


async def test_a_disk_that_is_full_ends_nothing(
    stand: Stand, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        await stand.keep()
    assert "No space left on device" in caplog.text
    assert list(stand.folder.iterdir()) == []
    await stand.keep()
    assert await stand.load() != {}


async def test_what_a_killed_process_left_half_written_is_deleted_later(stand: Stand) -> None:
    stand.folder.mkdir()
    young, old = (stand.folder / f"0.{name}{PARTIAL}" for name in ("young", "old"))
    for path, age_ms in ((young, PARTIAL_MS_MAX), (old, PARTIAL_MS_MAX + 1000)):
        path.write_bytes(b"half")
        os.utime(path, times=(0, (NOW_MS - age_ms) / 1000))
    await stand.keep()
    assert young.exists()
    assert not old.exists()


#: (key, value or None) as they stand in a changelog.
Records = list[tuple[bytes, bytes | None]]


def unrolled(rows: dict[bytes, bytes], records: Records) -> dict[bytes, bytes]:
    found = dict(rows)
    for key, value in records:
        if value is None:
            found.pop(key, None)
        else:
            found[key] = value
    return found


def compacted(records: Records, upto: int) -> Records:
    """What the broker may have left of the first so many: the last of each key, tombstones too."""
    last = {key: n for n, (key, _) in enumerate(records[:upto])}
    return [r for n, r in enumerate(records[:upto]) if last[r[0]] == n] + records[upto:]


@given(
    st.lists(
        st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.none() | st.binary(max_size=2)),
        max_size=30,
    ),
    st.data(),
)
def test_a_snapshot_and_the_rest_are_what_all_of_the_changelog_is(
    tmp_path_factory: pytest.TempPathFactory, records: Records, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(records)))
    rest = compacted(records[at:], data.draw(st.integers(0, len(records) - at)))

    async def through_disk() -> dict[bytes, bytes]:
        stand = Stand(tmp_path_factory.mktemp("snapshots"))
        await stand.keep(at, unrolled({}, records[:at]))
        return (await stand.load())[0].rows if at else {}

    assert unrolled(asyncio.run(through_disk()), rest) == unrolled({}, records)
