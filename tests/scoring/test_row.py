"""Rows: what is packed comes back, what is damaged is named, the newer one wins."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import histories
from partitionlog import START_MS, Log, canonical
from properties import examples
from scoring import row as row_module
from scoring.frozen import mark_of
from scoring.header import Header, decode_header, encode_header
from scoring.recent import thinned
from scoring.row import (
    CARD_KEY,
    HEADER_KEY,
    SEGMENT_KEY,
    Customer,
    bands_in,
    is_customer,
    newer,
    pack,
    prefix_of,
    standings,
    unpack,
)
from scoring.row_body import STATE_VERSION
from scoring.segment import Segment, decode_segment, encode_segment
from scoring.versions import NewerState, RowError

SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)


@settings(max_examples=examples(30), suppress_health_check=SLOW)
@given(histories.steps(max_size=15), st.booleans())
def test_a_customer_comes_back_as_it_was(history: list[histories.Step], tick: bool) -> None:
    """Every field, and the same bytes again; also while dirty, late, with something held."""
    log = Log()
    for step in history:
        if step.event is not None:
            log.read(step.now_ms, step.event)
        if tick:
            log.tick(step.now_ms)
    if log.fold.customers():
        customer = log.customer()
        row = pack(customer)
        again = unpack(row)
        assert canonical(again) == canonical(customer)
        assert again.position == customer.position
        assert again.recent == thinned(customer.recent)
        assert again.state == customer.state
        assert pack(again) == row


def test_the_prefix_is_read_without_the_rest() -> None:
    log = Log()
    log.read(START_MS, *histories.known("acme", START_MS))
    dirty = prefix_of(pack(log.customer()))
    assert (dirty.dirty, dirty.band, dirty.sequence, dirty.due_ms) == (True, "", 0, -1)
    log.tick(START_MS)
    customer = log.customer()
    prefix = prefix_of(pack(customer))
    assert (prefix.dirty, prefix.band) == (False, "green")
    assert prefix.version == STATE_VERSION
    assert (prefix.position, prefix.epoch) == (customer.position, START_MS)
    assert (prefix.sequence, prefix.due_ms) == (1, customer.due_ms)
    assert log.fold.card is not None
    assert prefix.card == mark_of(log.fold.card.hash, ())


def row() -> bytes:
    log = Log()
    log.read(START_MS, *histories.known("acme", START_MS))
    log.tick(START_MS)
    return pack(log.customer())


def test_a_row_cut_short_is_named() -> None:
    """Wherever it is cut: an error of its own, never half a customer."""
    whole = row()
    for length in range(len(whole)):
        with pytest.raises(RowError):
            unpack(whole[:length])


@given(st.data())
def test_a_damaged_row_is_an_error_or_a_customer(data: st.DataObject) -> None:
    """A flipped byte may be a value like any other; it is never another exception."""
    damaged = bytearray(row())
    at = data.draw(st.integers(0, len(damaged) - 1))
    damaged[at] ^= data.draw(st.integers(1, 255))
    try:
        found = unpack(bytes(damaged))
    except RowError:
        return
    assert isinstance(found, Customer)
    assert prefix_of(bytes(damaged)).band in ("", "unknown", "green", "yellow", "red")


def test_another_version_is_named() -> None:
    newer_row = bytes([STATE_VERSION + 1]) + row()[1:]
    with pytest.raises(RowError, match="state version 3; this release reads 1 and 2"):
        unpack(newer_row)
    with pytest.raises(RowError, match="shorter than its prefix"):
        prefix_of(b"\x01")
    with pytest.raises(RowError, match="damaged body"):
        unpack(row()[:60])


def test_a_band_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read, it could never be written again."""
    customer = unpack(row())
    assert customer.emitted is not None
    customer.emitted = replace(customer.emitted, band="purple")
    with monkeypatch.context() as of_another_release:
        of_another_release.setattr(row_module, "_BANDS", ("purple",))
        packed = pack(customer)
    with pytest.raises(RowError, match="damaged body: a band 'purple'"):
        unpack(packed)


