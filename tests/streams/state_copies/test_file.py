"""The file of a copy: what is written comes back; cut or changed anywhere, it is refused."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partitionlog import START_MS, Log, event
from scoring.row import HEADER_KEY
from streams.exits import Exit, NamedExit
from streams.state_copies.bringing_back import checked
from streams.state_copies.file import (
    FORMAT,
    BrokenCopy,
    Manifest,
    NewerCopy,
    Piece,
    StateReader,
    StateWriter,
)

AT = datetime(2026, 11, 27, tzinfo=UTC)
ROWS = st.dictionaries(st.binary(max_size=4), st.binary(max_size=8), max_size=4)


def written(*pieces: dict[bytes, bytes]) -> bytes:
    out = io.BytesIO()
    writer = StateWriter(out, Manifest("customers", len(pieces), "1.0", AT))
    for partition, rows in enumerate(pieces):
        writer.add(partition, rows)
    writer.finish()
    return out.getvalue()


def read(data: bytes) -> list[Piece]:
    return list(StateReader(io.BytesIO(data)).pieces())


@given(st.lists(ROWS, max_size=3))
def test_what_is_written_comes_back(pieces: list[dict[bytes, bytes]]) -> None:
    data = written(*pieces)
    assert read(data) == [Piece(number, rows) for number, rows in enumerate(pieces)]
    assert StateReader(io.BytesIO(data)).manifest == Manifest("customers", len(pieces), "1.0", AT)


WHOLE = written({b"acme": b"12", HEADER_KEY: b"h"}, {}, {b"cove": b""})


@pytest.mark.parametrize("length", range(len(WHOLE)))
def test_a_file_that_was_cut_is_refused(length: int) -> None:
    with pytest.raises(BrokenCopy):
        read(WHOLE[:length])


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_a_changed_byte_is_noticed(at: int, bits: int) -> None:
    changed = bytearray(WHOLE)
    changed[at] ^= bits
    with pytest.raises(BrokenCopy):
        read(bytes(changed))


def test_what_stands_behind_the_end_is_noticed() -> None:
    with pytest.raises(BrokenCopy, match="behind its end"):
        read(WHOLE + b"x")


def test_a_newer_format_is_named() -> None:
    newer = WHOLE.replace(FORMAT.to_bytes(2, "big"), (FORMAT + 1).to_bytes(2, "big"), 1)
    with pytest.raises(NewerCopy, match="format 2; this release reads 1"):
        read(newer)


def rows_of_a_customer() -> dict[bytes, bytes]:
    log = Log()
    log.read(START_MS, event("usage.feature", START_MS, feature="f"))
    log.tick(START_MS)
    log.fold.checkpoint()
    return dict(log.rows)


@pytest.mark.parametrize("damage", ["none", "row", "header", "newer row", "damaged row"])
def test_s7_rows_that_are_not_whole_are_refused_before_anything_is_written(
    tmp_path: Path, damage: str
) -> None:
    """The file's own sum holds: it was written so."""
    rows = rows_of_a_customer()
    if damage == "row":
        del rows[b"acme"]
    elif damage == "header":
        del rows[HEADER_KEY]
    elif damage == "newer row":
        rows[b"acme"] = b"\x63" + rows[b"acme"][1:]
    elif damage == "damaged row":
        rows[b"acme"] = rows[b"acme"][:-1]
    path = tmp_path / "state"
    path.write_bytes(written(rows))
    policy = Log().fold.policy
    if damage == "none":
        found = checked(path, policy)
        assert (found.rows, found.positions) == (len(rows), {0: 3})
        return
    with pytest.raises(NamedExit) as refused:
        checked(path, policy)
    newer = damage == "newer row"
    assert refused.value.code is (Exit.STATE_VERSION if newer else Exit.USAGE)
    assert str(path) in refused.value.message


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NamedExit, match="No such file") as refused:
        checked(tmp_path / "none", Log().fold.policy)
    assert refused.value.code is Exit.USAGE
