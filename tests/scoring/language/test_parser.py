"""What people write on scorecards, and the tree that each of it is."""

import sys
from decimal import Decimal

import pytest

from scoring.language.parser import NESTED_MAX, LanguageError, parse
from scoring.language.spelling import text_of
from scoring.language.syntax import (
    All,
    Any,
    Binary,
    Call,
    Comparison,
    Flag,
    Membership,
    Name,
    Negative,
    Node,
    Not,
    Number,
    Text,
    children,
)
from scoring.language.tokens import CHARACTERS_MAX, DIGITS_MAX


def number(written: str, unit: str = "") -> Number:
    return Number(Decimal(written), unit)


def name(written: str) -> Name:
    return Name(tuple(written.split(".")))


A, B, C, D = (name(letter) for letter in "abcd")

EXAMPLES = {
    "distinct(user, 28d) / account.seats": Binary(
        "/", Call("distinct", (name("user"), number("28", "d"))), name("account.seats")
    ),
    "change(active_hours, 28d)": Call("change", (name("active_hours"), number("28", "d"))),
    "open_tickets(priority: urgent)": Call("open_tickets", named=(("priority", name("urgent")),)),
    "median(first_response, 90d)": Call("median", (name("first_response"), number("90", "d"))),
    "count(payment_failed, 7d) >= 1": Comparison(
        ">=", Call("count", (name("payment_failed"), number("7", "d"))), number("1")
    ),
    "days_overdue >= 30": Comparison(">=", name("days_overdue"), number("30")),
    "cancel_scheduled": name("cancel_scheduled"),
    "active_seats < 25% and open_tickets >= 3": All(
        (
            Comparison("<", name("active_seats"), number("25", "%")),
            Comparison(">=", name("open_tickets"), number("3")),
        )
    ),
    "account.status in [customer, notice] and not account.internal": All(
        (
            Membership(name("account.status"), (name("customer"), name("notice"))),
            Not(name("account.internal")),
        )
    ),
    'account.attributes.industry == "Health Care"': Comparison(
        "==", name("account.attributes.industry"), Text("Health Care")
    ),
    "user_kind == human": Comparison("==", name("user_kind"), name("human")),
    "property.seats_used > 2.5": Comparison(">", name("property.seats_used"), number("2.5")),
    "tenure < 90d or (stage is renewal and stage is not steady)": Any(
        (
            Comparison("<", name("tenure"), number("90", "d")),
            All(
                (
                    Comparison("==", name("stage"), name("renewal")),
                    Comparison("!=", name("stage"), name("steady")),
                )
            ),
        )
    ),
    "-5 + 2 * (a - b)": Binary(
        "+", Negative(number("5")), Binary("*", number("2"), Binary("-", A, B))
    ),
    "quantile(resolution, 90%, 90d)": Call(
        "quantile", (name("resolution"), number("90", "%"), number("90", "d"))
    ),
    "account.country not in [DE, AT]": Membership(
        name("account.country"), (name("DE"), name("AT")), negated=True
    ),
}


