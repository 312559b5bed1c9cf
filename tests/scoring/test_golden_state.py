"""Rows of each state version that was released: read, understood, and written as they were.

Files of a version are written once (tests/golden_state.py) and never again.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import msgspec
import pytest

from golden_state import GOLDEN, healths_of_fold
from partitionlog import card_of
from scoring.emitted import Emitted
from scoring.header import Header, decode_header, encode_header
from scoring.partition import FoldPolicy, PartitionFold
from scoring.row import (
    CARD_KEY,
    HEADER_KEY,
    PERCENTILES_KEY,
    SEGMENT_KEY,
    Customer,
    is_customer,
    pack,
    unpack,
)
from scoring.row_body import CODECS, STATE_VERSION
from scoring.segment import decode_segment, encode_segment
from scoring.series import Shape
from scoring.state import CustomerState
from scoring.versions import NewerState
from streams.state_copies.file import StateReader

FILES = sorted(GOLDEN.glob("*.vitals"))
NEWEST = GOLDEN / f"state-v{STATE_VERSION}.vitals"
CHANGED = (
    "the rows of a released state version are written otherwise: a release that is rolled back to"
    " could not read them. Bring a new state version (scoring/row.py: STATE_VERSION, CODECS), keep"
    " the codec of this one as it was, and write the files of the new one with"
    " `python tests/golden_state.py`"
)


@lru_cache
def pieces_of(path: Path) -> list[dict[bytes, bytes]]:
    """The rows of each partition in a file."""
    with path.open("rb") as source:
        return [piece.rows for piece in StateReader(source).pieces()]


def folds_of_file(path: Path) -> list[PartitionFold]:
    policy = FoldPolicy(card_of)
    return [PartitionFold(n, dict(rows), policy) for n, rows in enumerate(pieces_of(path))]


def test_s16_each_state_version_has_its_rows() -> None:
    assert [path.stem for path in FILES] == [f"state-v{version}" for version in sorted(CODECS)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_s16_golden_rows_give_the_healths_of_their_time(path: Path) -> None:
    """All keys are read, the seals hold, and nobody's score or band is another."""
    found = {}
    for fold in folds_of_file(path):
        fold.check_seal()
        assert all(fold.customer(customer_id) is not None for customer_id in fold.customers())
        found |= healths_of_fold(fold)
    assert json.loads(json.dumps(found)) == json.loads(path.with_suffix(".json").read_text())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_s16_golden_rows_are_written_as_they_were(path: Path) -> None:
    """Byte by byte: a format that changed in silence is found here."""
    version = int(path.stem.rpartition("v")[2])
    for rows in pieces_of(path):
        for key, row in rows.items():
            assert _again(key, row, version) == row, f"{key!r}: {CHANGED}"


def _again(key: bytes, row: bytes, version: int) -> bytes:
    if is_customer(key):
        customer = unpack(row)
        customer.packed_emitted = (None, 0, {}, b"")  # pack it anew
        return pack(customer, version)
    if key == HEADER_KEY:
        return encode_header(decode_header(row))
    if key.startswith(SEGMENT_KEY):
        return encode_segment(decode_segment(row))
    return row


def test_s16_the_newest_rows_have_all_that_a_row_can_have() -> None:
    """A new field needs a golden row that has it."""
    folds = folds_of_file(NEWEST)
    customers = [c for f in folds for i in f.customers() if (c := f.customer(i)) is not None]
    assert _never_set(CustomerState(), [one.state for one in customers]) == set()
    told = [one.emitted for one in customers if one.emitted is not None]
    never = {n for n in Emitted.__struct_fields__ if not any(getattr(one, n) for one in told)}
    assert never == {"events"}  # it is always empty
    assert _never_set(Header(version=0), [fold.header for fold in folds]) == set()
    assert any(one.late for one in customers)
    assert any(one.dirty for one in customers)
    assert any(one.kin for one in customers)
    assert any(one.recent for one in customers)
    keys = {key[:2] for fold in folds for key in fold.rows if not is_customer(key)}
    assert keys == {HEADER_KEY, CARD_KEY, SEGMENT_KEY, PERCENTILES_KEY}
    shapes = {one.shape for fold in folds for one in fold._cards.plan.series.values()}
    assert shapes == set(Shape)


def _never_set(default: msgspec.Struct, found: Sequence[msgspec.Struct]) -> set[str]:
    return {
        name
        for name in default.__struct_fields__
        if all(getattr(one, name) == getattr(default, name) for one in found)
    }


def test_s16_a_version_that_is_not_known_is_named() -> None:
    """Whichever key of a golden partition is met first."""
    newer = max(CODECS) + 1
    rows = pieces_of(NEWEST)[0]
    customer = next(row for key, row in rows.items() if is_customer(key))
    with pytest.raises(NewerState, match=f"state version {newer}; this release reads"):
        unpack(bytes([newer]) + customer[1:])
    header = msgspec.structs.replace(decode_header(rows[HEADER_KEY]), version=newer)
    with pytest.raises(NewerState, match=f"state version {newer}; this release reads"):
        PartitionFold(0, dict(rows) | {HEADER_KEY: encode_header(header)}, FoldPolicy(card_of))


def test_s16_customers_of_all_golden_partitions_are_counted() -> None:
    """Against a file that lost customers when it was written."""
    customers = [len(fold.customers()) for fold in folds_of_file(NEWEST)]
    assert sum(customers) == 13
    assert isinstance(folds_of_file(NEWEST)[0].customer("déjà-vu"), Customer)
