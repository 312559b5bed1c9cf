"""How the CPU time of an event grows: with the window, the customers, the worker processes.

The customers are known, and each has events as often as any other. All of it is Vitals; with two
processes it is the CPU time of both.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.job import CARD, WINDOW_DAYS
from bench.load import Shape
from bench.peers.ours import Ours
from bench.report import Measured, cpu_ratio, figures
from bench.scenario import Asked, Found, Say, Scenario, aim, opened
from bench.two_parts import KNOWN, WHOLE, two_parts

__all__ = ["GROWTH", "card_of"]

EVENTS_PER_S = 100_000
CUSTOMERS = 10_000
MANY_CUSTOMERS = 1_000_000
YEAR_DAYS = 365
WINDOW_AIM, CUSTOMERS_AIM, PROCESSES_AIM = 1.1, 2.5, 1.15


def card_of(window_days: int) -> str:
    """The benchmark's card with another window."""
    return CARD.read_text().replace(f"{WINDOW_DAYS}d", f"{window_days}d")


def run(folder: Path, asked: Asked, say: Say) -> Found:
    """Four runs a round: plain, and each of the three grown."""
    count = asked.events or int(EVENTS_PER_S * asked.seconds)
    year = folder / "year.yaml"
    year.write_text(card_of(YEAR_DAYS))
    plain = Shape("plain", CUSTOMERS, uniform=True)
    many = asked.customers or MANY_CUSTOMERS
    cases = {
        "plain": (plain, Ours(name="plain")),
        "window": (
            Shape("window", CUSTOMERS, uniform=True, window_days=YEAR_DAYS),
            Ours(card=year, name="window"),
        ),
        "customers": (Shape("customers", many, uniform=True), Ours(name="customers")),
        "processes": (
            Shape("processes", CUSTOMERS, uniform=True), Ours(processes=((), ()), name="processes"),
        ),
    }  # fmt: skip
    runs: dict[str, list[Mapping[str, Measured]]] = {name: [] for name in cases}
    # The members of a group come one after the other: assign when both are there.
    with opened(folder, say, group_initial_rebalance_delay_ms="3000") as stand:
        for number in range(1, asked.rounds + 1):
            say(f"round {number} of {asked.rounds}")
            names = list(cases)
            for name in names if number % 2 else names[::-1]:
                shape, ours = cases[name]
                runs[name].append(two_parts(stand, ours, shape, count, number))
                stand.restart_redis()

    def grown(name: str, part: str = KNOWN) -> float:
        return cpu_ratio(_part(runs[name], part), _part(runs["plain"], part))

    return {
        "scenario": "growth", "rounds": asked.rounds, "events": count, "customers": many,
        "systems": {name: figures(_part(each, KNOWN)) for name, each in runs.items()},
        "cpu_ratios": {
            "window": grown("window"), "customers": grown("customers"),
            "customers_from_nothing": grown("customers", WHOLE), "processes": grown("processes"),
        },
        "reach": {
            f"CPU per event, {YEAR_DAYS} days by {WINDOW_DAYS}":
                aim(grown("window"), at_most=WINDOW_AIM),
            f"CPU per event, {many:,} customers by {CUSTOMERS:,}":
                aim(grown("customers"), at_most=CUSTOMERS_AIM),
            "CPU per event, 2 processes by 1": aim(grown("processes"), at_most=PROCESSES_AIM),
        },
    }  # fmt: skip


def _part(each: Sequence[Mapping[str, Measured]], part: str) -> list[Measured]:
    return [one[part] for one in each]


GROWTH = Scenario(
    "growth", "CPU per event: a year's window, 1,000,000 customers, two processes", run,
    seconds=10, rounds=1,
)  # fmt: skip
