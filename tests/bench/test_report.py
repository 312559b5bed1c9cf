"""The arithmetic of the benchmark's report, and the comparison before a figure counts."""

from pathlib import Path

from bench.job import CARD, DAY_S, Oracle
from bench.load import Shape, encoded, events
from bench.report import Measured, differences, report, table
from schemas.inbound import Rejection
from streams.replay import Replay, event_in

NOON_S = 20_000.5 * DAY_S


def measured(seconds: float, cpu_s: float, *, equal: bool = True, events: int = 1000) -> Measured:
    return Measured(events, seconds, cpu_s, equal)


def test_medians_and_ratios_are_those_of_the_rounds() -> None:
    """A slow round of the machine slows both; the ratio of medians would not see that."""
    runs = {
        "vitals": [measured(1.0, 0.5), measured(4.0, 2.0), measured(2.0, 0.5)],
        "faust": [measured(10.0, 5.0), measured(40.0, 20.0), measured(8.0, 2.0)],
    }
    found = report("narrow", 3, runs, {})
    assert found["systems"]["vitals"] == {
        "events": 1000,
        "events_per_s": {"median": 500, "min": 250, "max": 1000},
        "cpu_us_per_event": 500.0,
        "outputs_equal": True,
    }
    assert found["ratios"] == {"vitals/faust": 10.0}
    assert found["cpu_ratios"] == {"vitals/faust": 10.0}
    assert found["scenario"] == "narrow"
    assert found["rounds"] == 3


def test_a_system_that_took_a_prefix_counts_by_its_own_events() -> None:
    runs = {"vitals": [measured(1.0, 1.0)], "faust": [measured(1.0, 1.0, events=50)]}
    assert report("narrow", 1, runs, {})["ratios"] == {"vitals/faust": 20.0}


def test_what_is_absent_has_a_reason_and_no_figure() -> None:
    """Also if it failed after a round that went well."""
    runs = {"vitals": [measured(1.0, 1.0)], "quix": [], "bytewax": [measured(1.0, 1.0)]}
    found = report("narrow", 1, runs, {"quix": "not installed", "bytewax": "died"})
    assert list(found["systems"]) == ["vitals"]
    assert found["ratios"] == {}
    assert found["absent"] == {"quix": "not installed", "bytewax": "died"}
    assert "absent: quix: not installed" in table(found)


def test_a_system_whose_outputs_differ_once_has_no_ratio() -> None:
    runs = {
        "vitals": [measured(1.0, 1.0)] * 2,
        "faust": [measured(1.0, 1.0), measured(1.0, 1.0, equal=False)],
    }
    found = report("narrow", 2, runs, {})
    assert found["systems"]["faust"]["outputs_equal"] is False
    assert found["ratios"] == found["cpu_ratios"] == {}
    assert "DIFFER" in table(found)


def test_a_wrong_score_a_wrong_band_and_a_missing_customer_are_found() -> None:
    expected = {"a": (7500, "green"), "b": (100, "red"), "c": (6000, "yellow")}
    assert differences(dict(expected), expected) == []
    assert len(differences(expected | {"a": (7400, "green")}, expected)) == 1
    assert len(differences(expected | {"a": (7500, "yellow")}, expected)) == 1
    assert len(differences({"a": expected["a"], "b": expected["b"]}, expected)) == 1
    assert len(differences(expected | {"d": (0, "red")}, expected)) == 1


def test_the_job_written_by_hand_is_what_the_card_says() -> None:
    """The oracle on the load, bad and late events among it, against the card in the core."""
    now_ms = int(NOON_S * 1000)
    replay = Replay(
        Path(CARD).read_text(), step_ms=DAY_S * 1000, disorder_ms=60 * DAY_S * 1000, as_of_ms=now_ms
    )
    oracle, bad = Oracle(int(NOON_S) // DAY_S), 0
    for family, _, event in events(20_000, Shape(customers=600), NOON_S):
        raw = encoded(event)
        oracle.take(family, raw)
        taken = event_in(raw)
        bad += isinstance(taken, Rejection)
        replay.take(taken, "load")
    ours = replay.finish().customers
    assert {c: (h["score"], h["band"]) for c, h in ours.items()} == oracle.scores()
    assert bad == 20
    assert oracle.good == 20_000 - bad
    assert {band for _, band in oracle.scores().values()} == {"green", "yellow", "red"}


def test_the_load_is_the_same_for_the_same_arguments() -> None:
    shape = Shape(customers=10)
    assert list(events(500, shape, NOON_S)) == list(events(500, shape, NOON_S))
