"""Two scorecards compared: what they say, and what they would have done over the same events."""

import gzip
import json
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from partitionlog import DAY_MS, SAAS, START_MS, at, changed_card
from schemas.scores import Transition
from streams.clock import to_ms
from streams.outreach.decide import decide
from streams.replay import Replay
from streams.scorecard_diff.differences import Difference, differences
from streams.scorecard_diff.histories import NOT_SCORED, Compared, Histories, compare
from streams.scorecard_diff.told import as_json, print_differences, print_histories
from streams.scorecard_pages.page import Fact
from streams.scorecard_pages.reading import read_page

#: Usage counts for less, support for more, and red begins lower.
OTHER = changed_card(
    ('version: "1"', 'version: "2"'),
    ("{usage: 45, support: 20, money: 20, relationship: 15}",
     "{usage: 15, support: 45, money: 25, relationship: 15}"),
    ('red: {enter: "< 50", leave: ">= 56", hold: 1h}',
     'red: {enter: "< 40", leave: ">= 46", hold: 2h}'),
)  # fmt: skip
AS_OF_MS = START_MS + 120 * DAY_MS
UNPAID = (
    "The longest time overdue of an open invoice is at least {0} days: the score is at most 25."
    " People read: “an invoice is 30 days overdue” [days_overdue >= {0}]"
)
FAILED = (
    "A payment failed at least once in 7 days; {}."
    " People read: “a payment failed” [count(payment_failed, 7d) >= 1]"
)


