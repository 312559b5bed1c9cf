"""The seal of a partition's rows: kept by what changes, equal to that of all rows, never fooled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partitionlog import HOUR_MS, SAAS, START_MS, Log, activation, block_of, event
from scoring.partition import PartitionFold
from scoring.row import HEADER_KEY, is_customer
from scoring.seal import Seal, Unsealed, seal_of

KEYS = st.sampled_from([b"a", b"b", b"c", b"\x00h"])
CHANGES = st.lists(st.tuples(KEYS, st.none() | st.binary(max_size=4)), max_size=30)


@given(CHANGES)
def test_s7_the_seal_follows_what_changes(changes: list[tuple[bytes, bytes | None]]) -> None:
    """Against the naive one: all rows hashed anew after each change."""
    rows: dict[bytes, bytes] = {}
    seal = Seal()
    for key, value in changes:
        seal = seal.changed(key, rows.get(key), value)
        if value is None:
            rows.pop(key, None)
        else:
            rows[key] = value
        assert seal == seal_of(rows, but=b"")
        assert seal.rows == len(rows)


def test_s7_values_that_change_places_are_noticed() -> None:
    seal = seal_of({b"a": b"1", b"b": b"2"}, but=b"")
    with pytest.raises(Unsealed, match="some of the 2 rows are not those"):
        seal.check(seal_of({b"a": b"2", b"b": b"1"}, but=b""))


def checkpointed() -> dict[bytes, bytes]:
    """Rows of two customers, and an older row of one of them beside."""
    log = Log()
    log.add(activation(SAAS), START_MS)
    for number, customer in enumerate(("acme", "cove", "acme")):
        used = event("usage.feature", START_MS, customer, feature="f", event_id=f"e{number}")
        log.add(block_of([used], number), START_MS + HOUR_MS)
        if number == 1:
            log.fold.checkpoint()
            older = dict(log.fold.rows)
    log.fold.checkpoint()
    return dict(log.fold.rows) | {b"older": older[b"acme"]}


@pytest.mark.parametrize("damage", ["none", "lost", "stale", "foreign", "header lost"])
def test_s7_a_restore_that_is_not_whole_is_named(damage: str) -> None:
    rows = checkpointed()
    older = rows.pop(b"older")
    if damage == "lost":
        rows = {key: value for key, value in rows.items() if key != b"cove"}
    elif damage == "stale":
        rows[b"acme"] = older
    elif damage == "foreign":
        rows[b"other"] = rows[b"acme"]
    elif damage == "header lost":
        del rows[HEADER_KEY]
    fold = PartitionFold(0, rows, Log().fold.policy)
    if damage in ("none", "header lost"):  # the start of reading names the latter
        fold.check_seal()
        return
    with pytest.raises(Unsealed, match="rows"):
        fold.check_seal()


def test_s7_a_checkpoint_after_a_restore_seals_what_it_restored() -> None:
    rows = checkpointed()
    del rows[b"older"]
    log = Log()
    log.fold = PartitionFold(0, rows, log.fold.policy)
    position = log.fold.header.position
    used = event("usage.feature", START_MS, "new", feature="f", event_id="e9")
    log.fold.apply(position, START_MS + HOUR_MS, block_of([used], 9))
    log.fold.checkpoint()
    assert sum(map(is_customer, rows)) == 3
    PartitionFold(0, dict(rows), log.fold.policy).check_seal()
