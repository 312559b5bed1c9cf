"""What is said to somebody whose text is no expression, and which characters it points at."""

import pytest

from scoring.language.parser import NESTED_MAX, LanguageError, parse

VALUE = 'expected a number, a text in quotes, a name or "("'
OPERATOR = 'expected an operator, such as "and", "<" or "+"'
ITEM = "expected a number, a text, a name, true or false in the list"
UNITS = "the units are % (percent), s (seconds), m (minutes), h (hours), d (days), w (weeks)"
POINT = (
    "a point stands between two names or two digits, without spaces, as in account.seats and 0.5"
)
NOTHING = 'expected an expression, such as "days_overdue >= 30", found nothing'
DEEP = f"expected at most {NESTED_MAX} operators and calls within one another, found more"
LIST = 'expected a list in square brackets after "in", such as [customer, notice]'
QUOTES = "put a text of several words in quotes"
ARGUMENT = 'expected the name of an argument before ":"'
STRAIGHT = "is not known here; write straight quotes"


def apart(unit: str) -> str:
    return f'expected a unit right after its number, found "{unit}" after a space'


#: The text, with « before and » after what the error is about; and the message.
ERRORS = [
    # nothing, or too little
    ("«»", NOTHING),
    ("«»  \n", NOTHING),
    ("a <«»", f'{VALUE} after "<", found the end'),
    ("a and«»  ", f'{VALUE} after "and", found the end'),
    ("not«»", f'{VALUE} after "not", found the end'),
    ("a is not«»", f'{VALUE} after "not", found the end'),
    ("28d +«»", f'{VALUE} after "+", found the end'),
    ("«and» a", f'{VALUE}, found "and"'),
    ("«+»5", f'{VALUE}, found "+"'),
    ("a + «*» b", f'{VALUE} after "+", found "*"'),
    ("28d - «/» b", f'{VALUE} after "-", found "/"'),
    ("a <= «>=» b", f'{VALUE} after "<=", found ">="'),
    ("(«)»", f'{VALUE} after "(", found ")"'),
    ("5 * «]»", f'{VALUE} after "*", found "]"'),
    (
        "a == «not» b",
        f'{VALUE} after "==", found "not"; put "not" and what belongs to it in parentheses',
    ),
    ("«[»a]", f'{VALUE}, found "["; a list stands only after "in" or "not in"'),
    # something astray
    ("5«(»a)", f'{OPERATOR}, found "("'),
    ("a «28d»", f"{OPERATOR}, found the number 28d"),
    ("'a' «'b\nc'»", f'{OPERATOR}, found the text "b<U+000A>c"'),
    (f"a «'{'b' * 31}'»", f'{OPERATOR}, found the text "{"b" * 30}..."'),
    ("a «true»", f'{OPERATOR}, found "true"'),
    ("a == Health «Care»", f'{OPERATOR}, found "Care"; {QUOTES}: "Health Care"'),
    ("a == Bed «and_more» x and b", f'{OPERATOR}, found "and_more"; {QUOTES}: "Bed and_more x"'),
    ("a «AND» b", f'{OPERATOR}, found "AND"; write "and" in small letters'),
    ("a «Or» b", f'{OPERATOR}, found "Or"; write "or" in small letters'),
    ("NOT «a»", f'{OPERATOR}, found "a"; write "not" in small letters'),
    ("a «[»b]", f'{OPERATOR}, found "["; a list stands only after "in" or "not in"'),
    (
        "a«:» b",
        (
            f'{OPERATOR}, found ":"; ":" stands only after the name of an argument, '
            "as in open_tickets(priority: urgent)"
        ),
    ),
    ("1«,»000", f'{OPERATOR}, found ","; write a number without spaces or commas in it'),
    ("1 «000»", f"{OPERATOR}, found the number 000; write a number without spaces or commas in it"),
    ("a«,» b", f'{OPERATOR}, found ","'),
    ("a«)»", 'found ")" without "(" before it; leave it out'),
    (" (a«»", 'expected an operator, or ")" for the "(" at character 2, found the end'),
    (
        "(a «b»)",
        f'expected an operator, or ")" for the "(" at character 1, found "b"; {QUOTES}: "a b"',
    ),
    # comparisons
    (
        "a < b «<» c",
        (
            'found a second comparison, "<", after the first; '
            'join two comparisons with "and", as in 1 < a and a < 5'
        ),
    ),
    (
        "a is b «is» not c",
        (
            'found a second comparison, "is", after the first; '
            'join two comparisons with "and", as in 1 < a and a < 5'
        ),
    ),
    (
        "a in [b] «not» in [c]",
        (
            'found a second comparison, "not", after the first; '
            'join two comparisons with "and", as in 1 < a and a < 5'
        ),
    ),
    ("a «not» b", 'expected "in" after "not", found "b"; write "is not", "not in", or "and not"'),
    ("a «not»", 'expected "in" after "not", found the end; write "is not", "not in", or "and not"'),
    ("a is «in» [b]", 'found "in" after "is"; write "in" without "is"'),
    ("a is not «in» [b]", 'found "in" after "is"; write "not in" without "is"'),
    # lists
    ("a in «b»", f'{LIST}, found "b"'),
    ("a not in«»", f"{LIST}, found the end"),
    ("a in [«]»", f'{ITEM}, found "]"'),
    ("a in [b,«]»", f'{ITEM}, found "]"'),
    ("a in [«-»5]", f'{ITEM}, found "-"; a list has no negative numbers'),
    ("a in [de, «in»]", f'{ITEM}, found "in"; if this is a text, put it in quotes'),
    ("a in [«»", f"{ITEM}, found the end"),
    ("a in [b«»", 'expected "," or "]" in the list, found the end'),
    ("a in [f«(»b)]", 'expected "," or "]" in the list, found "("'),
    (
        "a in [mid«-»market]",
        (
            'expected "," or "]" in the list, found "-"; '
            'put a text with signs in it in quotes, as in "mid-market"'
        ),
    ),
    (
        "a in [Health «Care», b]",
        f'expected "," or "]" in the list, found "Care"; {QUOTES}: "Health Care"',
    ),
    # calls
    ("f(«»", f'{VALUE} after "(", found the end'),
    ("f(a«»", 'expected an operator, "," or ")" after an argument of f, found the end'),
    ("f(a«]»", 'expected an operator, "," or ")" after an argument of f, found "]"'),
    ("f(a, «)»", f'{VALUE} after ",", found ")"'),
    ("f(x: 1, «)»", f'{VALUE} after ",", found ")"'),
    ("f(«,»)", f'{VALUE} after "(", found ","'),
    ("f(«:»)", f'{VALUE} after "(", found ":"'),
    ("f(x:«)»", f'{VALUE} after ":", found ")"'),
    (
        "f(a: b«:» c)",
        (
            'expected an operator, "," or ")" after an argument of f, found ":"; '
            '":" stands only after the name of an argument, as in open_tickets(priority: urgent)'
        ),
    ),
    ("«a.b»(c)", 'expected a name without a point before "(", found "a.b"'),
    ("true«(»a)", f'{OPERATOR}, found "("'),
    ("f(x: 1, «x»: 2)", 'found the argument "x" twice; leave one out'),
    (
        "f(x: 1, y: 2, «a + (b)»)",
        'expected the arguments without a name before those with one; move this one before "x:"',
    ),
    ("f(«a.b»: 1)", f'{ARGUMENT}, found "a.b"'),
    ("f(«in»: 1)", f'{ARGUMENT}, found "in"'),
    ("f(«true»: 1)", f'{ARGUMENT}, found "true"'),
    ('f(«"x"»: 1)', f'{ARGUMENT}, found the text "x"'),
    ("f(«5»: 1)", f"{ARGUMENT}, found the number 5"),
    # units
    ("f(a, «28days»)", '"days" is not a unit; write 28d (d stands for days)'),
    ("«28D» < a", '"D" is not a unit; write 28d (d stands for days)'),
    ("«2.5hrs»", '"hrs" is not a unit; write 2.5h (h stands for hours)'),
    ("a < «25percent»", '"percent" is not a unit; write 25% (% stands for percent)'),
    ("«5x»", f'"x" is not a unit; {UNITS}'),
    ("«5µs»", f'"µs" is not a unit; {UNITS}'),
    ("«25%d»", f'"%d" is not a unit; {UNITS}'),
    ("«1e5»", f'"e5" is not a unit; {UNITS}'),
    ("«3months»", f'"months" is not a unit; {UNITS}'),
    ("a < «5and» b", '"and" is not a unit; write a space before and'),
    ("f(a, «28 d»)", f"{apart('d')}; write 28d (d stands for days)"),
    ("«28  days» < a", f"{apart('days')}; write 28d (d stands for days)"),
    ("a < «5 %»", f"{apart('%')}; write 5% (% stands for percent)"),
    ("«3 Months»", f"{apart('Months')}; {UNITS}"),
    ("5 «x»", f'{OPERATOR}, found "x"'),
    # numbers and names
    ("«.»5", POINT),
    ("5«.»", POINT),
    ("1.2«.»3", POINT),
    ("a«.» b", POINT),
    ("a«.».b", POINT),
    ("«%»", '"%" stands right after a number, as in 25%'),
    ("a < «1234567890123456»d", "expected a number of at most 15 digits, found 16"),
    (
        "a == «Österreich»",
        (
            "a name has only the letters a to z, digits and _; "
            'if this is a text, put it in quotes: "Österreich"'
        ),
    ),
    (
        "«account.in» > 5",
        (
            '"in" is a word of the language and cannot be part of a name; '
            'if this is a text, put it in quotes: "account.in"'
        ),
    ),
    (
        "a == «is.true»",
        (
            '"is" is a word of the language and cannot be part of a name; '
            'if this is a text, put it in quotes: "is.true"'
        ),
    ),
    (
        "a == «x.true»",
        (
            '"true" is a word of the language and cannot be part of a name; '
            'if this is a text, put it in quotes: "x.true"'
        ),
    ),
    # quotes and signs of other places
    ("a == «'»b", "expected another ' where this text ends, found none"),
    ('a == «"»b""', 'expected another " where this text ends, found none'),
    ("a == O«'»Neil", "expected another ' where this text ends, found none"),
    ("a == «“»b”", f'"“" {STRAIGHT} (")'),
    ("a == «‘»b’", f'"‘" {STRAIGHT} (\')'),
    ("a «=» b", '"=" is not known here; write == or is'),
    ("a «===» b", '"===" is not known here; write =='),
    ("a «!==» b", '"!==" is not known here; write !='),
    ("a «=>» b", '"=>" is not known here; write >='),
    ("a «=<» b", '"=<" is not known here; write <='),
    ("a «<>» b", '"<>" is not known here; write !='),
    ("a «≥» b", '"≥" is not known here; write >='),
    ("a «&&» b", '"&&" is not known here; write and'),
    ("a «|» b", '"|" is not known here; write or'),
    ("«!»a", '"!" is not known here; write not'),
    ("a «–» b", '"–" is not known here; write -'),
    ("a == b«@»c", '"@" is not known here; put a text with such a sign in quotes'),
    ("a «\u200b»< b", '"<U+200B>" cannot be seen and is not known here; delete it'),
    # limits
    (
        "(" * NESTED_MAX + "«(»a",
        f"expected at most {NESTED_MAX} parentheses within one another, found more",
    ),
    ("-" * NESTED_MAX + "«-»a", DEEP),
    ("not " * NESTED_MAX + "«not» a", DEEP),
    ("f(" * NESTED_MAX + "«f»(a", DEEP),
    ("«a»" + " - a" * 21, f"{DEEP}; each of + - * / in a row counts"),
    # The product is two levels down: 18 operators are as deep as it may be, 19 are not.
    ("1 < b + «c»" + " * a" * 19, f"{DEEP}; each of + - * / in a row counts"),
    (f"a + «{'b' * 999}»", "expected at most 1,000 characters, spaces not counted, found more"),
]


@pytest.mark.parametrize(("marked", "message"), ERRORS, ids=[marked[:40] for marked, _ in ERRORS])
def test_an_error_says_what_was_expected_and_found_and_where(marked: str, message: str) -> None:
    before, _, rest = marked.partition("«")
    about, _, after = rest.partition("»")
    with pytest.raises(LanguageError) as caught:
        parse(before + about + after)
    error = caught.value
    assert error.message == str(error) == message
    assert (error.at, error.length) == (len(before), len(about))


def test_no_message_is_tested_twice() -> None:
    """A repeated row is one that was meant to say something else."""
    assert len({marked for marked, _ in ERRORS}) == len(ERRORS)
