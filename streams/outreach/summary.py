"""The one message about an activation: whether there is one, and its words. Pure."""

from collections.abc import Sequence

from schemas.actions import Message, Severity
from schemas.activations import Crossings, ScorecardApplied, ScorecardAppliedData, TurnedRed
from schemas.currencies import minor_digits
from schemas.scales import Scale, scale_of
from schemas.scores import Band
from streams.clock import to_ms
from streams.outreach.decide import AGE_MAX_MS, Decision, Reason, to_each
from streams.outreach.message import clean

__all__ = ["changed", "into_bands", "summarise"]

#: The bands in the order in which people ask for them.
_ORDER = (Band.RED, Band.YELLOW, Band.GREEN, Band.UNKNOWN)
#: Of a name, author or reason: all parts together stay within a Slack header and section.
_NAME_CHARS_MAX, _WORDS_CHARS_MAX, _PROBLEM_CHARS_MAX = 40, 200, 400


def summarise(
    event: ScorecardApplied, sinks: Sequence[str], now_ms: int, base_url: str | None = None
) -> list[Decision]:
    """One decision per sink, or a single one with the reason for silence.

    Nobody is told of a card that moved nobody and was refused nowhere: there is
    nothing to do. The same event gives actions with the same ids however often it
    is made.
    """
    data = event.data
    if not (data.customers_changed or data.pending or data.refused_partitions):
        return [Decision(Reason.NOTHING_CHANGED)]
    if now_ms - to_ms(event.time) > AGE_MAX_MS:
        return [Decision(Reason.TOO_OLD)]
    if not sinks:
        return [Decision(Reason.SINK_NOT_CONFIGURED)]
    return to_each(sinks, event.id, _message(event, base_url), now_ms, applied=event)


def _message(event: ScorecardApplied, base_url: str | None) -> Message:
    data = event.data
    name = clean(data.scorecard.name, _NAME_CHARS_MAX)
    about = f"Scorecard {name} {clean(data.scorecard.version, 20)}"
    if data.refused_partitions == data.partitions:
        headline = f"{about} is refused: the one before stays active"
    else:
        headline = f"{about}: {changed(data)}"
    by = f"activated by {clean(data.author, 100)}: {clean(data.reason, _WORDS_CHARS_MAX)}"
    return Message(
        severity=Severity.NOTICE,
        headline=headline,
        because="; ".join([by, *_besides(event)]),
        movers=tuple(_red(each, scale_of(data.scorecard.shown_as)) for each in data.turned_red),
        link=None if base_url is None else f"{base_url.rstrip('/')}/",
    )


def changed(data: ScorecardAppliedData) -> str:
    """How many are in another band, by the band that they are in now."""
    if not data.customers_changed:
        return "no customer changed band so far"
    customers = "customer" if data.customers_changed == 1 else "customers"
    return f"{data.customers_changed} {customers} changed band: {into_bands(data.crossings)}"


def into_bands(crossings: Sequence[Crossings], more: str = "") -> str:
    """Such as ``14 to red, 40 to yellow``."""
    into = dict.fromkeys(_ORDER, 0)
    for crossed in crossings:
        into[crossed.after] += crossed.customers
    return ", ".join(f"{count}{more} to {band}" for band, count in into.items() if count)


def _besides(event: ScorecardApplied) -> list[str]:
    """What is to be known besides: who waits, who refused, who is listed."""
    data = event.data
    told = []
    if data.pending:
        told.append(
            f"when hold times end, unless scores come back: {into_bands(data.pending, ' more')},"
            " without a message"
        )
    if data.refused_partitions:
        told.append(
            f"refused in {data.refused_partitions} of {data.partitions} partitions:"
            f" {clean(data.problem, _PROBLEM_CHARS_MAX)}"
        )
    red = sum(
        crossed.customers
        for crossed in (*data.crossings, *data.pending)
        if crossed.after is Band.RED
    )
    if data.turned_red:
        shown = len(data.turned_red)
        told.append(
            "turned red:"
            if red <= shown
            else f"the {shown} with the greatest value that turned red:"
        )
    return told


def _red(red: TurnedRed, scale: Scale) -> str:
    """Such as ``Acme: 58 → 41, from yellow, 2,000 EUR a month``."""
    told = clean(red.name or red.customer_id, 100)
    if red.score_before is not None and red.score_after is not None:
        told += f": {scale.score(red.score_before)} → {scale.score(red.score_after)}"
    told += f", {red.before} to red" + (" when its hold time ends" if red.pending else "")
    if red.mrr_minor is not None:
        units = f"{red.mrr_minor // 10 ** minor_digits(red.currency or ''):,}"
        told += f", {units} {clean(red.currency or '', 3)}".rstrip() + " a month"
    return told
