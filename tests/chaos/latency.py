"""How long an event takes until it counts durably, from histories alone."""

from bisect import bisect_right
from collections import defaultdict

from records import records_of
from schemas import signals
from schemas.signals import Block
from schemas.topics import SOURCES, Topics
from scoring.header import decode_header
from scoring.row import HEADER_KEY

__all__ = ["latencies_of", "percentile"]


def latencies_of(bootstrap: str, topics: Topics) -> dict[int, list[int]]:
    """Signals partition -> of each event, milliseconds from its sending to its checkpoint."""
    sent: dict[tuple[str, int], dict[int, int]] = defaultdict(dict)
    for family in SOURCES:
        name = topics.source(family)
        for message in records_of(bootstrap, name):
            sent[name, message.partition() or 0][message.offset() or 0] = message.timestamp()[1]
    positions: dict[int, list[int]] = defaultdict(list)
    written: dict[int, list[int]] = defaultdict(list)
    for message in records_of(bootstrap, topics.name("customers")):
        value = message.value()
        if message.key() == HEADER_KEY and value is not None:
            positions[message.partition() or 0].append(decode_header(value).position)
            written[message.partition() or 0].append(message.timestamp()[1])
    found: dict[int, list[int]] = defaultdict(list)
    for message in records_of(bootstrap, topics.name("signals")):
        partition, offset = message.partition() or 0, message.offset() or 0
        block = signals.decode(message.value() or b"")
        # The first header that goes on behind this offset.
        at = bisect_right(positions[partition], offset)
        if type(block) is Block and at < len(written[partition]):
            topic = block.topic.partition("@")[0]  # behind it stands which topic of that name
            done_ms, times = written[partition][at], sent[topic, block.partition]
            found[partition] += [done_ms - times[signal[0]] for signal in block.signals]
    return found


def percentile(values: list[int], percent: int) -> int:
    """The smallest value that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)]
