"""Each sentence and the event that it stands for; each mistake and what is said of it."""

import contextlib
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.inbound import AnyEvent
from streams.scenarios.grammar import NotUnderstood
from streams.scenarios.sentences import EVENTS_MAX, Said, read_sentence
from streams.scenarios.times import ZoneTimes, zone_of
from streams.scenarios.vocabulary import SENTENCES

BERLIN = ZoneTimes(zone_of("Europe/Berlin"))
ALL = [sentence for group in SENTENCES.values() for sentence in group]
NOON = "T10:00:00.000Z"  # in summer, in Berlin
ENVELOPE = {
    "event_id": "1",
    "customer_id": "acme",
    "occurred_at": "2026-05-04T10:00:00Z",
    "source": "scenario",
}


def one(text: str) -> dict[str, Any]:
    """The fields of the only event."""
    (fields,) = read_sentence(text, BERLIN).events
    return fields


@pytest.mark.parametrize("sentence", ALL, ids=lambda sentence: sentence.example)
def test_every_example_is_an_event_of_the_contracts(sentence: Any) -> None:
    """And every field that it gives is one that the event has: none is ignored."""
    for fields in read_sentence(sentence.example, BERLIN).events:
        event = AnyEvent.validate_json(json.dumps({**ENVELOPE, **fields}))
        assert set(fields) <= event.model_fields_set


