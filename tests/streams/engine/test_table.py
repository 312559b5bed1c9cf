"""The chunked table: what a restore keeps, what it purges, what ends the process."""

from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from engine_stand import RecordingClient, record
from scoring.header import Header, encode_header
from scoring.row import HEADER_KEY, Customer, newer, pack, unpack
from streams.clock import ManualClock
from streams.engine import table as table_module
from streams.engine.app import VitalsApp, build_app
from streams.engine.fencing import OWNER_KEY
from streams.engine.table import ChunkTable
from streams.exits import Exit, NamedExit
from streams.settings import Settings

CHANGELOG = "health.customers.v1"


class Ended(BaseException):
    """In the place of the end of the process; no ``except Exception`` catches it."""


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """Errors that ended the process."""
    errors: list[BaseException] = []

    def end(error: BaseException) -> None:
        errors.append(error)
        raise Ended

    monkeypatch.setattr(table_module, "end_process", end)
    return errors


@pytest.fixture
async def app() -> VitalsApp:
    return build_app(Settings(bootstrap="127.0.0.1:1"), ManualClock(), group="t")


@pytest.fixture
async def table(app: VitalsApp) -> ChunkTable:
    return ChunkTable(app, name="customers", changelog=CHANGELOG, partitions=4, newer=newer)


def row(position: int, *, epoch: int = 5, sequence: int = 0) -> bytes:
    customer = Customer(epoch)
    customer.position = position
    customer.sequence = sequence
    return pack(customer)


def chunk(partition: int, *records: tuple[bytes, bytes | None]) -> Any:
    """A chunk of changelog records, as Faust's recovery hands it over."""
    value = [record(n, v, key=k) for n, (k, v) in enumerate(records)]
    return SimpleNamespace(message=SimpleNamespace(partition=partition, value=value))


async def test_a_restore_unrolls_chunks_into_their_partitions(table: ChunkTable) -> None:
    table.apply_changelog_batch(
        [chunk(0, (b"a", row(1)), (b"b", row(2))), chunk(3, (b"c", row(1)))]
    )
    assert table.partition(0).keys() == {b"a", b"b"}
    assert table.partition(3) == {b"c": row(1)}
    assert table.restored == {0, 3}
    assert table.records_restored == 3


async def test_s6_the_highest_position_wins_not_the_last_row(table: ChunkTable) -> None:
    """A frozen worker that wakes appends rows that are older than the new owner's."""
    table.apply_changelog_batch([chunk(0, (b"a", row(9)), (b"a", row(4)))])
    assert unpack(table.partition(0)[b"a"]).position == 9
    table.apply_changelog_batch([chunk(0, (b"a", row(10)))])
    assert unpack(table.partition(0)[b"a"]).position == 10


async def test_s6_an_older_header_does_not_turn_a_partition_back(table: ChunkTable) -> None:
    new, old = encode_header(Header(position=50)), encode_header(Header(position=20))
    table.apply_changelog_batch([chunk(0, (HEADER_KEY, new), (HEADER_KEY, old))])
    assert table.partition(0) == {HEADER_KEY: new}


async def test_a_tombstone_deletes(table: ChunkTable) -> None:
    table.apply_changelog_batch([chunk(0, (b"a", row(1)), (b"a", None), (b"b", None))])
    assert table.partition(0) == {}


@pytest.mark.parametrize(
    "damaged",
    [b"", b"\x01", b"\x63" + row(3)[1:]],
    ids=["empty", "a stump", "of a newer release"],
)
async def test_s7_a_damaged_row_ends_the_process_by_name(
    table: ChunkTable, ended: list[BaseException], damaged: bytes
) -> None:
    """Faust would log it and go on with a wrong table."""
    with pytest.raises(Ended):
        table.apply_changelog_batch([chunk(2, (b"a", row(9)), (b"a", damaged))])
    error = ended[0]
    assert isinstance(error, NamedExit)
    assert error.code in (Exit.CHANGELOG_DAMAGED, Exit.STATE_VERSION)
    assert CHANGELOG in error.message


async def test_partitions_that_left_are_purged(app: VitalsApp, table: ChunkTable) -> None:
    """Their rows would be old when the partitions come back."""
    for partition in (0, 1, 2):
        table.apply_changelog_batch([chunk(partition, (b"a", row(1)))])
    app.tables.recovery.active_highwaters[TP(CHANGELOG, 1)] = -1
    await table.on_recovery_completed({TP(CHANGELOG, 1)}, set())
    assert table.rows.keys() == {1}
    assert table.restored == {1}


async def test_s7_a_restore_that_fell_short_ends_the_process(
    app: VitalsApp, table: ChunkTable, ended: list[BaseException]
) -> None:
    tp = TP(CHANGELOG, 1)
    app.tables.recovery.active_offsets[tp] = 41
    app.tables.recovery.active_highwaters[tp] = 42
    with pytest.raises(Ended):
        await table.on_recovery_completed({tp}, set())
    error = ended[0]
    assert isinstance(error, NamedExit)
    assert error.code is Exit.CHANGELOG_DAMAGED
    assert f"{CHANGELOG} partition 1" in error.message
    assert "41" in error.message
    assert "42" in error.message


