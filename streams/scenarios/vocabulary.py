"""The sentences that a scenario may use: what each says, and which event it stands for.

One table. docs/scenarios.md lists it; a test holds each sentence's example
against the contracts of the events. Slots carry the names of the event's fields
(``{ticket_id:ID}``), so that a sentence is its form and what is fixed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["PEOPLE", "SENTENCES", "Sentence"]

_TICKET = "ticket.changed"
_BILLING = "billing.changed"
_ACCOUNT = "account.changed"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A form in the notation of ``streams.scenarios.grammar``, its meaning, an example.

    ``fixed`` are the event's type and the fields that no slot gives.
    """

    form: str
    about: str
    example: str
    fixed: Mapping[str, Any] = field(default_factory=dict)


def _of(kind: str, **fixed: Any) -> dict[str, Any]:
    return {"type": kind, **fixed}


#: The one sentence that stands for many events.
PEOPLE = Sentence(
    "{users:N} users/user use/uses {features:N} features/feature [for {each:SPAN}]",
    "each of these people uses each of these features once; the same people and features every"
    " time. The span is what each of them spends in all",
    "40 users use 8 features for 1h",
)

_USAGE: tuple[Sentence, ...] = (
    PEOPLE,
    Sentence(
        "{quantity:N} uses/use of {feature:NAME} [by {user:NAME}]",
        "a feature is used so many times",
        "20 uses of export by ann",
        _of("usage.feature"),
    ),
    Sentence(
        "{quantity:N} failed uses/use of {feature:NAME} [by {user:NAME}]",
        "the same, and it did not work",
        "3 failed uses of export by ann",
        _of("usage.feature", outcome="failed"),
    ),
    Sentence(
        "{quantity:N} uses/use of {feature:NAME} by a machine",
        "use by a program: it counts as use, not as people",
        "500 uses of api by a machine",
        _of("usage.feature", user_kind="automated"),
    ),
    Sentence(
        "{activity:ACTIVITY} [over {amount:MONEY}] [rated {rating:SCORE} [of"
        " {rating_scale_max:SCORE}]] [by {user:NAME}]",
        "what customers of a shop or a café do; a rating is of 5 unless it says otherwise",
        "order over 40 EUR, rated 4",
        _of("usage.activity"),
    ),
)
_TICKETS = (
    Sentence(
        "ticket {ticket_id:ID} opened [, {priority:PRIORITY}] [about {category:NAME}]",
        "a ticket is opened",
        "ticket T-1 opened, urgent",
        _of(_TICKET, change="opened"),
    ),
    Sentence(
        "ticket {ticket_id:ID} answered [after {first_response_s:SPAN}]",
        "answered for the first time; the span is the first-response time",
        "ticket T-1 answered after 3h",
        _of(_TICKET, change="answered"),
    ),
    Sentence(
        "ticket {ticket_id:ID} {change:TOUCHED}",
        "what becomes of it; an escalated ticket counts as urgent",
        "ticket T-1 solved",
        _of(_TICKET),
    ),
    Sentence(
        "ticket {ticket_id:ID} rated {satisfaction:SCORE} of {satisfaction_scale_max:SCORE}",
        "how satisfied the customer is with the ticket",
        "ticket T-1 rated 4 of 5",
        _of(_TICKET, change="rated"),
    ),
)
_INVOICES = (
    Sentence(
        "invoice {invoice_id:ID} [over {amount:MONEY}] issued [due {due_at:TIME}]",
        "an invoice is written",
        "invoice INV-7 over 2000 EUR issued, due 2026-06-22",
        _of(_BILLING, change="invoice_issued"),
    ),
    Sentence(
        "invoice {invoice_id:ID} [over {amount:MONEY}] falls due [, unpaid]",
        "from this time on it is overdue, until it is paid or voided",
        "invoice INV-7 over 2000 EUR falls due, unpaid",
        _of(_BILLING, change="invoice_due"),
    ),
    Sentence(
        "invoice {invoice_id:ID} [over {amount:MONEY}] overdue [since {due_at:TIME}]",
        "billing calls it overdue",
        "invoice INV-7 overdue since 2026-06-22",
        _of(_BILLING, change="invoice_overdue"),
    ),
    Sentence(
        "invoice {invoice_id:ID} {change:SETTLED}",
        "nothing is owed for it any more",
        "invoice INV-7 paid",
        _of(_BILLING),
    ),
    Sentence(
        "payment of {invoice_id:ID} fails",
        "a payment of this invoice fails",
        "payment of INV-7 fails",
        _of(_BILLING, change="payment_failed"),
    ),
    Sentence(
        "a payment fails",
        "some payment fails",
        "a payment fails",
        _of(_BILLING, change="payment_failed"),
    ),
)
_CONTRACT = (
    Sentence(
        "cancellation scheduled [because {reason:TEXT}]",
        "the customer gives notice; a renewal takes it back",
        'cancellation scheduled because "too expensive"',
        _of(_BILLING, change="cancel_scheduled"),
    ),
    Sentence(
        "subscription renewed [until {renewal_at:TIME}]",
        "the contract goes on; the time is the next renewal",
        "subscription renewed until 2027-09-15",
        _of(_BILLING, change="subscription_renewed"),
    ),
    Sentence(
        "subscription cancelled [because {reason:TEXT}]",
        "the contract ends: the account's status becomes churned",
        "subscription cancelled",
        _of(_BILLING, change="cancelled"),
    ),
    Sentence(
        "account status {status:STATUS}",
        "where the account stands commercially",
        "account status notice",
        _of(_ACCOUNT),
    ),
    Sentence("account seats {seats:N}", "the seats paid for", "account seats 80", _of(_ACCOUNT)),
    Sentence(
        "account mrr {mrr:MONEY}",
        "the monthly recurring revenue",
        "account mrr 2500 EUR",
        _of(_ACCOUNT),
    ),
    Sentence(
        "account renewal {renewal_at:TIME}",
        "when the contract renews",
        "account renewal 2026-09-15",
        _of(_ACCOUNT),
    ),
    Sentence(
        "account owner {owner:NAME}",
        "who looks after the account",
        "account owner dana",
        _of(_ACCOUNT),
    ),
    Sentence(
        "account plan {plan:NAME}",
        "the plan that the subscription is on",
        "account plan pro",
        _of(_BILLING, change="subscription_changed"),
    ),
    Sentence(
        "account closed [because {reason:TEXT}]",
        "the account is closed: its status becomes churned",
        "account closed",
        _of("account.closed"),
    ),
)
_PEOPLE = (
    Sentence(
        "nps {score:SCORE} [by {respondent:NAME}]",
        "an answer to the NPS question, 0 to 10",
        "nps 9",
        _of("engagement.survey", survey="nps"),
    ),
    Sentence(
        "{survey:SURVEY} {score:SCORE} [by {respondent:NAME}]",
        "an answer to another survey: csat is 1 to 5, ces 1 to 7",
        "csat 4",
        _of("engagement.survey"),
    ),
    Sentence(
        "{kind:CONTACT} [by {by:NAME}] [about {subject:NAME}]",
        "people talked",
        "check-in by dana",
        _of("engagement.contact"),
    ),
    Sentence(
        "pulse {pulse:PULSE} by {author:NAME} because {reason:TEXT} [until {expires_at:TIME}]",
        "what a person thinks of the customer, until it expires",
        'pulse worried by dana because "no answer" until 2026-08-01',
        _of("engagement.pulse"),
    ),
    Sentence(
        "not pursued by {author:NAME} because {reason:TEXT} [until {expires_at:TIME}]",
        "a person decides not to work on the account",
        'not pursued by dana because "merged with its parent" until 2026-12-31',
        _of("engagement.state", state="not_pursued"),
    ),
    Sentence(
        "pursued by {author:NAME} because {reason:TEXT}",
        "the account is worked on again",
        'pursued by dana because "a new champion"',
        _of("engagement.state", state="pursued"),
    ),
    Sentence(
        "handled by {author:NAME} because {reason:TEXT} [until {expires_at:TIME}]",
        "a person has dealt with what is wrong: it needs no attention until something changes",
        'handled by dana because "call agreed for Monday"',
        _of("engagement.state", state="handled"),
    ),
    Sentence(
        "not handled by {author:NAME} because {reason:TEXT}",
        "it needs attention after all",
        'not handled by dana because "they did not call back"',
        _of("engagement.state", state="not_handled"),
    ),
    Sentence(
        "feedback {sentiment:SENTIMENT} [about {feature:NAME}]",
        "somebody says what they think",
        "feedback negative about export",
        _of("engagement.feedback"),
    ),
    Sentence(
        "{kind:GOAL} {goal_id:ID} due {due_at:TIME}",
        "a goal of the success plan is set, with its date",
        "goal onboarding due 2026-06-01",
        _of("engagement.goal", change="set"),
    ),
    Sentence(
        "{kind:GOAL} {goal_id:ID} {change:ENDED}",
        "it is reached, or given up",
        "goal onboarding reached",
        _of("engagement.goal"),
    ),
    Sentence(
        "stage {stage:NAME}",
        "the customer enters a lifecycle stage",
        "stage onboarding",
        _of("engagement.lifecycle"),
    ),
)
_TOUCHES = (
    Sentence(
        "{kind:LEARNING} {item:NAME} [{completed:FINISHED}] [by {user:NAME}]",
        "self-service material is used, perhaps to its end",
        "tutorial basics finished",
        _of("engagement.learning"),
    ),
    Sentence(
        "community {activity:COMMUNITY} [by {user:NAME}]",
        "somebody is active in the community",
        "community post",
        _of("engagement.community"),
    ),
    Sentence(
        "campaign {campaign:NAME} {reaction:REACTION}",
        "a reaction to a campaign",
        "campaign webinar attended",
        _of("engagement.campaign"),
    ),
    Sentence(
        "site visit to {page:NAME} [by {user:NAME}]",
        "a visit to the public site",
        "site visit to pricing",
        _of("engagement.visit"),
    ),
)
_ANY = (
    Sentence(
        "event {fields:FIELDS}",
        "any event, for what no sentence says; it may have an `event_id`, a `source` and an"
        " `occurred_at` of its own",
        "event {type: usage.feature, feature: export, user: ann, outcome: failed}",
    ),
)

#: All of them, by what they are about.
SENTENCES: Mapping[str, Iterable[Sentence]] = {
    "use": _USAGE,
    "tickets": _TICKETS,
    "invoices": _INVOICES,
    "contract": _CONTRACT,
    "what people say and decide": _PEOPLE,
    "other touches": _TOUCHES,
    "anything else": _ANY,
}
