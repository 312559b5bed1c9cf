"""Entries of the signals log as lines for people."""

from collections.abc import Iterator
from typing import Any

import click

from streams.reading.terminal import printable

__all__ = ["lines_of"]

_COLOURS = {
    "block": "green",
    "tick": "cyan",
    "progress": "bright_black",
    "control": "yellow",
    "unreadable": "red",
}


def lines_of(entry: dict[str, Any]) -> Iterator[str]:
    """The entry's lines: one for the record, one for each of a block's signals."""
    kind = entry["kind"]
    head = f"p{entry['partition']} @{entry['offset']}"
    colour = _COLOURS[kind]
    yield (
        f"{click.style(f'{head:<12}', dim=True)} {_time(entry['appended_at'])}"
        f"  {click.style(f'{kind:<8}', fg=colour)}  {_about(entry)}"
    )
    for signal in entry.get("signals", ()):
        who = click.style(printable(signal["customer"]), bold=True)
        fields = " ".join(f"{name}={_value(value)}" for name, value in signal["fields"].items())
        source, event_id = printable(signal["source"]), printable(signal["event_id"])
        told = click.style(f"({source} {event_id} @{signal['offset']})", dim=True)
        yield f"{'':12} {_time(signal['at'])}  {who}  {signal['kind']}  {fields}  {told}"


def _about(entry: dict[str, Any]) -> str:
    match entry["kind"]:
        case "block":
            shown, held = len(entry["signals"]), entry["signals_in_block"]
            count = f"{held} signals" if shown == held else f"{shown} of {held} signals"
            return f"{count} from {entry['from']}"
        case "tick":
            bounds = [
                f"{word} {printable(entry[word])}" for word in ("after", "through") if entry[word]
            ]
            return f"now {_time(entry['now'])}  {' '.join(bounds) or 'all customers'}"
        case "progress":
            return _read_to(entry["read_to"])
        case "control":
            return f"#{entry['control_offset']} {_decision(entry)}"
        case _:
            return f"{entry['bytes']} bytes: {printable(entry['problem'])}"


def _read_to(times: dict[str, str]) -> str:
    """The lowest time and who holds it back, then the lowest of each topic."""
    if not times:
        return "of no source: written to ask for the broker's time"
    topics: dict[str, list[str]] = {}
    for source, at in times.items():
        topics.setdefault(source.rpartition("/")[0], []).append(at)
    lowest = min(times, key=lambda source: times[source])
    told = [f"{topic} ({len(found)}) {_time(min(found))}" for topic, found in topics.items()]
    return f"all read to {_time(times[lowest])} ({lowest})  {'  '.join(told)}"


def _decision(entry: dict[str, Any]) -> str:
    decision = entry.get("decision")
    if decision is None:
        return printable(str(entry["problem"]))
    about = [decision["type"]]
    if "hash" in decision:
        about += [decision["name"], decision["version"], decision["hash"][:16]]
    else:
        about.append(decision["topic"])
    said = f"{' '.join(about)}, by {decision['author']}: {decision['reason']}"
    if "refused" in entry:
        said += f"  [refused: {entry['refused']}]"
    return printable(said)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_value(k)}: {_value(v)}" for k, v in value.items()) + "}"
    words = {None: "none", True: "yes", False: "no"}
    text = words[value] if value is None or isinstance(value, bool) else printable(str(value))
    return f'"{text}"' if " " in text else text


def _time(text: str) -> str:
    """RFC 3339 in UTC, shorter by its letters; 0 stands where nothing is known yet."""
    if text.startswith("1970-01-01T00:00:00.000"):
        return "unknown"
    return text.replace("T", " ").removesuffix("Z")
