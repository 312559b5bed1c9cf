"""The live table in the terminal, and the plain lines where there is none. Pure rendering."""

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from schemas.scales import scale_of
from schemas.scores import Band, TransitionData
from streams.demo.tally import Phase, Tally, percentile

__all__ = ["line", "render"]

#: Colour and sign of each band: the sign also tells them apart without colours.
_LOOKS = {
    Band.GREEN: ("green", "●"),
    Band.YELLOW: ("yellow", "▲"),
    Band.RED: ("red", "■"),
    Band.UNKNOWN: ("bright_black", "○"),
}


def render(tally: Tally) -> RenderableType:
    """Everything at one glance: figures above, crossings below, the address on top."""
    return Panel(
        Group(_head(tally), Text(), _figures(tally), Text(), _crossings(tally)),
        title="Vitals", border_style="blue", padding=(0, 1),
        subtitle="Ctrl-C ends everything. In memory: nothing survives.",
    )  # fmt: skip


def line(tally: Tally) -> str:
    """One plain line: for logs and pipes."""
    bands = " ".join(f"{band.value}={tally.customers.get(band, 0)}" for band in Band)
    lags = " ".join(f"{name}={count}" for name, count in tally.lag_records.items()) or "unknown"
    sent = " ".join(f"{sink}={count}" for sink, count in sorted(tally.deliveries.items())) or "none"
    return (
        f"{tally.elapsed_s:6.1f}s {tally.phase.value}: events={tally.events_in}"
        f" ({tally.events_per_s:.0f}/s) lag: {lags}"
        f" {bands} changes={tally.score_changes} transitions={tally.transitions}"
        f" deliveries: {sent}"
    )


def _head(tally: Tally) -> Text:
    text = Text()
    if tally.address:
        text.append("Open ")
        text.append(tally.address, style=f"bold underline link {tally.address}")
    else:
        text.append("starting ...", style="dim")
    doing = tally.phase.value
    if tally.phase is Phase.HISTORY:
        doing += f" ({tally.history_days} days)"
    text.append(f"   {doing}", style="bold green" if tally.phase is Phase.LIVE else "bold yellow")
    text.append(f"   {tally.elapsed_s:.0f} s   Kafka: {tally.broker}   Redis: {tally.redis}", "dim")
    return text


def _figures(tally: Tally) -> Table:
    grid = Table.grid(padding=(0, 4))
    for _ in range(3):
        grid.add_column(vertical="top")
    lags = ", ".join(f"{name} {count:,}" for name, count in tally.lag_records.items()) or "-"
    grid.add_row(
        _list(
            ("events in", f"{tally.events_in:,}"),
            ("per second", f"{tally.events_per_s:,.0f}"),
            ("lag", lags),
            ("dead letters", f"{tally.dead_letters:,}"),
            ("event to view", _latency(tally)),
        ),
        _list(*((_band(band), f"{tally.customers.get(band, 0):,}") for band in Band)),
        _list(
            ("score changes", f"{tally.score_changes:,}"),
            ("transitions", f"{tally.transitions:,}"),
            *((f"to {sink}", f"{count:,}") for sink, count in sorted(tally.deliveries.items())),
        ),
    )
    return grid


def _list(*rows: tuple[str | Text, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(justify="right")
    for name, value in rows:
        table.add_row(name, value)
    return table


def _latency(tally: Tally) -> str:
    middle, worst = percentile(tally.latencies_ms, 0.5), percentile(tally.latencies_ms, 0.99)
    if middle is None or worst is None:
        return "-"
    return f"p50 {middle:,.0f} ms, p99 {worst:,.0f} ms"


def _band(band: Band) -> Text:
    colour, sign = _LOOKS[band]
    return Text(f"{sign} {band.value}", style=colour)


def _crossings(tally: Tally) -> RenderableType:
    """The latest crossings, newest first, each with its reason."""
    if not tally.crossings:
        return Text("No customer has crossed a line yet.", style="dim")
    table = Table(box=None, padding=(0, 1), expand=True, show_header=True, header_style="dim")
    table.add_column("customer", no_wrap=True, ratio=3)
    table.add_column("from", no_wrap=True)
    table.add_column("to", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("because", ratio=6, overflow="ellipsis", no_wrap=True)
    for crossing in reversed(tally.crossings):
        table.add_row(
            Text(crossing.customer_name or crossing.customer_id),
            _band(crossing.before) if crossing.before else Text("new", style="dim"),
            _band(crossing.after),
            _scores(crossing),
            Text(crossing.because),
        )
    return table


def _scores(crossing: TransitionData) -> str:
    return " → ".join(
        scale_of(crossing.scorecard.shown_as).score(score)
        for score in (crossing.score_before, crossing.score_after)
    )
