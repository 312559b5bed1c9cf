"""What was told, in a row: whatever it was, it comes back, in each state version."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from properties import examples
from scoring.classes import Place
from scoring.emitted import Emitted
from scoring.row import Customer, pack, unpack
from scoring.row_body import CODECS
from scoring.told_form import pack_told, unpack_told

INT64 = st.integers(-(2**63) + 1, 2**63 - 1)
NAMES = st.sampled_from(["depth", "trend", "last_use", "é", ""]) | st.text(max_size=3)
POINTS = st.none() | st.integers(-10_000, 10_000)
VALUES = st.none() | INT64 | st.text(max_size=3)
LINES = st.lists(
    st.tuples(
        NAMES,
        st.sampled_from(["measure", "measure", "respread", "child", ""]),
        st.integers(-10_000, 10_000),
        POINTS,
        VALUES,
        st.sampled_from([0, 87_500, 35_000, 2_500, -5]) | INT64,
    ),
    max_size=6,
)
PLACES = st.dictionaries(
    st.sampled_from(["segment", "stage", "outlook"]), st.tuples(NAMES, st.integers(0, 2**41))
)
CARDS = st.sampled_from(["", "c", "AB" * 32, "ab" * 32, "ab cd", "0" * 63])


@st.composite
def told(draw: st.DrawFn) -> Emitted:
    """Lines that are alike and unlike, further scores that have some of them and others."""
    lines = draw(LINES)
    others = []
    for name in draw(st.lists(NAMES, max_size=3)):
        some = draw(st.lists(st.sampled_from(lines), max_size=4)) if lines else []
        again = [(*line[:2], draw(st.integers(0, 9)), *line[3:5], draw(INT64)) for line in some]
        others.append((name, draw(POINTS), draw(st.none() | NAMES), 5, again + draw(LINES)[:1]))
    return Emitted(
        5, draw(CARDS), 9_679, "green", "A", 565_000, lines, ["o"], ("red", 1, 2), "first",
        "because", -4, [("depth", "measure", 3)], [], 77, {"seats": 19}, draw(PLACES),
        others=others, frozen={"depth": 3},
    )  # fmt: skip


@settings(max_examples=examples(300))
@given(told(), PLACES, st.booleans())
def test_whatever_was_told_comes_back(emitted: Emitted, found: Any, alike: bool) -> None:
    """Exactly, types and order of lines too, whatever places the last evaluation found."""
    places = {k: Place(*p) for k, p in (emitted.places if alike else found).items()}
    again = unpack_told(pack_told(emitted, places), places)
    assert again == emitted
    encode = msgspec.msgpack.Encoder(order="deterministic").encode
    assert encode(again) == encode(emitted)
    assert again is not None
    assert all(type(place) is tuple for place in again.places.values())


@settings(max_examples=examples(100))
@given(told(), PLACES)
def test_s16_a_row_of_each_version_says_the_same(emitted: Emitted, found: Any) -> None:
    """Also when it is read in one version and written in the other."""
    customer = Customer(1)
    customer.emitted = emitted
    customer.past = msgspec.structs.replace(
        customer.past, places={k: Place(*p) for k, p in found.items()}
    )
    rows = {version: pack(customer, version) for version in CODECS}
    for version, row in rows.items():
        again = unpack(row)
        assert again.emitted == emitted
        assert {other: pack(again, other) for other in (version, *CODECS)} == rows


def test_places_that_change_after_it_was_told_are_kept_apart() -> None:
    customer = Customer(1)
    places = {"segment": ("small", 5)}
    customer.emitted = Emitted(
        5, "ab" * 32, 1, "green", None, 1, [], [], None, "", "", None, [], [], None, places=places
    )
    for name in ("small", "large", "small"):
        found = {"segment": Place(name, 5)}
        customer.past = msgspec.structs.replace(customer.past, places=found)
        again = unpack(pack(customer))
        assert again.emitted == customer.emitted
        assert again.past.places == found


def damaged(change: Callable[[list[Any]], None]) -> bytes:
    emitted = Emitted(
        5, "ab" * 32, 1, "green", None, 1, [("a", "respread", 1, None, None, 6)], [], None, "", "",
        None, [], [], None, others=[("o", 1, None, 1, [("a", "respread", 1, None, None, 6)])],
    )  # fmt: skip
    fields = msgspec.msgpack.decode(pack_told(emitted, {}), strict=False)
    change(fields)
    return msgspec.msgpack.encode(fields)


CHANGES: dict[str, Callable[[list[Any]], None]] = {
    "a column is short": lambda told: told[2][0].append("b"),
    "a kind of no line": lambda told: told[2][1].update({7: "respread"}),
    "a kind before all lines": lambda told: told[2][1].update({-1: "respread"}),
    "a weight without measure": lambda told: told[2].__setitem__(6, [2**62]),
    "a further line of none": lambda told: told[3][0][0].__setitem__(0, 1),
    "a further line before all": lambda told: told[3][0][0].__setitem__(0, -1),
    "a further score of none": lambda told: told[3].append(None),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_damaged_is_named(change: Callable[[list[Any]], None]) -> None:
    with pytest.raises((msgspec.MsgspecError, ValueError)):
        unpack_told(damaged(change), {})
    assert unpack_told(damaged(lambda _: None), {}) is not None