@pytest.mark.parametrize(("text", "tree"), EXAMPLES.items(), ids=EXAMPLES)
def test_an_example_is_its_tree(text: str, tree: Node) -> None:
    assert parse(text) == tree
    assert parse(text_of(tree)) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        # what binds more tightly
        ("a or b and c", Any((A, All((B, C))))),
        ("a and b or c", Any((All((A, B)), C))),
        ("(a or b) and c", All((Any((A, B)), C))),
        ("not a and b", All((Not(A), B))),
        ("not (a and b)", Not(All((A, B)))),
        ("not a == b", Not(Comparison("==", A, B))),
        ("(not a) == b", Comparison("==", Not(A), B)),
        ("not a in [b]", Not(Membership(A, (B,)))),
        ("a + b < c", Comparison("<", Binary("+", A, B), C)),
        ("a < b - c", Comparison("<", A, Binary("-", B, C))),
        ("a + b in [c]", Membership(Binary("+", A, B), (C,))),
        ("a + b * c", Binary("+", A, Binary("*", B, C))),
        ("a / b - c", Binary("-", Binary("/", A, B), C)),
        ("-a * b", Binary("*", Negative(A), B)),
        ("a * -b", Binary("*", A, Negative(B))),
        ("-(a * b)", Negative(Binary("*", A, B))),
        ("a < -20%", Comparison("<", A, Negative(number("20", "%")))),
        # in a row, from the left; and/or take in their like
        ("a - b - c", Binary("-", Binary("-", A, B), C)),
        ("a - (b - c)", Binary("-", A, Binary("-", B, C))),
        ("a / b * c", Binary("*", Binary("/", A, B), C)),
        ("a and b and c", All((A, B, C))),
        ("a and (b and (c and d))", All((A, B, C, D))),
        ("(a or b) or c or d", Any((A, B, C, D))),
        ("not not a", Not(Not(A))),
        ("--a", Negative(Negative(A))),
        # comparisons
        *((f"a {sign} b", Comparison(sign, A, B)) for sign in ("<", "<=", ">", ">=", "==", "!=")),
        ("a is b", Comparison("==", A, B)),
        ("a is not b", Comparison("!=", A, B)),
        ("a is (not b)", Comparison("==", A, Not(B))),
        ("(a < b) == (c < d)", Comparison("==", Comparison("<", A, B), Comparison("<", C, D))),
        # values
        ("007", number("7")),
        ("2.50%", number("2.5", "%")),
        *((f"1{unit}", number("1", unit)) for unit in "%smhdw"),
        ("true", Flag(value=True)),
        ("false", Flag(value=False)),
        ("True", name("True")),
        ("android.notes.island", name("android.notes.island")),
        ("_a1._b2", name("_a1._b2")),
        ('"a and b"', Text("a and b")),
        ("'say \"no\"'", Text('say "no"')),
        ('"6"" disks"', Text('6" disks')),
        ("'it''s'", Text("it's")),
        ('""', Text("")),
        ('"Österreich\n"', Text("Österreich\n")),
        # lists
        ("a in [1d, 'x']", Membership(A, (number("1", "d"), Text("x")))),
        ("a in [true, b.c]", Membership(A, (Flag(value=True), name("b.c")))),
        ("a in [IN, IS]", Membership(A, (name("IN"), name("IS")))),
        # calls
        ("f()", Call("f")),
        ("f (a)", Call("f", (A,))),
        ("f(g(a), b < c)", Call("f", (Call("g", (A,)), Comparison("<", B, C)))),
        (
            "f(a, x: b or c, y: -1)",
            Call("f", (A,), (("x", Any((B, C))), ("y", Negative(number("1"))))),
        ),
        ("f(y: 1, x: 2)", Call("f", (), (("x", number("2")), ("y", number("1"))))),
        # spaces
        ("\ta<b\n  and\u00a0not(c) ", All((Comparison("<", A, B), Not(C)))),
        ("a-1-b", Binary("-", Binary("-", A, number("1")), B)),
    ],
)
def test_a_text_is_its_tree(text: str, tree: Node) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "spelt"),
    [
        ("28.0d", "28d"),
        ("0.50", "0.5"),
        ("007.10%", "7.1%"),
        ("100", "100"),
        ("0.0", "0"),
        ("f( b , z:1,a : 'x' )", 'f(b, a: "x", z: 1)'),
        ("((a))", "a"),
        ("(a * b) + (c / d)", "a * b + c / d"),
        ("a is not b", "a != b"),
        ("a   not\nin [b,c]", "a not in [b, c]"),
        ("not (a == b)", "not a == b"),
        ("(not a) == (b)", "(not a) == b"),
        ("a and (b and c)", "a and b and c"),
        ("not (not (a))", "not not a"),
        ("(not a) and (b or c) and (d)", "not a and (b or c) and d"),
        ("((a) and (b)) or (not c)", "a and b or not c"),
        ("((a) + (b)) - (c + d)", "a + b - (c + d)"),
        ("((a) / (b)) * (c / d)", "a / b * (c / d)"),
        ("(a - b) in [c]", "a - b in [c]"),
        ("(a in [b]) is (c is d)", "(a in [b]) == (c == d)"),
        ("- (-(a))", "--a"),
        ("-(a)", "-a"),
        ("'it''s'", '"it\'s"'),
        ("'\"'", "'\"'"),
        ("'\"''\"'", "'\"''\"'"),
        ("true is false", "true == false"),
    ],
)
def test_the_canonical_spelling(text: str, spelt: str) -> None:
    """One text for all spellings of the same: a metric's identity."""
    assert text_of(parse(text)) == spelt


