"""The one place where messages are worded.

Plain words, points on the card's scale (people read 41, the history keeps 41.37), the
reason first, at most three movers. Nothing is escaped here: that is each sink's own.
"""

from urllib.parse import quote

from schemas.actions import Message, Severity
from schemas.scales import Scale, scale_of
from schemas.scores import Contribution, Mover, Transition

__all__ = ["clean", "compose", "whole"]

MOVERS_MAX = 3
#: No part of a message is longer: a sink's limits then hold by construction.
PART_CHARS_MAX = 500
#: Lines of the score whose own name says nothing to a reader.
_LABELS = {"respread": "weight of measures without data"}


def whole(points: int) -> int:
    """Hundredths of a point as whole points, halves away from zero: -250 is -3."""
    rounded = (abs(points) + 50) // 100
    return -rounded if points < 0 else rounded


def compose(transition: Transition, severity: Severity, base_url: str | None) -> Message:
    """The message about one crossed line; ``base_url`` is where people reach the page."""
    data = transition.data
    owner = data.attributes.get("owner")
    link = None
    if base_url is not None:
        link = f"{base_url.rstrip('/')}/customers/{quote(data.customer_id, safe='')}"
    return Message(
        severity=severity,
        headline=_headline(transition, severity),
        because=clean(data.because),
        movers=_movers(data.movers, data.contributions, scale_of(data.scorecard.shown_as)),
        owner=clean(owner) if isinstance(owner, str) else None,
        link=link,
    )


def _headline(transition: Transition, severity: Severity) -> str:
    data = transition.data
    # A name of 100 characters leaves room for the points in Slack's header of 150.
    name = clean(data.customer_name or data.customer_id, 100)
    verb = "recovered" if severity is Severity.RECOVERED else "went"
    crossing = f"{name} {verb} from {data.before} to {data.after}"
    if data.score_before is None or data.score_after is None:
        return crossing
    scale = scale_of(data.scorecard.shown_as)
    return f"{crossing}: {scale.score(data.score_before)} → {scale.score(data.score_after)}"


def _movers(
    movers: tuple[Mover, ...], contributions: tuple[Contribution, ...], scale: Scale
) -> tuple[str, ...]:
    """The largest movers, such as ``-9 days since last use (12 days)``; none below half a point."""
    says = {(line.kind, line.name): line.says for line in contributions}
    lines: list[str] = []
    for mover in sorted(movers, key=lambda mover: -abs(mover.delta)):
        if whole(mover.delta) == 0 or len(lines) == MOVERS_MAX:
            break
        words = says.get((mover.kind, mover.name))
        told = f" ({clean(words, 200)})" if words else ""
        name = _LABELS.get(mover.kind) or mover.name.replace("_", " ")
        lines.append(f"{scale.moved(mover.delta, scale.decimals)} {clean(name, 100)}{told}")
    return tuple(lines)


def clean(text: str, chars_max: int = PART_CHARS_MAX) -> str:
    """One printable line: control characters could move a terminal's cursor or forge a line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= chars_max else line[: chars_max - 1] + "…"
