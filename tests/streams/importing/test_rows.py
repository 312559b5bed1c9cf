"""Rows through a mapping: formats, conditions, look-ups, repetitions, rejects."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.inbound import Rejection, parse
from streams.exits import Exit, NamedExit
from streams.importing.ledger import Ledger, Mapped
from streams.importing.mapping_file import load_mapping
from streams.importing.rows import map_files

MAPPING = """
mapping: shop
source: shop
lookups:
  owner_of: {file: "cards.csv*", key: card, value: customer}
inputs:
  - file: "orders.*"
    emit:
      - type: usage.activity
        when: [{column: kind, not_in: [test]}]
        fields:
          event_id: "order-{id}"
          customer_id: {lookup: owner_of, key: card}
          occurred_at: {column: day, as: time, format: "%Y-%m-%d", zone: UTC, at: "12:00"}
          activity: {column: kind, map: {buy: order, look: visit}, default: order}
          amount_minor: {column: amount, as: minor_units, currency_column: currency}
          currency: "{currency}"
          rating: {column: stars, as: number}
      - type: engagement.feedback
        skip_empty: [stars]
        when: [{column: stars, above: 3}]
        fields:
          event_id: "praise-{id}"
          customer_id: {lookup: owner_of, key: card}
          occurred_at: {column: day, as: time, format: "%Y-%m-%d", zone: UTC, at: "12:00"}
          sentiment: positive
