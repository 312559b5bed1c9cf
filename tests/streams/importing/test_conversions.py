"""From a cell's text to a value, or to a reason."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.base import parse_time
from streams.importing.conversions import (
    add_span,
    boolean_reader,
    integer,
    minor_units,
    number,
    rfc3339,
    scaled,
    scaled_integer,
    time_reader,
)
from streams.importing.rejects import CellError, RejectReason


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0), ("-7", -7), ("+3", 3), ("14.0", 14), ("007", 7)]
)
def test_a_whole_number_is_read(text: str, value: int) -> None:
    assert integer(text) == value


@pytest.mark.parametrize(
    "text", ["14.5", "1e3", "1,400", "1_000", "٣", "", " 1", "nan", "0x1", "9" * 31]
)
def test_what_is_not_clearly_whole_is_refused(text: str) -> None:
    with pytest.raises(CellError) as caught:
        integer(text)
    assert caught.value.reason is RejectReason.BAD_INTEGER


@pytest.mark.parametrize(
    ("text", "value"), [("4.0", 4.0), ("7", 7), ("-0.5", -0.5), (".5", 0.5), ("1e3", 1000.0)]
)
def test_a_number_is_read(text: str, value: float) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity", "1e999", "1,5", "1 000", "٣.٥", "--1"])
def test_what_is_no_finite_number_is_refused(text: str) -> None:
    with pytest.raises(CellError) as caught:
        number(text)
    assert caught.value.reason is RejectReason.BAD_NUMBER


def test_scaling_is_decimal() -> None:
    """1.1 times 100 is 110 and an integer, as people expect."""
    assert scaled(1.1, 100) == 110
    assert isinstance(scaled(1.1, 100), int)
    assert scaled_integer("0.29", 100) == 29
    with pytest.raises(CellError):
        scaled_integer("0.295", 100)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("19.99", "EUR", 1999),
        ("19.9", "EUR", 1990),
        ("-0.01", "USD", -1),
        ("2786", "USD", 278_600),
        ("500", "JPY", 500),
        ("500.0", "JPY", 500),
        ("1.234", "KWD", 1234),
        ("19.990", "EUR", 1999),
    ],
)
def test_an_amount_becomes_minor_units_of_its_currency(
    text: str, currency: str, minor: int
) -> None:
    assert minor_units(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("0.005", "USD"),
        ("1.5", "JPY"),
        ("1,99", "EUR"),
        ("€5", "EUR"),
        ("1e999", "EUR"),
        ("", "EUR"),
    ],
)
def test_an_amount_is_never_rounded_or_guessed(text: str, currency: str) -> None:
    with pytest.raises(CellError) as caught:
        minor_units(text, currency)
    assert caught.value.reason is RejectReason.BAD_AMOUNT


def test_words_for_true_and_false() -> None:
    read = boolean_reader(None, None)
    assert [read(word) for word in ("True", "YES", "1", "false", "No", "0")] == [True] * 3 + [
        False
    ] * 3
    german = boolean_reader(("ja",), ("nein",))
    assert german("JA") is True
    assert german("nein") is False
    with pytest.raises(CellError):
        german("yes")


@pytest.mark.parametrize(
    ("format_", "zone", "at", "text", "expected"),
    [
        (None, None, None, "2026-03-01T10:30:00+01:00", "2026-03-01T09:30:00Z"),
        ("%Y-%m-%d", "UTC", "12:00", "2026-03-01", "2026-03-01T12:00:00Z"),
        ("%Y-%m-%d", "Europe/Berlin", None, "2026-07-01", "2026-06-30T22:00:00Z"),
        ("%Y-%m-%d %H:%M:%S", "UTC", None, "2026-03-01 03:00:07", "2026-03-01T03:00:07Z"),
        ("%Y-%m-%dT%H:%M:%S", "Asia/Tokyo", None, "2026-03-01T09:00:00", "2026-03-01T00:00:00Z"),
        ("%Y%m%d", "UTC", "12:00", "19970101", "1997-01-01T12:00:00Z"),
        ("%d/%m/%Y %H:%M", "UTC", None, "01/03/2026 09:30", "2026-03-01T09:30:00Z"),
        ("%Y-%m-%d %H:%M:%S %z", None, None, "2026-03-01 09:30:00 +0200", "2026-03-01T07:30:00Z"),
        ("unix_s", None, None, "1772357400", "2026-03-01T09:30:00Z"),
        ("unix_ms", None, None, "1772357400250", "2026-03-01T09:30:00.250000Z"),
        # The hour that comes twice when the clocks go back is taken the first time.
        ("%Y-%m-%d %H:%M:%S", "Europe/Berlin", None, "2026-10-25 02:30:00", "2026-10-25T00:30:00Z"),
    ],
)
def test_a_time_becomes_an_instant(
    format_: str | None, zone: str | None, at: str | None, text: str, expected: str
) -> None:
    assert rfc3339(time_reader(format_, zone, at)(text)) == expected


@pytest.mark.parametrize(
    ("format_", "zone", "text"),
    [
        (None, None, "2026-03-01T10:30:00"),
        ("%Y-%m-%d", "UTC", "2026-3-1"),
        ("%Y-%m-%d", "UTC", "20260301"),
        ("%Y-%m-%d", "UTC", "2026-02-30"),
        ("%Y-%m-%d", "UTC", "2026-03-01 00:00:00"),
        ("%Y-%m-%d %H:%M:%S", "UTC", "2026-03-01T00:00:00"),
        ("%Y-%m-%d %H:%M:%S", "UTC", "2026-03-01 24:00:00"),
        ("%Y%m%d", "UTC", "yesterday"),
        ("unix_s", None, "1e300"),
        ("unix_s", None, "soon"),
        # The hour that the clocks skip in spring.
        ("%Y-%m-%d %H:%M:%S", "Europe/Berlin", "2026-03-29 02:30:00"),
    ],
)
def test_an_unclear_time_is_refused(format_: str | None, zone: str | None, text: str) -> None:
    with pytest.raises(CellError) as caught:
        time_reader(format_, zone, None)(text)
    assert caught.value.reason is RejectReason.BAD_TIME


@given(st.datetimes(datetime(1, 1, 2), datetime(9998, 12, 31)))  # noqa: DTZ001 - made aware next
def test_every_instant_that_is_written_is_read_by_the_schemas(moment: datetime) -> None:
    at = moment.replace(tzinfo=UTC, year=max(moment.year, 2))
    assert parse_time(rfc3339(at)) == at


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [
        ((2024, 1, 31), 1, (2024, 2, 29)),
        ((2023, 1, 31), 1, (2023, 2, 28)),
        ((2024, 1, 31), 2, (2024, 3, 31)),
        ((2024, 12, 15), 1, (2025, 1, 15)),
        ((2024, 2, 29), 12, (2025, 2, 28)),
        ((2024, 1, 15), -1, (2023, 12, 15)),
    ],
)
def test_months_are_calendar_months(
    start: tuple[int, int, int], months: int, expected: tuple[int, int, int]
) -> None:
    assert add_span(datetime(*start, tzinfo=UTC), months, 0, 0) == datetime(*expected, tzinfo=UTC)


def test_a_span_out_of_the_calendar_is_refused() -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    for span in ((10**6, 0, 0), (0, 10**9, 0), (0, 0, 10**13), (-30_000, 0, 0)):
        with pytest.raises(CellError):
            add_span(start, *span)
