"""What a comparison says: on a terminal, and as JSON."""

from collections.abc import Iterable
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from schemas.scales import Scale
from scoring.facts import rfc3339
from streams.api.shown import label
from streams.reading.terminal import printable
from streams.scorecard_diff.differences import Difference
from streams.scorecard_diff.histories import NOT_SCORED, Compared, Crossing, Histories, Messages
from streams.scorecard_pages.page import Page

__all__ = ["as_json", "print_differences", "print_histories"]

_BANDS = ("red", "yellow", "green", "unknown", NOT_SCORED)
_STYLES = {"red": "red", "yellow": "yellow", "green": "green"}
_MOVERS_MAX = 3


def print_differences(
    console: Console, before: Page, after: Page, found: Iterable[Difference]
) -> None:
    """What the cards themselves say differently, a line each."""
    for sign, card in (("-", before), ("+", after)):
        line = f"{sign} {card.name} {card.version} ({card.short_hash})"
        console.print(line, highlight=False, markup=False)
    lines = [printable(each.says) for each in found]
    if not lines:
        same = before.hash == after.hash
        lines = ["the very same text" if same else "only comments and layout differ: scores do not"]
    for line in lines:
        console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)


def print_histories(console: Console, found: Histories, limit: int) -> None:
    """The matrix, who moved and why, the messages, the switch."""
    moved = found.moved()
    console.print(_matrix(found))
    console.print(
        f"{len(moved)} of {len(found.customers)} customers would be in another band"
        f" as of {rfc3339(found.as_of_ms)}, had it been the second card all along",
        highlight=False,
    )
    if moved:
        console.print(_moved(moved if limit == 0 else moved[:limit]))
        if limit and len(moved) > limit:
            console.print(f"... and {len(moved) - limit} more (all: --limit 0)", style="dim")
    console.print(
        f"messages over the history: {_sent(found.messages_before)} with the first card,"
        f" {_sent(found.messages_after)} with the second",
        highlight=False,
    )
    console.print(_switch(found), highlight=False, soft_wrap=True)


def _matrix(found: Histories) -> Table:
    """Bands with the first card down, with the second across; only those that occur."""
    counts = found.matrix()
    bands = [band for band in _BANDS if any(band in pair for pair in counts)]
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("first card \\ second card")
    for band in bands:
        table.add_column(Text(band, _style(band)), justify="right")
    table.add_column("all", justify="right")
    for before in bands:
        row = [counts.get((before, after), 0) for after in bands]
        table.add_row(Text(before, _style(before)), *(str(n or "·") for n in row), str(sum(row)))
    columns = [sum(counts.get((before, after), 0) for before in bands) for after in bands]
    table.add_row("all", *(str(n) for n in columns), str(sum(columns)))
    return table


def _moved(moved: Iterable[Compared]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for name in ("customer", "name"):
        table.add_column(name)
    for name in ("before", "after"):
        table.add_column(name, justify="right")
    table.add_column("band")
    table.add_column("what makes the difference, largest first", overflow="fold")
    for each in moved:
        band = Text(each.band_before, _style(each.band_before)) + Text(" → ")
        table.add_row(
            Text(printable(each.customer_id)),
            Text(printable(each.name or "")),
            _score(each.score_before),
            _score(each.score_after),
            band + Text(each.band_after, _style(each.band_after)),
            Text(printable(_why(each))),
        )
    return table


def _why(each: Compared) -> str:
    """The largest movers; without any, why there are none."""
    if NOT_SCORED in (each.band_before, each.band_after):
        return "one of the cards does not score this account"
    if each.score_before is None or each.score_after is None:
        return "with one of the cards too little is known for a score"
    told = [f"{delta / 100:+.1f} {label(name)}" for name, _, delta in each.movers[:_MOVERS_MAX]]
    rest = len(each.movers) - len(told)
    if rest > 0:
        told.append(f"{rest} more")
    return ", ".join(told).replace("-", "−") or "the same score: the levels or the history differ"


def _sent(messages: Messages) -> str:
    if not messages.severities:
        return str(messages.sent)
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(messages.severities.items()))
    return f"{messages.sent} ({kinds})"


def _switch(found: Histories) -> str:
    at_once = sum(crossing.at_once for crossing in found.switch)
    later = len(found.switch) - at_once
    waiting = f", {later} more when their hold ends unless the score comes back" if later else ""
    return (
        f"the switch itself, now: {at_once} customers change band at once{waiting};"
        f" {found.messages_switch.sent} messages about single customers, for these changes have"
        " the cause scorecard"
        + (": one summary goes to each sink" if found.switch else ", and no summary")
    )


def as_json(
    before: Page, after: Page, differences: Iterable[Difference], found: Histories | None
) -> dict[str, Any]:
    """The whole comparison; without events there are the cards and their differences only."""
    body: dict[str, Any] = {
        "before": _card(before),
        "after": _card(after),
        "differences": [
            {"where": each.where, "before": each.before, "after": each.after}
            for each in differences
        ],
    }
    if found is None:
        return body
    matrix = [
        {"before": pair[0], "after": pair[1], "customers": count}
        for pair, count in sorted(found.matrix().items())
    ]
    return body | {
        "as_of": rfc3339(found.as_of_ms),
        "events": found.events,
        "rejected": dict(found.rejected),
        "bands": matrix,
        "customers": [_customer(each) for each in found.customers],
        "messages": {
            "before": _messages(found.messages_before),
            "after": _messages(found.messages_after),
        },
        "switch": {
            "crossings": [_crossing(each) for each in found.switch],
            "messages": _messages(found.messages_switch),
        },
    }


def _card(page: Page) -> dict[str, str]:
    return {"name": page.name, "version": page.version, "hash": page.hash}


def _customer(each: Compared) -> dict[str, Any]:
    movers = [{"name": n, "kind": k, "delta": d} for n, k, d in each.movers]
    return {**each._asdict(), "movers": movers}


def _crossing(crossing: Crossing) -> dict[str, Any]:
    return dict(crossing._asdict())


def _messages(messages: Messages) -> dict[str, Any]:
    return {
        "sent": messages.sent,
        "severities": dict(messages.severities),
        "decided": dict(messages.decided),
    }


def _score(score: int | None) -> str:
    return "–" if score is None else Scale().exact(score)


def _style(band: str) -> str:
    return _STYLES.get(band, "dim")