"""
HEADER = ["id", "card", "day", "kind", "amount", "currency", "stars"]
CARDS = "card,customer\nC1,acme\nC2,globex\nC3,one\nC3,other\n"
GOOD = ["1", "C1", "2026-03-01", "buy", "19.99", "EUR", "5"]


class Shop:
    """A folder with a mapping and its files, and what importing them gave."""

    def __init__(self, folder: Path, mapping: str = MAPPING) -> None:
        self.folder = folder
        self.listed = io.StringIO()
        self.ledger = Ledger(rejects_file=self.listed)
        self.put("mapping.yaml", mapping)
        self.put("cards.csv", CARDS)

    def put(self, name: str, content: str | bytes) -> Path:
        data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
        (self.folder / name).write_bytes(data)
        return self.folder / name

    def run(self, *names: str) -> list[Mapped]:
        mapping = load_mapping(self.folder / "mapping.yaml")
        return list(map_files(mapping, [self.folder / name for name in names], self.ledger))

    def events(self, *names: str) -> list[dict[str, Any]]:
        return [json.loads(mapped.raw) for mapped in self.run(*names)]

    @property
    def rejects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.listed.getvalue().splitlines()]


def table(*rows: list[str], delimiter: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([HEADER, *rows])
    return text.getvalue()


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_a_row_becomes_the_events_that_its_mapping_says(shop: Shop) -> None:
    shop.put("orders.csv", table(GOOD))
    order, praise = shop.events("orders.csv", "cards.csv")
    assert order == {
        "event_id": "order-1",
        "customer_id": "acme",
        "occurred_at": "2026-03-01T12:00:00Z",
        "source": "shop",
        "schema_version": "1.0",
        "type": "usage.activity",
        "activity": "order",
        "amount_minor": 1999,
        "currency": "EUR",
        "rating": 5,
    }
    assert praise["event_id"] == "praise-1"
    assert praise["sentiment"] == "positive"
    assert (shop.ledger.rows, shop.ledger.rows_with_events) == (1, 1)


def jsonl(row: list[str]) -> str:
    return json.dumps(dict(zip(HEADER, row, strict=True))) + "\n\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("orders.csv", table(GOOD).encode()),
        ("orders.csv.gz", gzip.compress(table(GOOD).encode(), mtime=0)),
        ("orders.csv", gzip.compress(table(GOOD).encode(), mtime=0)),
        ("orders.csv", b"\xef\xbb\xbf" + table(GOOD).encode()),
        ("orders.csv", table(GOOD).replace("\r\n", "\n").encode()),
        ("orders.csv", (table(GOOD) + "\r\n\r\n").encode()),
        ("orders.tsv", table(GOOD, delimiter="\t").encode()),
        ("orders.jsonl", jsonl(GOOD).encode()),
        ("orders.ndjson.gz", gzip.compress(jsonl(GOOD).encode(), mtime=0)),
    ],
)
def test_every_format_gives_the_same_events(shop: Shop, name: str, content: bytes) -> None:
    """CSV, TSV, JSON lines; gzip is told by the bytes, not by the name."""
    expected = Shop(shop.folder)
    expected.put("orders.csv", table(GOOD))
    reference = [mapped.raw for mapped in expected.run("orders.csv", "cards.csv")]
    shop.put(name, content)
    assert [mapped.raw for mapped in shop.run(name, "cards.csv")] == reference
    assert len(reference) == 2


def test_white_space_and_named_columns(tmp_path: Path) -> None:
    """A file without a header, its columns named by the mapping."""
    mapping = MAPPING.replace(
        '  - file: "orders.*"',
        f'  - file: "orders.*"\n    delimiter: whitespace\n    columns: {json.dumps(HEADER)}',
    )
    shop = Shop(tmp_path, mapping)
    shop.put(
        "orders.txt", "  1  C1 2026-03-01   buy 19.99 EUR 5 \n\n2 C2 2026-03-02 look 1 EUR 1\n"
    )
    assert [event["event_id"] for event in shop.events("orders.txt", "cards.csv")] == [
        "order-1",
        "praise-1",
        "order-2",
    ]


def test_json_values_are_read_like_cells(tmp_path: Path) -> None:
    """Numbers, booleans, null and nested objects."""
    mapping = MAPPING.replace("{column: stars", "{column: review.stars").replace(
        "skip_empty: [stars]", "skip_empty: [review.stars]"
    )
    shop = Shop(tmp_path, mapping)
    row = {"id": 1, "card": "C1", "day": "2026-03-01", "kind": "buy", "amount": 19.99}
    shop.put(
        "orders.jsonl",
        json.dumps({**row, "currency": "EUR", "review": {"stars": 4.5}})
        + "\n"
        + json.dumps({**row, "id": 2, "currency": "EUR", "review": None, "amount": None})
        + "\n"
        + json.dumps({**row, "id": 3, "currency": "EUR", "kind": ["buy"]}),
    )
    first, praise, second = shop.events("orders.jsonl", "cards.csv")
    assert (first["event_id"], first["rating"], first["amount_minor"]) == ("order-1", 4.5, 1999)
    assert praise["event_id"] == "praise-1"
    assert "rating" not in second
    assert "amount_minor" not in second
    assert [reject["reason"] for reject in shop.rejects] == ["bad_value"]


def test_an_empty_cell_leaves_a_field_out_or_takes_the_default(shop: Shop) -> None:
    shop.put("orders.csv", table(["1", "C1", "2026-03-01", "", "", "", ""]))
    (event,) = shop.events("orders.csv", "cards.csv")
    assert event["activity"] == "order"
    assert {"amount_minor", "currency", "rating"}.isdisjoint(event)


def test_a_row_that_meets_no_condition_is_counted_as_such(shop: Shop) -> None:
    shop.put("orders.csv", table(["1", "C1", "2026-03-01", "test", "", "", "3"]))
    assert shop.events("orders.csv", "cards.csv") == []
    assert shop.ledger.rows_without_events == 1
    assert shop.ledger.rows_rejected == 0


def changed(column: str, value: str) -> list[str]:
    row = list(GOOD)
    row[HEADER.index(column)] = value
    return row


@pytest.mark.parametrize(
    ("row", "reason", "named"),
    [
        (changed("card", "C9"), "lookup_miss", "owner_of has no key 'C9'"),
        (changed("card", "C3"), "lookup_ambiguous", "owner_of has more than one value for 'C3'"),
        (changed("card", ""), "missing_value", "customer_id"),
        (changed("id", ""), "missing_value", "event_id"),
        (changed("day", "01.03.2026"), "bad_time", "occurred_at: '01.03.2026'"),
        (changed("kind", "steal"), "not_in_map", "'steal' is none of buy, look"),
        (changed("amount", "1.999"), "bad_amount", "more decimals than EUR"),
        (changed("currency", "Euro"), "bad_amount", "'EURO' is not a currency code"),
        (changed("stars", "many"), "bad_number", "'many'"),
        (changed("stars", "1e12"), "invalid_event", "rating"),
        (changed("id", "x" * 300), "invalid_event", "event_id"),
        (changed("id", "a\x07b"), "invalid_event", "event_id"),
        (GOOD[:-1], "wrong_cells", "6 cells, the header has 7"),
        ([*GOOD, "more"], "wrong_cells", "8 cells, the header has 7"),
    ],
)
def test_a_bad_row_is_a_reject_that_names_what_is_wrong(
    shop: Shop, row: list[str], reason: str, named: str
) -> None:
    """The rows around it are mapped; nothing of the bad row is."""
    before, after = changed("id", "before"), changed("id", "after")
    shop.put("orders.csv", table(before, row, after))
    events = shop.events("orders.csv", "cards.csv")
    assert {event["event_id"].partition("-")[2] for event in events} == {"before", "after"}
    (reject,) = shop.rejects
    assert (reject["file"], reject["row"], reject["reason"]) == ("orders.csv", 2, reason)
    assert named in reject["detail"]
    assert reject["content"]
    assert shop.ledger.rejects == {reason: 1}
    assert shop.ledger.rows == 3


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not_json"),
        (b"[1]", "not_json"),
        (b'{"id": NaN}', "not_json"),
        (b"[" * 100_000, "not_json"),
        (b'{"id": "\xff"}', "not_json"),
        (b"null", "not_json"),
    ],
)
def test_a_bad_json_line_is_a_reject(shop: Shop, line: bytes, reason: str) -> None:
    shop.put("orders.jsonl", jsonl(GOOD).encode() + line + b"\n")
    assert len(shop.events("orders.jsonl", "cards.csv")) == 2
    assert [reject["reason"] for reject in shop.rejects] == [reason]


def test_bytes_that_are_no_text_are_a_reject(shop: Shop) -> None:
    bad = table(changed("id", "X")).encode().replace(b"X", b"\xff\xfe")
    shop.put("orders.csv", bad)
    assert shop.events("orders.csv", "cards.csv") == []
    assert [reject["reason"] for reject in shop.rejects] == ["not_text"]


def test_a_cell_beyond_the_readers_limit_is_a_reject(shop: Shop) -> None:
    shop.put("orders.csv", table(changed("id", "x" * 200_000), GOOD))
    assert len(shop.events("orders.csv", "cards.csv")) == 2
    assert [reject["reason"] for reject in shop.rejects] == ["wrong_cells"]


def test_the_same_row_again_gives_nothing_new(shop: Shop) -> None:
    shop.put("orders.csv", table(GOOD, GOOD))
    assert len(shop.run("orders.csv", "cards.csv")) == 2
    assert (shop.ledger.repeated, shop.ledger.rows_rejected) == (2, 0)


def test_an_id_given_to_another_event_is_a_reject_and_the_first_stands(shop: Shop) -> None:
    shop.put("orders.csv", table(GOOD, changed("amount", "5.00")))
    events = shop.events("orders.csv", "cards.csv")
    assert [event.get("amount_minor") for event in events] == [1999, None]
    (reject,) = shop.rejects
    assert reject["reason"] == "duplicate_id"
    assert "order-1" in reject["detail"]


def test_a_repetition_emits_once_per_period(tmp_path: Path) -> None:
    shop = Shop(
        tmp_path,
        """