def test_trees_made_by_hand_are_in_order_too() -> None:
    """Equal trees have one spelling, whoever made them."""
    assert All((A, All((B, C)))) == All((A, B, C))
    assert Any((Any((A, B)), C)) == Any((A, B, C))
    assert Call("f", (), (("y", A), ("x", B))) == Call("f", (), (("x", B), ("y", A)))
    assert text_of(number("1e3")) == "1000"


def test_the_place_is_no_part_of_what_a_tree_says() -> None:
    one, other = parse("a < 1"), parse("  (a)  <  1.0")
    assert (one.at, other.at) == (0, 2)
    assert one == other
    assert hash(one) == hash(other)
    assert one != parse("a < 1%")


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("  a.b", [2]),
        (" not a", [1, 5]),
        ("a + (b - c) * d", [0, 0, 4, 5, 5, 9, 14]),
        ("(a + b) * c", [0, 1, 1, 5, 10]),
        ("a and b or -c", [0, 0, 0, 6, 11, 12]),
        ("f(a, x: 'b')", [0, 2, 8]),
        ("a not in [1, b]", [0, 0, 10, 13]),
        ("true == 5d", [0, 0, 8]),
    ],
)
def test_each_node_knows_where_it_begins(text: str, places: list[int]) -> None:
    """Columns from the root down, left before right."""

    def walk(node: Node) -> list[int]:
        return [node.at, *(at for child in children(node) for at in walk(child))]

    assert walk(parse(text)) == places


# -- limits --------------------------------------------------------------------------------------


def nested(before: str, after: str, levels: int) -> str:
    return before * levels + "a" + after * levels


@pytest.mark.parametrize(
    ("before", "after"),
    [("(", ")"), ("f(", ")"), ("f(x: ", ")"), ("-", ""), ("not ", ""), ("", " + a"), ("", " / a")],
)
def test_nesting_is_limited(before: str, after: str) -> None:
    text = nested(before, after, NESTED_MAX)
    assert parse(text_of(parse(text))) == parse(text)
    with pytest.raises(LanguageError, match=f"at most {NESTED_MAX} "):
        parse(nested(before, after, NESTED_MAX + 1))


def test_nesting_ends_where_a_parenthesis_or_a_call_does() -> None:
    """One after the other is not one within the other."""
    for one in ("(a)", "f(a)", "(not a)", "not a", "-a < 1"):
        assert len(children(parse(" and ".join([one] * 3 * NESTED_MAX)))) == 3 * NESTED_MAX


def test_the_deepest_text_needs_few_frames() -> None:
    """The parser is called deep within the stream engine, and has to leave the stack to it."""
    text = nested("f(", ")", NESTED_MAX).replace("a", nested("(", ")", NESTED_MAX))
    frame, depth = sys._getframe(), 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(depth + 450)
    try:
        assert text_of(parse(text)) == nested("f(", ")", NESTED_MAX)
    finally:
        sys.setrecursionlimit(limit)


def test_the_characters_are_limited_and_spaces_are_not_counted() -> None:
    full = "a" * (CHARACTERS_MAX - 2) + " " * CHARACTERS_MAX + "<b"
    assert parse(full) == Comparison("<", name("a" * (CHARACTERS_MAX - 2)), B)
    with pytest.raises(LanguageError, match="at most 1,000 characters") as caught:
        parse(f"{full} - c")
    assert (caught.value.at, caught.value.length) == (2 * CHARACTERS_MAX + 1, 1)


def test_a_dense_text_may_be_longer_in_its_canonical_spelling() -> None:
    """Or what was accepted once would not be accepted in the form that is kept."""
    text = "or".join(["(a<b)"] * 142)
    tree = parse(text)
    assert len(text) < CHARACTERS_MAX < len(text_of(tree))
    assert parse(text_of(tree)) == tree


def test_digits_are_limited() -> None:
    whole, broken = "9" * DIGITS_MAX, "9" * (DIGITS_MAX - 1) + ".9"
    assert parse(whole) == number(whole)
    assert parse(f"{broken}w") == number(broken, "w")
    for text in (f"{whole}9", f"{broken}9%", "0" * DIGITS_MAX + "1"):
        with pytest.raises(LanguageError, match="at most 15 digits, found 16"):
            parse(text)