@pytest.mark.parametrize(
    ("reached", "wanted", "said"),
    [(41, None, "did not say where it ends"), (41, 12, "emptied or created anew")],
    ids=["nobody said", "emptied"],
)
async def test_s7_an_end_that_is_unknown_or_was_passed_ends_the_process(
    app: VitalsApp,
    table: ChunkTable,
    ended: list[BaseException],
    reached: int,
    wanted: int | None,
    said: str,
) -> None:
    tp = TP(CHANGELOG, 1)
    app.tables.recovery.active_offsets[tp] = reached
    if wanted is not None:
        app.tables.recovery.active_highwaters[tp] = wanted
    with pytest.raises(Ended):
        await table.on_recovery_completed({tp}, set())
    error = ended[0]
    assert isinstance(error, NamedExit)
    assert error.code is Exit.CHANGELOG_DAMAGED
    assert said in error.message


async def test_a_whole_restore_ends_nothing(
    app: VitalsApp, table: ChunkTable, ended: list[BaseException]
) -> None:
    tp, empty, marker = TP(CHANGELOG, 1), TP(CHANGELOG, 2), TP(CHANGELOG, 3)
    app.tables.recovery.active_offsets[tp] = 42
    app.tables.recovery.active_highwaters[tp] = 42
    app.tables.recovery.active_highwaters[empty] = -1
    app.tables.recovery.active_offsets[marker] = 8
    app.tables.recovery.active_highwaters[marker] = 7
    await table.on_recovery_completed({tp, empty, marker}, set())
    assert ended == []


async def test_s7_a_restore_that_a_rebalance_overtook_is_not_judged(
    app: VitalsApp, table: ChunkTable, ended: list[BaseException]
) -> None:
    """The partitions are those of the next restore by then: nothing of them is here yet."""
    table.apply_changelog_batch([chunk(0, (b"a", row(1)))])
    app.tables.recovery.active_highwaters[TP(CHANGELOG, 0)] = 0
    app.tables.recovery.active_offsets[TP(CHANGELOG, 0)] = 0
    app.tables.recovery.signal_recovery_start.set()
    await table.on_recovery_completed({TP(CHANGELOG, 0), TP(CHANGELOG, 1)}, set())
    assert ended == []
    assert table.active == set()
    app.tables.recovery.signal_recovery_start.clear()
    await table.on_recovery_completed({TP(CHANGELOG, 0)}, set())
    assert table.active == {0}


async def test_what_was_written_needs_no_restoring(app: VitalsApp, table: ChunkTable) -> None:
    """A rebalance restores nothing for partitions that stay. The end is the marker's offset."""
    client = await owned(app, 1)
    client.next_offset[CHANGELOG, 1] = 100
    await table.write({1: [(b"a", row(1)), (b"b", None), (HEADER_KEY, b"h")]})
    assert app.tables.recovery.active_offsets == {TP(CHANGELOG, 1): 103}
    assert [key for key, _ in client.sent[-1].records] == [b"a", b"b", HEADER_KEY]


async def owned(app: VitalsApp, *partitions: int) -> RecordingClient:
    """Take partitions over; the client through which all goes."""
    client = RecordingClient()

    async def connect(_: str) -> RecordingClient:
        return client

    app.connect = connect
    app.producer = SimpleNamespace(client=client)
    await app.own({TP(CHANGELOG, partition) for partition in partitions})
    return client


async def test_s6_a_claim_is_no_row(table: ChunkTable) -> None:
    table.apply_changelog_batch([chunk(0, (b"a", row(1)), (OWNER_KEY, None))])
    assert table.partition(0) == {b"a": row(1)}


async def test_s6_what_was_not_taken_over_is_not_written(table: ChunkTable) -> None:
    with pytest.raises(NamedExit) as raised:
        await table.write({1: [(b"a", row(1))]})
    assert raised.value.code is Exit.OWNERSHIP_LOST


@pytest.mark.parametrize("went", [False, True], ids=["stayed", "went and came back"])
async def test_s6_a_partition_that_was_away_is_taken_anew(
    app: VitalsApp, table: ChunkTable, went: bool
) -> None:
    """Another process may have registered meanwhile: the old producer would be refused."""
    client = await owned(app, 1)
    if went:
        await table.on_rebalance({TP(CHANGELOG, 1)}, {TP(CHANGELOG, 1)}, {TP(CHANGELOG, 1)}, 2)
    await app.own({TP(CHANGELOG, 1)})
    assert client.told.count("stop") == went
    claims = [key for sent in client.sent for key, _ in sent.records]
    assert claims == [OWNER_KEY] * (1 + went)