mapping: gym
source: gym
inputs:
  - file: members.csv
    emit:
      - type: billing.changed
        repeat:
          start: &start {column: from, as: time, format: "%Y-%m-%d", zone: UTC}
          every: {months: {column: per, map: {month: 1, year: 12}}}
          until: {column: to, as: time, format: "%Y-%m-%d", zone: UTC, default: "2024-06-01"}
        fields:
          event_id: "{id}-{_n}"
          customer_id: "{id}"
          occurred_at: "{_at}"
          change: subscription_renewed
          renewal_at: "{_next}"
""",
    )
    shop.put(
        "members.csv",
        "id,from,to,per\n1,2024-01-31,2024-03-31,month\n2,2024-01-31,,month\n3,2024-01-31,,year\n"
        "4,,,month\n5,2024-01-31,,week\n6,2024-01-31,,\n",
    )
    events = [
        (event["event_id"], event["occurred_at"][:10], event["renewal_at"][:10])
        for event in shop.events("members.csv")
    ]
    assert events == [
        ("1-1", "2024-02-29", "2024-03-31"),
        ("2-1", "2024-02-29", "2024-03-31"),
        ("2-2", "2024-03-31", "2024-04-30"),
        ("2-3", "2024-04-30", "2024-05-31"),
        ("2-4", "2024-05-31", "2024-06-30"),
    ]
    assert [(reject["row"], reject["reason"]) for reject in shop.rejects] == [(5, "not_in_map")]


def test_a_constant_with_a_conversion_and_a_scale_and_a_step(tmp_path: Path) -> None:
    shop = Shop(
        tmp_path,
        """
mapping: desk
source: desk
inputs:
  - file: tickets.csv
    emit:
      - type: ticket.changed
        when: [{column: open, equals: true}, {column: minutes, present: true}]
        fields:
          event_id: "{id}-{_row}"
          customer_id: "{_file}"
          occurred_at:
            {column: at, as: time, plus: {seconds: {column: minutes, as: number, scale: 60}}}
          ticket_id: "{id}"
          change: answered
          first_response_s: {column: minutes, as: number, scale: 60}
          satisfaction: {constant: "3.5", as: number}
      - type: account.changed
        when: [{column: open, equals: false}]
        fields:
          event_id: "{id}-account"
          customer_id: "{id}"
          occurred_at: {column: at, as: time}
          internal: {column: open, as: boolean}
          attributes: {fields: {plan: "{plan}", none: "{minutes}"}}
