"""What the logs tell: which scorecard is active, and whether the clocks agree."""

import asyncio
from contextlib import aclosing

from streams.clock import Clock
from streams.doctor.finding import Finding, fail, ok, warn
from streams.engine.broker_clock import OFFSET_MS_MAX, BrokerClock
from streams.exits import Exit, NamedExit
from streams.reading.activations import activations
from streams.reading.topic import open_topic
from streams.settings import Settings

__all__ = ["active_scorecard", "clock_offset"]

#: A running worker writes to the signals log every second.
_LISTEN_S = 4.0
_OFFSET_MS_WARN = 2_000
_LOG_APPEND_TIME = 1


async def active_scorecard(settings: Settings) -> Finding:
    """The scorecard that was activated last, and by whom."""
    about = "scorecard"
    try:
        found = await activations(settings)
    except NamedExit as error:
        return _unreadable(about, error)
    if not found.in_force:
        return warn(
            about, "none is active", "The first worker activates the shipped one, or --scorecard."
        )
    last, newest = found.in_force[-1], found.all[-1]
    told = (
        f"{last.name} {last.version} ({last.hash[:12]}), since {last.at:%Y-%m-%d %H:%M} UTC"
        f" by {last.author}: {last.reason}"
    )
    if newest.tally is not None and newest.tally.refused:
        refused = newest.decision
        where = f"{len(newest.tally.refused)} of {found.partitions} partitions"
        return warn(
            about,
            f"{told}. {refused.name} {refused.version}, activated {refused.at:%Y-%m-%d %H:%M} UTC"
            f" by {refused.author}, is refused in {where}: {newest.tally.problem}",
            "Correct the card, or upgrade every worker; then activate it again.",
        )
    return ok(about, told)


async def clock_offset(settings: Settings, clock: Clock, listen_s: float = _LISTEN_S) -> Finding:
    """How far this machine's clock is off the broker's.

    Nothing is written for it: the next record that a worker appends to the signals
    log is awaited, and the broker's stamp on it held against the clock here.
    """
    about = "clock"
    observed = BrokerClock()
    try:
        async with open_topic(settings, settings.topics.name("signals")) as reader:
            ends = {part: span.end for part, span in (await reader.spans()).items()}
            asked_ms = clock.now_ms()
            async with asyncio.timeout(listen_s), aclosing(reader.read(ends)) as chunks:
                async for records in chunks:
                    if settings.broker_embedded:
                        return ok(about, "not compared: the embedded broker has none")
                    if records[-1].timestamp_type != _LOG_APPEND_TIME:
                        return fail(about, "the broker stamps nothing", "See `vitals topics`.")
                    observed.observe(asked_ms, records[-1].timestamp, clock.now_ms())
                    return _offset(about, observed)
    except TimeoutError:
        pass
    except NamedExit as error:
        return _unreadable(about, error)
    return warn(
        about, f"not measured: nothing was appended to the signals log within {listen_s:g} s",
        "Ask again while a worker runs.",
    )  # fmt: skip


def _offset(about: str, observed: BrokerClock) -> Finding:
    found = f"{observed.offset_ms / 1000:+.1f} s against the broker's"
    if not observed.trusted:
        return fail(
            about, found,
            f"Set the clock (NTP): beyond {OFFSET_MS_MAX // 1000} s a worker here writes no ticks.",
        )  # fmt: skip
    if abs(observed.offset_ms) > _OFFSET_MS_WARN:
        return warn(about, found, "Set the clock (NTP) here or on the broker.")
    return ok(about, found)


def _unreadable(about: str, error: NamedExit) -> Finding:
    if error.code is Exit.TOPIC_MISMATCH:
        return fail(about, error.message, "Create the topics with `vitals topics --create`.")
    return fail(about, error.message, "See what was found about Kafka.")
