"""What holds for every tree and for every text, expression or not."""

import random
import re
import sys
from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

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

RESERVED = {"and", "or", "not", "in", "is", "true", "false"}
SIGNS = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "==": "is", "!=": "is not"}

words = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True).filter(
    lambda word: word not in RESERVED
)
numbers = st.builds(
    lambda digits, places, unit: Number(Decimal(digits).scaleb(-places), unit),
    st.integers(0, 10**DIGITS_MAX - 1),
    st.integers(0, DIGITS_MAX - 1),
    st.sampled_from(["", "", *"%smhdw"]),
)
items = st.one_of(
    numbers,
    st.builds(Text, st.text(max_size=8) | st.text("'\"ab\n", max_size=6)),
    st.builds(Flag, st.booleans()),
    st.builds(Name, st.lists(words, min_size=1, max_size=3).map(tuple)),
)


def _composed(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(
            Call,
            words,
            st.lists(inner, max_size=2).map(tuple),
            st.dictionaries(words, inner, max_size=2).map(lambda named: tuple(named.items())),
        ),
        st.builds(Negative, inner),
        st.builds(Binary, st.sampled_from("+-*/"), inner, inner),
        st.builds(Comparison, st.sampled_from(list(SIGNS)), inner, inner),
        st.builds(
            Membership, inner, st.lists(items, min_size=1, max_size=3).map(tuple), st.booleans()
        ),
        st.builds(Not, inner),
        st.builds(All, several),
        st.builds(Any, several),
    )


trees = st.recursive(items, _composed, max_leaves=12)
PIECES = (
    *("a", "f(", "account.seats", "5", "28d", "25%", "28 d", "5x", "1.5", "'t'", '"', "'", "true"),
    *("(", ")", "[", "]", ",", ":", ".", "%", "+", "-", "*", "/", "=", "!", "“", "\x00", "é"),
    *("<", "<=", ">", ">=", "==", "!=", "is", "is not", "in", "not in", "and", "or", "not"),
)
texts = st.one_of(
    st.text(),
    st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join),
    st.lists(st.sampled_from(PIECES), max_size=25).map("".join),
)


def outcome(text: str) -> Node | LanguageError:
    try:
        return parse(text)
    except LanguageError as error:
        return error


def height(node: Node) -> int:
    return max((1 + height(child) for child in children(node)), default=0)


def everything(node: Node) -> Iterator[Node]:
    yield node
    for child in children(node):
        yield from everything(child)


def loosely(node: Node, rng: random.Random) -> str:
    """The tree with all parentheses there can be, and more spaces than anybody would write.

    It relies on no precedence, which makes it an oracle for the parser's and the speller's.
    """

    def spaces() -> str:
        return rng.choice(["", " ", " ", "\n ", "\t\u00a0"])

    def listed(parts: list[str], word: str) -> str:
        return f"{spaces()}{word}{spaces()}".join(parts)

    def inner(child: Node) -> str:
        return f"({spaces()}{loosely(child, rng)}{spaces()})"

    match node:
        case Number(value, unit):
            return f"{value:f}{unit}"
        case Text(value):
            quote = rng.choice("'\"")
            return quote + value.replace(quote, 2 * quote) + quote
        case Flag(value):
            return str(value).lower()
        case Name(parts):
            return ".".join(parts)
        case Call(name, arguments, named):
            keyed = [f"{key}{spaces()}:{spaces()}{inner(value)}" for key, value in named]
            rng.shuffle(keyed)
            return f"{name}{spaces()}({listed([inner(a) for a in arguments] + keyed, ',')})"
        case Negative(of):
            return f"-{inner(of)}"
        case Not(of):
            return f"not{inner(of)}"
        case Binary(operator, left, right):
            return listed([inner(left), inner(right)], operator)
        case Comparison(operator, left, right):
            return listed([inner(left), inner(right)], rng.choice([operator, SIGNS[operator]]))
        case Membership(of, members, negated):
            word = "not  in" if negated else "in"
            return f"{inner(of)}{word}[{listed([loosely(one, rng) for one in members], ',')}]"
        case All(of):
            return listed([inner(part) for part in of], "and")
        case Any(of):
            return listed([inner(part) for part in of], "or")


# -- trees ---------------------------------------------------------------------------------------