""",
    )
    shop.put(
        "tickets.csv",
        "id,at,minutes,open,plan\nT1,2026-03-01T09:00:00Z,1.5,True,\nT2,2026-03-01T09:00:00Z,,True,\n"
        "T3,2026-03-01T09:00:00Z,,False,pro\n",
    )
    answered, account = shop.events("tickets.csv")
    assert answered["occurred_at"] == "2026-03-01T09:01:30Z"
    assert (answered["first_response_s"], answered["satisfaction"]) == (90, 3.5)
    assert (answered["event_id"], answered["customer_id"]) == ("T1-1", "tickets.csv")
    assert (account["internal"], account["attributes"]) == (False, {"plan": "pro"})
    assert shop.ledger.rows_without_events == 1


def raises_with(run: Callable[[], object], code: Exit, *parts: str) -> None:
    with pytest.raises(NamedExit) as caught:
        run()
    assert caught.value.code is code
    for part in parts:
        assert part in caught.value.message


def test_a_column_that_is_not_there_is_found_before_the_first_row(shop: Shop) -> None:
    shop.put("orders.csv", table(GOOD).replace("amount", "amonut", 1))
    raises_with(
        lambda: shop.run("orders.csv", "cards.csv"),
        Exit.USAGE,
        "orders.csv has no column amount; did you mean amonut?",
    )


def test_an_unknown_file_a_missing_lookup_and_a_missing_header_are_named(shop: Shop) -> None:
    shop.put("orders.csv", table(GOOD))
    shop.put("other.csv", "a\n1\n")
    raises_with(
        lambda: shop.run("orders.csv", "other.csv"), Exit.USAGE, "nothing for other.csv", "orders.*"
    )
    raises_with(lambda: shop.run("orders.csv"), Exit.USAGE, "owner_of", "cards.csv*")
    shop.put("orders.csv", b"")
    raises_with(
        lambda: shop.run("orders.csv", "cards.csv"), Exit.USAGE, "orders.csv has no header line"
    )
    shop.put("orders.csv", "id,card,id\n")
    raises_with(lambda: shop.run("orders.csv", "cards.csv"), Exit.USAGE, "named twice: id")


def test_a_file_cut_off_is_an_error_and_no_silent_end(shop: Shop) -> None:
    rows = [changed("id", str(number)) for number in range(5000)]
    shop.put("orders.csv.gz", gzip.compress(table(*rows).encode())[:-2000])
    raises_with(
        lambda: shop.run("orders.csv.gz", "cards.csv"),
        Exit.FAILED,
        "orders.csv.gz cannot be read to its end",
    )


def test_the_order_of_the_arguments_does_not_matter(tmp_path: Path) -> None:
    runs = []
    names = ("orders.a.csv", "orders.b.csv", "cards.csv")
    for given_names in (names, names[::-1]):
        shop = Shop(tmp_path)
        shop.put("orders.a.csv", table(GOOD))
        shop.put("orders.b.csv", table(changed("id", "2")))
        runs.append([mapped.raw for mapped in shop.run(*given_names)])
    assert runs[0] == runs[1]
    assert len(runs[0]) == 4


cells = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "C1", "C2", "C3", "C9", "2026-03-01", "2026-13-01", "buy", "look", "test"]
    ),
    st.sampled_from(["EUR", "JPY", "19.99", "0.005", "5", "4", "-1", "nan", "1e999", '"', "\x00"]),
)
rows_of_cells = st.lists(
    st.one_of(
        st.lists(cells, min_size=7, max_size=7),
        st.lists(cells, min_size=1, max_size=9),
        st.sampled_from([GOOD, changed("id", "2"), changed("amount", "1"), changed("card", "C9")]),
    ),
    max_size=8,
)


@given(rows_of_cells, st.booleans())
def test_every_row_is_an_event_a_reject_or_meets_no_condition(
    rows: list[list[str]], as_json: bool
) -> None:
    """Nothing raises, nothing is lost, whatever is in the cells; and it is the same twice."""
    if as_json:
        lines = [json.dumps(dict(zip(HEADER, row, strict=False))) for row in rows]
        name, content = "orders.jsonl", "\n".join(lines)
    else:
        name, content = "orders.csv", table(*rows)
    outputs = []
    for _ in range(2):
        with TemporaryDirectory() as folder:
            shop = Shop(Path(folder))
            shop.put(name, content)
            events = shop.run(name, "cards.csv")
            ledger = shop.ledger
            outputs.append(([mapped.raw for mapped in events], shop.listed.getvalue()))
    assert outputs[0] == outputs[1]
    assert ledger.rows == len(rows)
    assert ledger.rows == (
        ledger.rows_with_events + ledger.rows_without_events + ledger.rows_rejected
    )
    assert len(shop.rejects) == ledger.rows_rejected == ledger.rejects.total()
    assert len(events) == ledger.events.total()
    assert len({mapped.event.event_id for mapped in events}) == len(events)
    for mapped in events:
        assert not isinstance(parse("redrive", mapped.raw), Rejection)
