"""The file of a snapshot: what comes back, and that nothing damaged does."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.engine import snapshot_file
from streams.engine.snapshot_file import PARTIAL, Mark, Unfit, mark_of, read, write

ROWS = {b"c%d" % n: bytes([n % 251]) * (n % 40) for n in range(3000)}


def mark(rows: dict[bytes, bytes]) -> Mark:
    return Mark("health.customers.v1", "id", 3, 41, 1_000, len(rows))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "3"
    write(found, mark(ROWS), ROWS)
    return found


@given(st.dictionaries(st.binary(max_size=40), st.binary(max_size=300), max_size=60))
def test_what_was_written_comes_back(
    tmp_path_factory: pytest.TempPathFactory, rows: dict[bytes, bytes]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    size = write(path, mark(rows), rows)
    assert read(path) == (mark(rows), rows)
    assert mark_of(path) == mark(rows)
    assert path.stat().st_size == size


def test_it_is_for_its_owner_alone(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_byte_changed_anywhere_is_found(path: Path) -> None:
    whole = path.read_bytes()
    for at in {*range(400), *range(0, len(whole), 997), *range(len(whole) - 40, len(whole))}:
        for changed in (whole[at] ^ 1, whole[at] ^ 0x80, 0xFF - whole[at]):
            path.write_bytes(whole[:at] + bytes([changed]) + whole[at + 1 :])
            with pytest.raises(Unfit):
                read(path)


def test_half_a_file_is_found(path: Path) -> None:
    whole = path.read_bytes()
    for size in {*range(300), *range(0, len(whole), 991), *range(len(whole) - 40, len(whole))}:
        path.write_bytes(whole[:size])
        with pytest.raises(Unfit):
            read(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(Unfit, match="behind its end"):
        read(path)


def test_a_format_of_another_release_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_file, "FORMAT", 2)
    with pytest.raises(Unfit, match="format 1; this release reads 2"):
        mark_of(path)


def test_another_number_of_rows_is_found(path: Path) -> None:
    write(path, mark({**ROWS, b"x": b""}), ROWS)
    with pytest.raises(Unfit, match="3000 rows, and says 3001"):
        read(path)


def test_whoever_has_no_time_left_reads_no_further(path: Path) -> None:
    with pytest.raises(Unfit, match="too long"):
        read(path, lambda: False)


def test_killed_or_refused_while_it_is_written_the_old_one_is_there(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new one has no name before it is whole and on disk."""
    for call in ("fsync", "fdopen"):

        def refused(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(os, call, refused)
            with pytest.raises(OSError, match="No space"):
                write(path, mark({}), {})
        assert read(path) == (mark(ROWS), ROWS)
        assert list(path.parent.glob(f"*{PARTIAL}")) == []