@given(trees)
def test_a_tree_comes_back_from_its_spelling(tree: Node) -> None:
    assume(height(tree) <= NESTED_MAX)
    text = text_of(tree)
    assume(len(text) <= CHARACTERS_MAX)
    assert parse(text) == tree
    assert text_of(parse(text)) == text


@given(trees, st.randoms(use_true_random=False))
def test_all_spellings_of_a_tree_have_one_canonical_spelling(
    tree: Node, rng: random.Random
) -> None:
    assume(height(tree) <= NESTED_MAX // 2)
    text = loosely(tree, rng)
    assume(len(text) <= CHARACTERS_MAX)
    assert parse(text) == tree
    assert text_of(parse(text)) == text_of(tree)


@given(trees)
def test_the_canonical_spelling_has_no_parentheses_to_spare(tree: Node) -> None:
    """Without any pair of them it would say something else."""
    assume(height(tree) <= NESTED_MAX)
    text = text_of(tree)
    assume(len(text) <= CHARACTERS_MAX)
    bare = re.sub(r'"(?:[^"]|"")*"|\'(?:[^\']|\'\')*\'', lambda match: "t" * len(match[0]), text)
    opened = []
    for at, character in enumerate(bare):
        if character == "(":
            opened.append(at)
        elif character == ")":
            start = opened.pop()
            without = f"{text[:start]} {text[start + 1 : at]} {text[at + 1 :]}"
            assert outcome(without) != tree


@given(trees, st.randoms(use_true_random=False))
def test_nodes_stand_where_they_say(tree: Node, rng: random.Random) -> None:
    """A name or call at its own letters; what is composed before its first part."""
    assume(height(tree) <= NESTED_MAX // 2)
    text = loosely(tree, rng)
    assume(len(text) <= CHARACTERS_MAX)
    for node in everything(parse(text)):
        match node:
            case Name(parts):
                assert text.startswith(".".join(parts), node.at)
            case Call(name):
                assert text.startswith(name, node.at)
            case Number(value, unit):
                assert text.startswith(f"{value:f}{unit}", node.at)
            case Text():
                assert text[node.at] in "'\""
            case Flag(value):
                assert text.startswith(str(value).lower(), node.at)
            case Not():
                assert text.startswith("not", node.at)
            case Negative():
                assert text[node.at] == "-"
            case _:
                first = children(node)[0]
                between = text[node.at : first.at]
                assert not between[:1].isspace()
                assert between.translate(dict.fromkeys(map(ord, "( \n\t\u00a0"))) == ""


# -- texts ---------------------------------------------------------------------------------------


@given(texts)
@example("5 " * 300)
@example("a in [" + "1, " * 300)
def test_a_text_is_a_tree_or_an_error_within_it(text: str) -> None:
    read = outcome(text)
    if isinstance(read, LanguageError):
        assert read.message
        assert 0 <= read.at <= read.at + read.length <= len(text)
        assert read.length > 0 or not text[read.at :].strip()
        return
    assert height(read) <= NESTED_MAX
    assert parse(text_of(read)) == read
    assert all(0 <= node.at < len(text) for node in everything(read))


HUGE = 200_000


@pytest.mark.parametrize(
    "piece",
    [*PIECES, " ", "\n", "''", '""', "a.", "a and ", "not ", "f(a, ", "1 \u00a0", "a " * 50, "9"],
)
def test_a_huge_text_is_judged_at_once(piece: str) -> None:
    """If any of it took the square of its length, this would take hours."""
    for text in (piece * HUGE, f"a < '{piece * HUGE}"):
        read = outcome(text)
        assert isinstance(read, LanguageError)
        assert len(read.message) < 300
    spaces = " " * HUGE
    wide, narrow = outcome(f"5{spaces}{piece}{spaces}5"), outcome(f"5 {piece} 5")
    assert wide == narrow or str(wide) == str(narrow)


def calls(text: str) -> int:
    """How many functions are called to parse a text, as a measure of time that is always equal."""
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        outcome(text)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize(
    "text",
    [
        "a and ",
        "a<b or ",
        "(a)or ",
        "f(a)and ",
        "-a in[b]or ",
        "not a or ",
        "a b ",
        "[",
        "a,",
        "a:",
    ],
)
def test_time_grows_with_the_text(text: str) -> None:
    once, twice, four_times = (calls(text * times + "a") for times in (20, 40, 80))
    assert four_times - twice <= 2 * (twice - once) + 10
