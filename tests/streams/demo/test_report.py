"""The report: its fields, its figures, and where it may be written."""

import json
import random

import pytest

from schemas.scores import Band
from streams.demo.report import report, writable, write_report
from streams.demo.tally import Tally, percentile
from streams.exits import Exit, NamedExit

PROMISED = {
    "broker", "redis", "events_in", "signals", "dead_letters", "customers", "score_changes",
    "transitions", "deliveries", "latency_ms",
}  # fmt: skip


def test_the_report_holds_what_scripts_rely_on(tmp_path):
    tally = Tally(broker="embedded", redis="redis-server", events_in=10, signals=9)
    tally.customers = {Band.GREEN: 3, Band.RED: 1}
    tally.deliveries.update(webhook=2, console=1)
    tally.latencies_ms.extend([5.0, 1.0])
    write_report(tmp_path / "report.json", tally)
    written = json.loads((tmp_path / "report.json").read_text())
    assert set(written) >= PROMISED
    assert written["customers"] == 4
    assert written["deliveries"] == {"console": 1, "webhook": 2}
    assert written["latency_ms"]["p50"] == 1.0
    assert written["latency_ms"]["p99"] == 5.0
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_without_a_sample_the_latency_is_null_not_zero():
    assert report(Tally())["latency_ms"]["p50"] is None


def test_a_percentile_is_the_smallest_sample_that_enough_do_not_exceed(rng: random.Random):
    samples = [rng.uniform(0, 1000) for _ in range(rng.randint(1, 200))]
    for share in (0.01, 0.5, 0.9, 0.99, 1.0):
        found = percentile(samples, share)
        enough = [
            s for s in sorted(samples) if sum(x <= s for x in samples) >= share * len(samples)
        ]
        assert found == enough[0]


@pytest.mark.parametrize("where", ["no/such/folder/report.json", "."])
def test_an_impossible_place_is_refused_before_the_run(tmp_path, monkeypatch, where):
    from pathlib import Path

    monkeypatch.chdir(tmp_path)
    with pytest.raises(NamedExit) as refused:
        writable(Path(where))
    assert refused.value.code is Exit.USAGE
    assert where in refused.value.message
