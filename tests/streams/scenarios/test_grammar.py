"""Forms and what fits them; a sentence that fits none is told by how far it got."""

import pytest

from streams.scenarios.grammar import (
    NotUnderstood,
    Slot,
    Taken,
    Token,
    compile_form,
    match,
    tokens_of,
)

NUMBER = Slot(
    "N",
    "a whole number",
    lambda tokens: Taken(int(tokens[0].text)) if tokens[0].text.isdigit() else None,
)
NAME = Slot("NAME", "a name", lambda tokens: Taken(tokens[0].text))
MOOD = Slot(
    "MOOD",
    "good or bad",
    lambda tokens: Taken(tokens[0].text) if tokens[0].text in ("good", "bad") else None,
    ("good", "bad"),
)


def _even(tokens: object) -> Taken | None:
    raise ValueError("17 is odd")


SLOTS = {"N": NUMBER, "NAME": NAME, "MOOD": MOOD, "EVEN": Slot("EVEN", "an even number", _even)}
FORMS = [
    compile_form(text, SLOTS)
    for text in (
        "{count:N} cats/cat sleep/sleeps [on {where:NAME} [for {hours:N}]] [today]",
        "mood {mood:MOOD} [by {who:NAME}] [, really]",
        "the end",
        "pairs {pairs:EVEN}",
    )
]


def fits(text: str) -> dict[str, object]:
    return match(tokens_of(text), FORMS)[1]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("3 cats sleep", {"count": 3}),
        ("1 cat sleeps today", {"count": 1}),
        ("3 cats sleep on sofas", {"count": 3, "where": "sofas"}),
        ("3 cats sleep on sofas for 2 today", {"count": 3, "where": "sofas", "hours": 2}),
        ("3 cats sleep today on sofas for 2", {"count": 3, "where": "sofas", "hours": 2}),
        ('3 cats sleep on "the old sofa"', {"count": 3, "where": "the old sofa"}),
        ("mood good", {"mood": "good"}),
        ("mood bad, really, by ann", {"mood": "bad", "who": "ann"}),
        ("mood bad really by ann,", {"mood": "bad", "who": "ann"}),
        ("the end", {}),
    ],
)
def test_what_fits(text: str, values: dict[str, object]) -> None:
    """Brackets may be left out and may stand in any order; commas mean nothing."""
    assert fits(text) == values


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("dogs sleep", "expected a whole number, mood, pairs, the, got dogs"),
        ("moood good", "expected a whole number, mood, pairs, the, got moood; did you mean mood?"),
        ("3 cats slep", "after '3 cats': expected sleep, got slep; did you mean sleep?"),
        ("3", "after '3': expected cats, got nothing"),
        ("mood godo", "after 'mood': expected bad, good, got godo; did you mean good?"),
        ("mood good by", "after 'mood good by': expected a name, got nothing"),
        (
            "mood good by ann lee",
            (
                "after 'mood good by ann': expected the end, really, got lee;"
                " a name of several words stands in double quotes"
            ),
        ),
        ("pairs 17", "after 'pairs': 17 is odd"),
    ],
)
def test_what_does_not_fit(text: str, told: str) -> None:
    """The farthest place that any form got to, and what could have stood there."""
    with pytest.raises(NotUnderstood) as error:
        fits(text)
    assert str(error.value) == told


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("a,b , c,", [Token("a,b"), Token("c")]),
        ('x "y, z" w', [Token("x"), Token("y, z", "quoted"), Token("w")]),
        ("event {a: {b: 1}, c: 2}", [Token("event"), Token("{a: {b: 1}, c: 2}", "braces")]),
        ("", []),
        (" , ", []),
    ],
)
def test_tokens(text: str, tokens: list[Token]) -> None:
    assert tokens_of(text) == tokens


@pytest.mark.parametrize("text", ['x "y', 'x y"', '"'])
def test_a_quote_that_is_not_closed(text: str) -> None:
    with pytest.raises(NotUnderstood, match="quote"):
        tokens_of(text)


def test_how_documents_write_a_form() -> None:
    shown = [form.shown for form in FORMS[:2]]
    assert shown == ["N cats sleep [on NAME [for N]] [today]", "mood good/bad [by NAME][, really]"]
