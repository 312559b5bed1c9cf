"""What the probes of the benchmark rest on: each event of theirs crosses a line."""

from collections import Counter
from pathlib import Path

import pytest

from bench.job import CARD, DAY_S
from bench.latencies import EDGE_DAYS, Latencies, history_of, probe_accounts
from bench.load import HOT, Maker, Shape, encoded
from streams.demo.probes import Probes
from streams.replay import Replay, event_in

NOON_S = 20_000.5 * DAY_S


def bands_after(probes: int, days: int) -> list[str]:
    """The band after each number of probes, by the card itself."""
    (account,) = probe_accounts()[:1]
    found = []
    for count in range(probes + 1):
        replay = Replay(
            Path(CARD).read_text(), step_ms=DAY_S * 1000, disorder_ms=60 * DAY_S * 1000,
            as_of_ms=int(NOON_S * 1000),
        )  # fmt: skip
        made = Probes([account])
        for event in [
            *history_of(account, NOON_S, days),
            *(made.next(int((NOON_S - 60 + n) * 1000), float(n)) for n in range(count)),
        ]:
            replay.take(event_in(encoded(event)), "probes")
        found += [str(one["band"]) for one in replay.finish().customers.values()]
    return found


def test_each_probe_moves_its_customer_over_the_edge_of_a_band() -> None:
    assert bands_after(4, EDGE_DAYS) == ["yellow", "red", "yellow", "red", "yellow"]


def test_control_a_customer_that_is_not_at_the_edge_stays_in_its_band() -> None:
    assert set(bands_after(2, EDGE_DAYS - 1)) == {"red"}


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_a_quantile_is_the_smallest_that_so_many_do_not_exceed(share: float, expected: int) -> None:
    assert Latencies([float(n) for n in range(100, 0, -1)]).quantile(share) == expected


def test_who_falls_behind_does_not_keep_up() -> None:
    even = [200.0 + n % 7 for n in range(1000)]
    assert Latencies(even).kept_up(seconds=60)
    assert not Latencies([ms + 3 * n for n, ms in enumerate(even)]).kept_up(seconds=60)


def test_the_hot_customer_has_its_share_of_the_load() -> None:
    counts = {}
    for share in (0.0, 0.5):
        maker = Maker(Shape(customers=1000, uniform=True, hot_share=share))
        counts[share] = Counter(maker.next(NOON_S)[1] for _ in range(4000))
    assert counts[0.5][HOT] == pytest.approx(2000, abs=150)
    assert counts[0.0][HOT] < 20
    assert len(counts[0.5]) > 800