def events(rng: random.Random, customers: int = 14) -> list[dict[str, Any]]:
    """Half a year of some customers: each uses, asks, pays and goes quiet in its own way."""
    found: list[dict[str, Any]] = []

    def tell(kind: str, customer: str, ms: int, **fields: Any) -> None:
        found.append({
            "event_id": f"e{len(found)}", "customer_id": customer, "occurred_at": at(ms),
            "source": "app", "type": kind, **fields,
        })  # fmt: skip

    for number in range(customers):
        customer = f"c{number:02d}"
        status = "trial" if number % 7 == 3 else "customer"
        tell("account.created", customer, START_MS, name=f"Customer {number}", status=status,
             seats=4)  # fmt: skip
        until, often = rng.randrange(10, 130), rng.choice((1, 2, 9))
        for day in range(until):
            for _ in range(rng.randrange(often)):
                ms = START_MS + day * DAY_MS + rng.randrange(DAY_MS)
                tell("usage.feature", customer, ms, feature=f"f{rng.randrange(9)}",
                     user=f"u{rng.randrange(4)}")  # fmt: skip
        for ticket in range(rng.randrange(4)):
            ms = START_MS + rng.randrange(110 * DAY_MS)
            tell("ticket.changed", customer, ms, ticket_id=f"t{ticket}", change="opened",
                 priority=rng.choice(("urgent", "normal")))  # fmt: skip
        ms = START_MS + rng.randrange(100 * DAY_MS)
        tell("billing.changed", customer, ms, change="invoice_issued", invoice_id="i",
             due_at=at(ms), amount_minor=100, currency="EUR")  # fmt: skip
        if rng.random() < 0.6:
            tell("billing.changed", customer, ms + rng.randrange(20 * DAY_MS),
                 change="invoice_paid", invoice_id="i")  # fmt: skip
        tell("engagement.survey", customer, START_MS + DAY_MS, survey="nps",
             score=rng.randrange(11))  # fmt: skip
    return sorted(found, key=lambda each: each["occurred_at"])


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Always the same one: bands that move are needed, and counted."""
    path = tmp_path_factory.mktemp("events") / "events.jsonl"
    lines = [json.dumps(each) for each in events(random.Random(7))]
    path.write_text("\n".join([*lines, "{not json"]) + "\n")
    return path


def run(path: Path, before: str = SAAS, after: str = OTHER, **options: Any) -> Histories:
    given = {"step_ms": DAY_MS, "disorder_ms": 0, "as_of_ms": AS_OF_MS, **options}
    return compare(before, after, [path], **given)


@pytest.fixture(scope="module")
def found(history: Path) -> Histories:
    return run(history)


class Watched(Replay):
    """A replay whose crossings are kept as the scorer would send them."""

    def _apply(self, record: Any) -> list[Any]:
        outputs = super()._apply(record)
        crossings = self.__dict__.setdefault("crossings", [])
        crossings += [each.body for each in outputs if each.topic == "transitions"]
        return outputs


def replayed(path: Path, card: str) -> Watched:
    replay = Watched(card, step_ms=DAY_MS, disorder_ms=0, as_of_ms=AS_OF_MS)
    replay.read([path])
    replay.finish()
    return replay


# -- what the cards say --------------------------------------------------------------------------


def said(before: str, after: str) -> dict[str, Difference]:
    return {each.where: each for each in differences(read_page(before), read_page(after))}


def test_a_card_does_not_differ_from_itself() -> None:
    assert said(SAAS, SAAS) == {}
    assert said(SAAS, f"{SAAS}# a comment\n") == {}


def test_weights_and_levels_are_told() -> None:
    found = said(SAAS, OTHER)
    assert found["Scorecard · Version"].says == "Scorecard · Version: 2; before: 1"
    assert found["Weights · Usage"].says == "Weights · Usage: 15 %; before: 45 %"
    assert "Weights · Relationship" not in found
    assert found["Measure Last use · Weight"].says == (
        "Measure Last use · Weight: 4.5 % of the score; before: 13.5 % of the score"
    )
    assert found["Colour Red · Leave"].says == (
        "Colour Red · Leave: at 46 points or more; before: at 56 points or more"
    )
    assert not any(where.startswith("Measure NPS") for where in found)


def test_a_measure_that_comes_or_goes_is_one_line() -> None:
    renamed = changed_card(("    breadth:\n", "    width:\n"))
    found = said(SAAS, renamed)
    assert list(found) == ["Measure Breadth", "Measure Width"]
    assert found["Measure Breadth"].after is None
    assert found["Measure Breadth"].says.startswith(
        "Measure Breadth: no longer there; it was: looks at: Different features in 28 days"
        " [distinct(feature, 28d)]; group: usage"
    )
    assert found["Measure Width"].before is None
    assert found["Measure Width"].says.startswith("Measure Width: new: looks at: Diff")


@pytest.mark.parametrize(
    ("old", "new", "where", "before", "after"),
    [
        ("{1: 100, 7: 70, 14: 35, 30: 0}", "{1: 100, 30: 0}", "Measure Last use · Points",
         "100 up to 1 day, falling to 70 at 7 days, 35 at 14 days and 0 at 30 days",
         "100 up to 1 day, falling to 0 at 30 days"),
        ("distinct(feature, 28d)", "distinct(feature, 14d)", "Measure Breadth · Looks at",
         "Different features in 28 days [distinct(feature, 28d)]",
         "Different features in 14 days [distinct(feature, 14d)]"),
        ("missing: 100                   #", "missing: 90                    #",
         "Measure Urgent open · Without data", "Never a ticket: counts as 100 points",
         "Never a ticket: counts as 90 points"),
        ("lost: 0}", "lost: 10}", "Measure Pulse · Points",
         "100 for good, 50 for unsure, 25 for worried, 0 for lost and no data for anything else",
         "100 for good, 50 for unsure, 25 for worried, 10 for lost and no data for anything else"),
        ("{when: days_overdue >= 30,", "{when: days_overdue >= 40,",
         "What decides by itself · Unpaid 30d",
         UNPAID.format(30), UNPAID.format(40)),
        ('says: "NPS answer {value}"', 'says: "said {value}"', "Measure NPS · In words",
         "NPS answer …", "said …"),
        ("letters: {A: 85", "letters: {A: 90", "Letters · A",
         "from 85 points on", "from 90 points on"),
        ('enter: ">= 75", leave: "< 70", hold: 24h', 'enter: ">= 75", leave: "< 70", hold: 2d',
         "Colour Green · Enter",
         "at 75 points or more, once the score has stayed there for 24 hours",
         "at 75 points or more, once the score has stayed there for 2 days"),
        ("owner: customer-success", "owner: Dana", "Scorecard · Owner",
         "customer-success, who decides about changes", "Dana, who decides about changes"),
        ("decimals: 0", "decimals: 1", "How it is told · Scale",
         "0-100, whole numbers", "0-100, one decimal"),
    ],
)  # fmt: skip
def test_each_line_of_a_card_is_compared(
    old: str, new: str, where: str, before: str, after: str
) -> None:
    found = said(SAAS, changed_card((old, new)))
    assert found == {where: Difference(where, before, after)}


def test_a_playbook_and_a_section_are_compared() -> None:
    """What pages gain is compared without a word here."""
    page = read_page(SAAS)
    red = replace(page.bands[0], playbook=("Call",))
    grown = replace(page, bands=(red, *page.bands[1:]))
    assert differences(page, grown) == (Difference("Colour Red · Step 1", None, "Call"),)
    more = replace(page.sections[0], title="Archetypes", facts=(Fact("Ghost", "never seen"),))
    with_more = replace(page, sections=(*page.sections, more))
    assert differences(page, with_more) == (Difference("Archetypes", None, "ghost: never seen"),)
    assert differences(with_more, page) == (Difference("Archetypes", "ghost: never seen", None),)


RICH = (Path(__file__).parent / "scorecard_pages" / "rich.yaml").read_text()


@pytest.mark.parametrize(
    ("old", "new", "where", "before", "after"),
    [
        ("renewal: {usage: 30, support: 70}", "renewal: {usage: 40, support: 60}",
         {"Weights · Usage", "Weights · Usage › Adoption", "Weights · Support",
          *(f"Measure {name} · Weight" for name in
            ("Trend", "Seats", "Features", "Open", "Mood", "Points"))},
         "50 % in Onboarding, 30 % in Renewal and 70 % in Steady",
         "50 % in Onboarding, 40 % in Renewal and 70 % in Steady"),
        ("growth: account.mrr >= 800", "growth: account.mrr >= 900", "Segments · Growth",
         "The monthly revenue (MRR) is at least 800 EUR [account.mrr >= 800]",
         "The monthly revenue (MRR) is at least 900 EUR [account.mrr >= 900]"),
        ("min_stay: 7d", "min_stay: 14d", "Archetypes · Kept",
         "for at least 7 days, once entered", "for at least 14 days, once entered"),
        ("tutorial: 5", "tutorial: 7", "Points for actions: Engagement · Tutorial",
         "what happens a tutorial was used, points 5",
         "what happens a tutorial was used, points 7"),
        ("USD: 0.9", "USD: 0.8", "Money · 1 USD", "0.9 EUR", "0.8 EUR"),
        ("clears_after: 14d", "clears_after: 0", "Indicators · Payment failed",
         FAILED.format("stays for 14 days after that"), FAILED.format("ends with it")),
        ("weights: {usage: 100}", "weights: {support: 100}", "Other scores · Adoption",
         "How much of it they use. Made of: Usage 100 %",
         "How much of it they use. Made of: Support 100 %"),
        ("{low: 10%, high: 60%}", "{low: 20%, high: 60%}", "Measure Seats · Points",
         "rising smoothly from 0 to 100: 10 at 10 %, 50 at 35 % and 90 at 60 %",
         "rising smoothly from 0 to 100: 10 at 20 %, 50 at 40 % and 90 at 60 %"),
        ("0: nothing is open", "0: all is answered", "Measure Open · In words, for 0",
         "nothing is open", "all is answered"),
        ("grow: seats > 80%", "grow: seats > 90%", "Outlook · Grow",
         "“Seats” is more than 80 %, and the colour is green [seats > 80% and band == green]",
         "“Seats” is more than 90 %, and the colour is green [seats > 90% and band == green]"),
    ],
)  # fmt: skip
def test_each_section_of_a_card_is_compared(
    old: str, new: str, where: str | set[str], before: str, after: str
) -> None:
    found = (
        said(RICH, changed_card((old, new), text=RICH.replace("steady:", "calm:", 0)))
        if where is not None
        else {}
    )
    if isinstance(where, set):
        assert set(found) == where
        assert found["Weights · Usage"] == Difference("Weights · Usage", before, after)
    elif where is not None:
        assert found == {where: Difference(where, before, after)}


def test_the_order_of_classes_is_compared() -> None:
    """The first that is met counts: another order is another card."""
    turned = changed_card(
        ("enterprise: account.mrr >= 5000, growth: account.mrr >= 800",
         "growth: account.mrr >= 800, enterprise: account.mrr >= 5000"), text=RICH,
    )  # fmt: skip
    assert set(said(RICH, turned)) == {"Segments · Order"}


# -- what they would have done -------------------------------------------------------------------


def test_both_histories_are_those_of_a_replay(history: Path, found: Histories) -> None:
    """One pass over the file gives each card what it would get alone."""
    old, new = (replayed(history, card).result for card in (SAAS, OTHER))
    assert {each.customer_id for each in found.customers} == set(old.customers) | set(new.customers)
    for each in found.customers:
        before, after = old.customers[each.customer_id], new.customers[each.customer_id]
        assert (each.score_before, each.band_before) == (before["score"], before["band"])
        assert (each.score_after, each.band_after) == (after["score"], after["band"])
        assert each.name == before["name"]
    assert (found.events, found.as_of_ms) == (old.events, AS_OF_MS)
    assert found.rejected == {"not_json": 1}
    assert found.first_rejections[0].startswith(f"{history}:")


def test_the_movers_add_up(found: Histories) -> None:
    compared = [e for e in found.customers if None not in (e.score_before, e.score_after)]
    assert compared
    for each in compared:
        assert sum(delta for _, _, delta in each.movers) == each.score_after - each.score_before
        sizes = [abs(delta) for _, _, delta in each.movers]
        assert sizes == sorted(sizes, reverse=True)
    assert any(len(each.movers) > 2 for each in compared)


def test_the_matrix_counts_everybody_once(found: Histories) -> None:
    matrix = found.matrix()
    assert sum(matrix.values()) == len(found.customers)
    off_diagonal = sum(count for (a, b), count in matrix.items() if a != b)
    assert off_diagonal == len(found.moved()) > 0
    order = ["red", "yellow", "unknown", "green", NOT_SCORED]
    places = [order.index(each.band_after) for each in found.moved()]
    assert places == sorted(places)


@pytest.mark.parametrize(("card", "which"), [(SAAS, "before"), (OTHER, "after")])
def test_messages_are_what_outreach_decides(
    history: Path, found: Histories, card: str, which: str
) -> None:
    """Over the very transitions that the scorer would have sent."""
    expected: Counter[str] = Counter()
    for body in replayed(history, card).__dict__["crossings"]:
        crossing = Transition.model_validate_json(body)
        for decision in decide(crossing, ("slack",), to_ms(crossing.time)):
            expected[str(decision.reason)] += 1
    messages = found.messages_before if which == "before" else found.messages_after
    assert messages.decided == expected
    assert messages.sent == expected["send"] == sum(messages.severities.values()) > 0


def test_the_switch_messages_nobody(found: Histories) -> None:
    at_once = [crossing for crossing in found.switch if crossing.at_once]
    assert at_once
    assert found.messages_switch.sent == 0
    assert found.messages_switch.decided == {"cause_scorecard": len(at_once)}
    for crossing in found.switch:
        assert crossing.band_before != crossing.band_after


def test_the_switch_starts_from_the_first_cards_bands(found: Histories) -> None:
    before = {each.customer_id: each.band_before for each in found.customers}
    for crossing in found.switch:
        assert before[crossing.customer_id] == crossing.band_before
    # Who is better off waits for green's hold of a day; yellow has none.
    assert {c.band_after for c in found.switch if not c.at_once} <= {"green", "red"}
    assert {c.band_after for c in found.switch if c.at_once} <= {"yellow", "unknown"}


def test_the_switch_is_what_an_activation_does(history: Path, found: Histories) -> None:
    """A customer's score right after it is the second card's, whatever the history."""
    assert run(history, after=SAAS).switch == ()
    no_hold = OTHER.replace("hold: 24h", "hold: 0").replace("hold: 2h", "hold: 0")
    at_once = run(history, after=no_hold)
    assert all(crossing.at_once for crossing in at_once.switch)
    assert {c.customer_id for c in at_once.switch} == {c.customer_id for c in found.switch}


def test_a_card_against_itself(history: Path) -> None:
    same = run(history, after=SAAS)
    assert same.moved() == []
    assert same.switch == ()
    assert same.messages_before == same.messages_after
    assert all(each.movers == () for each in same.customers)


def test_an_account_that_one_card_does_not_score(history: Path) -> None:
    after = changed_card(("status: [trial, customer, notice]", "status: [customer, notice]"))
    found = run(history, after=after)
    trials = [each for each in found.moved() if each.band_after == NOT_SCORED]
    assert [each.customer_id for each in trials] == ["c03", "c10"]
    assert all(each.score_after is None and each.movers == () for each in trials)
    assert [each.name for each in trials] == ["Customer 3", "Customer 10"]
    backwards = run(history, before=after, after=SAAS)
    assert sum(each.band_before == NOT_SCORED for each in backwards.customers) == 2
    assert found.moved()[-1].band_after == NOT_SCORED


def test_the_end_is_where_it_is_told(history: Path) -> None:
    early = run(history, as_of_ms=START_MS + 30 * DAY_MS)
    whole = run(history, as_of_ms=None)
    assert early.as_of_ms == START_MS + 30 * DAY_MS
    assert whole.as_of_ms % DAY_MS == 0
    assert {e[:4] for e in early.customers} != {e[:4] for e in whole.customers}


def test_files_are_read_once(history: Path, tmp_path: Path) -> None:
    """Of a compressed one the bytes that were read are counted, and each once."""
    packed = tmp_path / "events.jsonl.gz"
    packed.write_bytes(gzip.compress(history.read_bytes()))
    heard: list[int] = []
    again = run(packed, progress=heard.append)
    assert sum(heard) == packed.stat().st_size
    assert again.customers == run(history).customers


# -- how it is told ------------------------------------------------------------------------------


@pytest.fixture
def screen() -> Console:
    return Console(width=160, record=True, force_terminal=False)


def test_the_terminal_says_it_all(
    found: Histories, screen: Console, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = read_page(SAAS), read_page(OTHER)
    print_differences(screen, before, after, differences(before, after))
    print_histories(screen, found, limit=1)
    text = screen.export_text()
    assert f"- b2b-saas 1 ({before.short_hash})" in text
    assert f"+ b2b-saas 2 ({after.short_hash})" in text
    assert "Weights · Usage: 15 %; before: 45 %" in text
    moved = found.moved()
    assert f"{len(moved)} of {len(found.customers)} customers would be in another band" in text
    assert moved[0].customer_id in text
    assert moved[1].customer_id not in text
    assert f"... and {len(moved) - 1} more" in text
    assert f"{found.messages_before.sent} (" in text
    at_once = sum(crossing.at_once for crossing in found.switch)
    assert f"the switch itself, now: {at_once} customers change band at once" in text
    assert "0 messages about single customers, for these changes have the cause scorecard" in text
    assert "one summary goes to each sink" in text
    capsys.readouterr()


def test_what_cannot_be_explained_by_lines_is_said(
    screen: Console, found: Histories, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = (
        Compared("a\x1b", "A", 4_000, 4_000, "red", "yellow", ()),
        Compared("b", None, None, 4_000, "unknown", "red", ()),
        Compared("c", None, 4_000, None, "red", NOT_SCORED, ()),
    )
    print_histories(screen, replace(found, customers=odd), limit=0)
    text = screen.export_text()
    assert "the same score: the levels or the history differ" in text
    assert "too little is known" in text
    assert "one of the cards does not score this account" in text
    assert "a\\x1b" in text
    capsys.readouterr()


def test_the_same_card_twice_is_said(screen: Console, capsys: pytest.CaptureFixture[str]) -> None:
    page, commented = read_page(SAAS), read_page(f"{SAAS}# more\n")
    print_differences(screen, page, page, ())
    print_differences(screen, page, commented, differences(page, commented))
    text = screen.export_text()
    assert "the very same text" in text
    assert "only comments and layout differ" in text
    capsys.readouterr()


def test_the_json_holds_it_all(found: Histories) -> None:
    before, after = read_page(SAAS), read_page(OTHER)
    body: Mapping[str, Any] = json.loads(
        msgspec.json.encode(as_json(before, after, differences(before, after), found))
    )
    assert body["before"] == {"name": "b2b-saas", "version": "1", "hash": before.hash}
    assert body["differences"][0] == {"where": "Scorecard · Version", "before": "1", "after": "2"}
    assert sum(each["customers"] for each in body["bands"]) == len(body["customers"])
    assert body["messages"]["after"]["sent"] == found.messages_after.sent
    assert len(body["switch"]["crossings"]) == len(found.switch)
    assert body["switch"]["messages"]["sent"] == 0
    assert body["as_of"] == "2026-06-30T00:00:00.000Z"
    movers = [mover for each in body["customers"] for mover in each["movers"]]
    assert {frozenset(mover) for mover in movers} == {frozenset({"name", "kind", "delta"})}
    assert set(as_json(before, after, (), None)) == {"before", "after", "differences"}