TICKET = {"type": "ticket.changed", "ticket_id": "T-1"}
INVOICE = {"type": "billing.changed", "invoice_id": "INV-7"}
BILLING = {"type": "billing.changed"}
ACCOUNT = {"type": "account.changed"}
EUR_2000 = {"amount_minor": 200_000, "currency": "EUR"}


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("20 uses of export by ann", {"type": "usage.feature", "quantity": 20,
                                      "feature": "export", "user": "ann"}),
        ("1 use of export", {"type": "usage.feature", "quantity": 1, "feature": "export"}),
        ("3 failed uses of export", {"type": "usage.feature", "quantity": 3, "feature": "export",
                                     "outcome": "failed"}),
        ("500 uses of api by a machine", {"type": "usage.feature", "quantity": 500,
                                          "feature": "api", "user_kind": "automated"}),
        ("order over 40 EUR, rated 4", {"type": "usage.activity", "activity": "order",
                                        "amount_minor": 4000, "currency": "EUR", "rating": 4}),
        ("review rated 7.5 of 10 by ann", {"type": "usage.activity", "activity": "review",
                                           "rating": 7.5, "rating_scale_max": 10,
                                           "user": "ann"}),
        ("visit", {"type": "usage.activity", "activity": "visit"}),
        ("booking", {"type": "usage.activity", "activity": "booking"}),
        ("ticket T-1 opened", {**TICKET, "change": "opened"}),
        ("ticket T-1 opened, urgent, about export",
         {**TICKET, "change": "opened", "priority": "urgent", "category": "export"}),
        ("ticket T-1 opened about export, high",
         {**TICKET, "change": "opened", "priority": "high", "category": "export"}),
        ("ticket T-1 answered after 3h",
         {**TICKET, "change": "answered", "first_response_s": 10_800}),
        ("ticket T-1 answered after 45 minutes",
         {**TICKET, "change": "answered", "first_response_s": 2700}),
        ("ticket T-1 answered", {**TICKET, "change": "answered"}),
        ("ticket T-1 solved", {**TICKET, "change": "solved"}),
        ("ticket T-1 escalated", {**TICKET, "change": "escalated"}),
        ("ticket T-1 reopened", {**TICKET, "change": "reopened"}),
        ("ticket T-1 closed", {**TICKET, "change": "closed"}),
        ("ticket T-1 rated 4 of 5",
         {**TICKET, "change": "rated", "satisfaction": 4, "satisfaction_scale_max": 5}),
        ("invoice INV-7 over 2000 EUR falls due, unpaid",
         {**INVOICE, **EUR_2000, "change": "invoice_due"}),
        ("invoice INV-7 over 2000 JPY falls due",
         {**INVOICE, "amount_minor": 2000, "currency": "JPY", "change": "invoice_due"}),
        ("invoice INV-7 issued", {**INVOICE, "change": "invoice_issued"}),
        ("invoice INV-7 over 2000 EUR issued, due 2026-06-22",
         {**INVOICE, **EUR_2000, "change": "invoice_issued", "due_at": f"2026-06-22{NOON}"}),
        ("invoice INV-7 overdue since 2026-06-22 00:30",
         {**INVOICE, "change": "invoice_overdue", "due_at": "2026-06-21T22:30:00.000Z"}),
        ("invoice INV-7 paid", {**INVOICE, "change": "invoice_paid"}),
        ("invoice INV-7 voided", {**INVOICE, "change": "invoice_voided"}),
        ("payment of INV-7 fails", {**INVOICE, "change": "payment_failed"}),
        ("a payment fails", {**BILLING, "change": "payment_failed"}),
        ('cancellation scheduled because "too expensive"',
         {**BILLING, "change": "cancel_scheduled", "reason": "too expensive"}),
        ("subscription renewed until 2027-09-15",
         {**BILLING, "change": "subscription_renewed", "renewal_at": f"2027-09-15{NOON}"}),
        ("subscription cancelled", {**BILLING, "change": "cancelled"}),
        ("account status notice", {**ACCOUNT, "status": "notice"}),
        ("account seats 80", {**ACCOUNT, "seats": 80}),
        ("account mrr 2500.50 EUR", {**ACCOUNT, "mrr_minor": 250_050, "currency": "EUR"}),
        ("account renewal 2026-09-15", {**ACCOUNT, "renewal_at": f"2026-09-15{NOON}"}),
        ('account owner "Dana Whitfield"', {**ACCOUNT, "owner": "Dana Whitfield"}),
        ("account plan pro", {**BILLING, "change": "subscription_changed", "plan": "pro"}),
        ("account closed because moved", {"type": "account.closed", "reason": "moved"}),
        ("nps 9 by ann", {"type": "engagement.survey", "survey": "nps", "score": 9,
                          "respondent": "ann"}),
        ("csat 4.5", {"type": "engagement.survey", "survey": "csat", "score": 4.5}),
        ("ces 5", {"type": "engagement.survey", "survey": "ces", "score": 5}),
        ("check-in by dana", {"type": "engagement.contact", "kind": "check_in", "by": "dana"}),
        ("call", {"type": "engagement.contact", "kind": "call"}),
        ("mail about renewal", {"type": "engagement.contact", "kind": "mail",
                                "subject": "renewal"}),
        ('pulse worried by dana because "no answer" until 2026-08-01',
         {"type": "engagement.pulse", "pulse": "worried", "author": "dana",
          "reason": "no answer", "expires_at": f"2026-08-01{NOON}"}),
        ('not pursued by dana because "merged"',
         {"type": "engagement.state", "state": "not_pursued", "author": "dana",
          "reason": "merged"}),
        ('pursued by dana because "back"',
         {"type": "engagement.state", "state": "pursued", "author": "dana", "reason": "back"}),
        ('handled by dana because "called" until 2026-08-01',
         {"type": "engagement.state", "state": "handled", "author": "dana", "reason": "called",
          "expires_at": f"2026-08-01{NOON}"}),
        ('not handled by dana because "no"',
         {"type": "engagement.state", "state": "not_handled", "author": "dana", "reason": "no"}),
        ("feedback negative about export",
         {"type": "engagement.feedback", "sentiment": "negative", "feature": "export"}),
        ("goal onboarding due 2026-06-01",
         {"type": "engagement.goal", "kind": "goal", "goal_id": "onboarding", "change": "set",
          "due_at": f"2026-06-01{NOON}"}),
        ("milestone go-live reached",
         {"type": "engagement.goal", "kind": "milestone", "goal_id": "go-live",
          "change": "reached"}),
        ("tutorial basics finished",
         {"type": "engagement.learning", "kind": "tutorial", "item": "basics",
          "completed": True}),
        ("article sso by ann", {"type": "engagement.learning", "kind": "help_article",
                                "item": "sso", "user": "ann"}),
        ("community post", {"type": "engagement.community", "activity": "post"}),
        ("campaign webinar attended",
         {"type": "engagement.campaign", "campaign": "webinar", "reaction": "attended"}),
        ("site visit to pricing", {"type": "engagement.visit", "page": "pricing"}),
        ("stage onboarding", {"type": "engagement.lifecycle", "stage": "onboarding"}),
        ("event {type: usage.feature, feature: no, quantity: 3}",
         {"type": "usage.feature", "feature": "no", "quantity": 3}),
        ("event {type: engagement.goal, goal_id: g, change: set, due_at: 2026-06-01T00:00:00Z}",
         {"type": "engagement.goal", "goal_id": "g", "change": "set",
          "due_at": "2026-06-01T00:00:00Z"}),
    ],
)  # fmt: skip
def test_what_a_sentence_stands_for(text: str, fields: dict[str, Any]) -> None:
    assert one(text) == fields


