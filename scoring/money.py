"""Amounts in many currencies as amounts in one: minor units, dated rates, exact arithmetic.

An amount is a whole number of its currency's minor units (cents for EUR, yen for
JPY). A converted one is in millionths of the reporting currency's major unit, as
metrics are. Rates are exact fractions, so that a file's 0.92 is 0.92.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from typing import Any

from schemas.currencies import minor_digits

__all__ = ["Rates", "RatesError", "parse_rates"]

MICRO = 1_000_000
_CODE = re.compile(r"[A-Z]{3}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_RATE = re.compile(r"\d{1,10}(?:\.\d{1,18})?", re.ASCII)
_RATE_MIN, _RATE_MAX = Decimal("1e-9"), Decimal("1e9")
_EPOCH = date(1970, 1, 1).toordinal()
_Problems = list[tuple[tuple[str, ...], str]]


class RatesError(ValueError):
    """What is wrong with rates: (where, message) pairs; *where* is a path of keys."""

    def __init__(self, problems: _Problems) -> None:
        super().__init__("; ".join(f"{'.'.join(where)}: {what}" for where, what in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates to one reporting currency.

    ``dated`` has for each other currency the day numbers (UTC days since 1970-01-01,
    ascending) from which on each of its rates holds, and the rates: how much of the
    reporting currency's major unit one major unit is worth.
    """

    currency: str
    dated: Mapping[str, tuple[tuple[int, ...], tuple[Fraction, ...]]]

    def rate(self, currency: str, day_no: int) -> Fraction | None:
        """The currency's latest rate at or before the day; before its first, the first.

        None without any; 1 for the reporting currency, which an amount without one is in.
        """
        if currency in (self.currency, ""):  # nobody said which: the one that is reported in
            return Fraction(1)
        found = self.dated.get(currency)
        if found is None:
            return None
        days, rates = found
        return rates[max(bisect_right(days, day_no) - 1, 0)]

    def convert(self, amount_minor: int, currency: str, day_no: int) -> int | None:
        """The amount in millionths of the reporting currency's major unit, rounded down.

        None if there is no rate for the currency: an amount of unknown worth is no data.
        """
        rate = self.rate(currency, day_no)
        if rate is None:
            return None
        per_major: int = 10 ** minor_digits(currency)
        return amount_minor * MICRO * rate.numerator // (rate.denominator * per_major)

    @property
    def fingerprint(self) -> str:
        """Which currency, and a short digest of all rates: the same for the same rates."""
        told = repr(sorted(self.dated.items())) if self.dated else ""
        return (
            f"{self.currency} {sha256(told.encode()).hexdigest()[:12]}" if told else self.currency
        )

    def next_change_ms(self, currency: str, day_no: int) -> int | None:
        """When the currency's next rate begins to hold, Unix milliseconds; None: never."""
        days, _ = self.dated.get(currency, ((), ()))
        at = bisect_right(days, day_no)
        return days[at] * 86_400_000 if at < len(days) else None


def parse_rates(mapping: Any, currency: str) -> Rates:
    """The rates in a file's mapping, ``currency`` being the one that is reported in.

    ``{USD: {2026-01-01: 0.92, 2026-04-01: 0.9}, GBP: 1.17}``: from New Year on one USD is
    worth 0.92, one GBP is worth 1.17 at any time. Days may be texts or dates.

    Raises:
        RatesError: with every problem found.
    """
    if not isinstance(mapping, Mapping):
        raise RatesError([((), "expected currencies with their rates")])
    problems: _Problems = []
    dated: dict[str, tuple[tuple[int, ...], tuple[Fraction, ...]]] = {}
    for code, told in mapping.items():
        where = (str(code),)
        if not isinstance(code, str) or _CODE.fullmatch(code) is None:
            problems.append((where, "expected an ISO 4217 code, such as USD"))
            continue
        by_day = _by_day(told, where, problems)
        if code == currency:
            if any(rate != 1 for rate in by_day.values()):
                problems.append((where, "is the currency reported in: its rate is 1, leave it out"))
            continue
        dated[code] = (tuple(sorted(by_day)), tuple(by_day[day] for day in sorted(by_day)))
    if problems:
        raise RatesError(problems)
    return Rates(currency, dated)


def _by_day(told: Any, where: tuple[str, ...], problems: _Problems) -> dict[int, Fraction]:
    """Rates by day number; a single rate holds from day 0 on, and before it as the first."""
    if not isinstance(told, Mapping):
        rate = _rate(told, where, problems)
        return {} if rate is None else {0: rate}
    if not told:
        problems.append((where, "expected at least one day with its rate"))
    found: dict[int, Fraction] = {}
    for day, text in told.items():
        day_no = _day_no(day)
        if day_no is None:
            problems.append(((*where, str(day)), "expected a day, such as 2026-01-01"))
        elif day_no in found:
            problems.append(((*where, str(day)), "a second rate from the same day on"))
        rate = _rate(text, (*where, str(day)), problems)
        if day_no is not None and rate is not None:
            found[day_no] = rate
    return found


def _day_no(day: Any) -> int | None:
    if isinstance(day, str) and _DAY.fullmatch(day):
        try:
            day = date.fromisoformat(day)
        except ValueError:
            return None
    # A datetime is a date too, and has a time of day that would be lost.
    return day.toordinal() - _EPOCH if type(day) is date else None


def _rate(told: Any, where: tuple[str, ...], problems: _Problems) -> Fraction | None:
    """An exact rate: a float is taken as it is written, not as the nearest binary fraction."""
    rate = None
    if isinstance(told, str) and _RATE.fullmatch(told):
        rate = Decimal(told)
    elif isinstance(told, int | float | Decimal) and not isinstance(told, bool):
        rate = Decimal(repr(told) if isinstance(told, float) else told)
    if rate is None or not rate.is_finite() or not _RATE_MIN <= rate <= _RATE_MAX:
        problems.append((where, "expected a rate from 0.000000001 to 1000000000, such as 0.92"))
        return None
    return Fraction(rate)