def test_headers_and_segments_come_back() -> None:
    header = Header(
        position=7,
        sources={"a/0": 3},
        progress_ms={"a/0": 5},
        tick_ms=9,
        card_hash="c",
        stalled={"a": 5},
        control_offset=2,
        partitions=4,
        segments={1: 2},
        segment_next=2,
        previous_hash="b",
        began={2**32 - 1: (5, 6)},
    )
    assert decode_header(encode_header(header)) == header
    segment = Segment(5, {3: b"12345678"})
    assert decode_segment(encode_segment(segment)) == segment


@pytest.mark.parametrize("value", [b"", b"\xc1", b"\x91\xa1x", b"{}"], ids=repr)
def test_damaged_headers_and_segments_are_named(value: bytes) -> None:
    with pytest.raises(RowError, match="damaged header"):
        decode_header(value)
    with pytest.raises(RowError, match="damaged id segment"):
        decode_segment(value)
    with pytest.raises(RowError, match="a fingerprint is cut"):
        decode_segment(encode_segment(Segment(5, {3: b"1234567"})))
    with pytest.raises(RowError, match="damaged prefix"):
        prefix_of(row()[:29] + b"\xff" + row()[30:])


def test_a_header_of_another_version_is_named() -> None:
    with pytest.raises(RowError, match="state version 9"):
        decode_header(encode_header(Header(version=9)))


def test_keys_of_the_partition_are_no_customers() -> None:
    assert not any(is_customer(key) for key in (HEADER_KEY, CARD_KEY + b"x", SEGMENT_KEY + b"0"))
    assert is_customer(b"acme")


def customer_row(position: int, epoch: int = 0) -> bytes:
    customer = Customer(epoch)
    customer.position = position
    return pack(customer)


@pytest.mark.parametrize(
    ("candidate", "known", "wins"),
    [
        (customer_row(5), None, True),
        (customer_row(6), customer_row(5), True),
        (customer_row(5), customer_row(5), True),  # the same again
        (customer_row(4), customer_row(5), False),  # a frozen worker woke up
        (customer_row(5, 2), customer_row(5, 1), True),
        (customer_row(5, 1), customer_row(5, 2), False),
    ],
    ids=["first", "later", "same", "woken", "newer-epoch", "older-epoch"],
)
def test_s6_the_highest_position_wins(candidate: bytes, known: bytes | None, wins: bool) -> None:
    """S6: whatever comes last in the changelog."""
    assert newer(b"acme", candidate, known) is wins


def test_s6_the_highest_header_wins() -> None:
    old, new = encode_header(Header(position=4)), encode_header(Header(position=5))
    assert newer(HEADER_KEY, new, old)
    assert newer(HEADER_KEY, new, new)
    assert not newer(HEADER_KEY, old, new)
    assert newer(HEADER_KEY, old, None)


def test_other_rows_replace_each_other() -> None:
    assert newer(SEGMENT_KEY + b"0", b"a", b"b")


def test_s7_many_rows_are_read_as_each_of_them_is() -> None:
    """A start reads their prefixes by the million."""
    whole = {b"a": row(), b"b": row(), HEADER_KEY: b"none of these"}
    prefix = prefix_of(row())
    expected = (prefix.due_ms, prefix.flags, prefix.card)
    assert [each[1:] for each in standings(whole)] == [expected] * 2
    assert bands_in({prefix.flags: 2, 0: 5}) == {prefix.band: 2}
    with pytest.raises(RowError, match="shorter"):
        list(standings(whole | {b"c": b"\x01"}))
    with pytest.raises(NewerState):
        list(standings(whole | {b"c": b"\x63" + row()[1:]}))
    with pytest.raises(RowError, match="flags"):
        bands_in({0xFF: 1})