def test_people_use_features() -> None:
    """Each of them each feature once, an hour in all; the same people and features every time."""
    events = read_sentence("40 users use 8 features for 1h", BERLIN).events
    assert len({(event["user"], event["feature"]) for event in events}) == len(events) == 320
    assert len({event["user"] for event in events}) == 40
    assert sum(event["duration_s"] for event in events) == 40 * 3600
    assert events == read_sentence("40 users use 8 features, for 1 hour", BERLIN).events
    assert len(read_sentence("1 user uses 1 feature", BERLIN).events) == 1


@pytest.mark.parametrize(
    ("ending", "late_s", "again_s"),
    [
        ("", 0, None),
        (", heard 2d later", 172_800, None),
        (", heard again 30m later", 0, 1800),
        (", heard twice", 0, 0),
        (" heard 1h later, heard again 1d later", 3600, 86_400),
    ],
)
def test_how_it_reaches_us(ending: str, late_s: int, again_s: int | None) -> None:
    for sentence in ("nps 9", "event {type: usage.feature, feature: x}", "2 users use 2 features"):
        said = read_sentence(sentence + ending, BERLIN)
        assert said == Said(read_sentence(sentence, BERLIN).events, late_s, again_s)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "expected a sentence after the time, such as `nps 9`"),
        ("ticket T-1 opend, urgent", ("after 'ticket T-1': expected answered, closed, deleted,"
         " escalated, merged, opened, rated, reopened, solved, got opend; did you mean opened?")),
        ("ticket T-1 opened, urgnt",
         ("after 'ticket T-1 opened': expected the end, about, heard, high, low, normal, urgent,"
         " got urgnt; did you mean urgent?")),
        ("nps nine", "after 'nps': expected a number, got nine"),
        ("invoice INV-7 over 2000 falls due", ("after 'invoice INV-7 over': expected an amount with"
         " its currency, such as 2000 EUR, got '2000 falls'")),
        ("order over 40.001 EUR",
         "after 'order over': '40.001' has more decimals than EUR has (2)"),
        ("account renewal 2026-02-30", "after 'account renewal': there is no day 2026-02-30"),
        ("account renewal soon",
         "after 'account renewal': expected a time such as 2026-06-22, got soon"),
        ("account renewal 2026-03-29 02:30", ("2026-03-29 02:30 does not exist in Europe/Berlin:"
         " the clocks go forward there")),
        ("pulse bad by dana because x",
         "after 'pulse': expected good, lost, unsure, worried, got bad"),
        ("pulse good by dana", "after 'pulse good by dana': expected because, got nothing"),
        ('pulse good by dana because ""',
         "after 'pulse good by dana because': the text in quotes is empty"),
        ("ticket T-1 answered after soon", ("after 'ticket T-1 answered after': expected a span of"
         " time such as 3h or 2d, got soon")),
        ("nps 9, heard 2 later",
         "after 'nps 9 heard': expected a span of time such as 3h or 2d, again, twice, got 2"),
        ("nps 9, heard 500d later", "an event is heard at most 400 days after it happened"),
        ("20000 users use 2 features",
         f"20000 users times 2 features: expected 1 to {EVENTS_MAX} events at a time"),
        ("0 users use 2 features",
         f"0 users times 2 features: expected 1 to {EVENTS_MAX} events at a time"),
        ("event {type: usage.featre}",
         "no event type usage.featre; did you mean usage.feature or usage.activity?"),
        ("event {type: [}", "after 'event': not fields of an event: expected the node content"),
        ("event {feature: x, feature: y}",
         "after 'event': not fields of an event: 'feature' stands here twice"),
    ],
)  # fmt: skip
def test_what_is_said_of_a_mistake(text: str, told: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(told)):
        read_sentence(text, BERLIN)


def test_the_beginning_names_all_sentences() -> None:
    """Whoever does not know what to write is told all there is."""
    with pytest.raises(NotUnderstood) as error:
        read_sentence("hello", BERLIN)
    for sentence in ALL:
        first = sentence.form.split()[0]
        assert "{" in first or first in str(error.value), sentence.form


WORDS = sorted({word for sentence in ALL for word in sentence.example.split()})


@given(st.lists(st.sampled_from([*WORDS, '"', "{", "}", "heard", "later", "2d", ""]), max_size=9))
def test_any_words_are_understood_or_told(words: list[str]) -> None:
    """Never another error than the one with a sentence for the writer."""
    with contextlib.suppress(ValueError):
        read_sentence(" ".join(words), BERLIN)
