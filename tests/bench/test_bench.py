"""A tiny benchmark of all systems that can run here: a whole report, equal outputs."""

import json
from pathlib import Path

import pytest

from bench import run
from bench.contenders import Stand
from bench.peers import python_peers
from bench.peers.children import Peer, Rows
from bench.scenarios import narrow

pytestmark = [pytest.mark.soak, pytest.mark.integration]

SYSTEMS = {"vitals", "faust", "quix", "bytewax", "kafka_streams_eos", "kafka_streams_alo"}


def test_every_system_is_measured_or_absent_with_a_reason(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    code = run.main(["--seconds", "0.1", "--rounds", "2", "--out", str(out)])
    found = json.loads(out.read_text())
    assert code == 0, found
    assert found["scenario"] == "narrow"
    assert found["rounds"] == 2
    assert found["systems"].keys() | found["absent"].keys() == SYSTEMS
    assert not found["systems"].keys() & found["absent"].keys()
    assert {"vitals", "faust"} <= found["systems"].keys(), found["absent"]
    for name, system in found["systems"].items():
        spread = system["events_per_s"]
        assert 0 < spread["min"] <= spread["median"] <= spread["max"], name
        assert system["cpu_us_per_event"] > 0, name
        assert system["outputs_equal"] is True, name
    others = found["systems"].keys() - {"vitals"}
    assert found["ratios"].keys() == {f"vitals/{name}" for name in others}


@pytest.mark.parametrize(
    ("scenario", "aims"),
    [("wide", 2), ("hot", 1), ("latency", 2), ("growth", 3), ("memory", 2)],
)
def test_a_scenario_of_vitals_alone_says_what_was_reached(
    scenario: str, aims: int, tmp_path: Path
) -> None:
    out = tmp_path / "bench.json"
    size = ("--events", "5000", "--customers", "400", "--seconds", "3", "--rounds", "1")
    assert run.main(["--scenario", scenario, *size, "--out", str(out)]) == 0
    found = json.loads(out.read_text())
    assert found["scenario"] == scenario
    assert len(found["reach"]) == aims
    for reach in found["reach"].values():
        assert reach.keys() == {"aim", "measured", "reached"}
        assert reach["measured"] > 0


def test_control_a_peer_with_one_wrong_score_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its state is read a point too high for one customer: no ratio, and the command says so."""

    def wrong() -> Peer:
        peer = python_peers.faust()
        rows = peer.rows

        def one_too_high(stand: Stand, name: str, folder: Path) -> Rows:
            for number, (customer, score, band) in enumerate(rows(stand, name, folder)):
                yield customer, score + (100 if number == 0 else 0), band

        peer.rows = one_too_high
        return peer

    monkeypatch.setattr(narrow, "CONTENDERS", (wrong,))
    out = tmp_path / "bench.json"
    assert run.main(["--seconds", "0.1", "--rounds", "1", "--out", str(out)]) == 1
    found = json.loads(out.read_text())
    assert found["systems"]["faust"]["outputs_equal"] is False
    assert found["ratios"] == {}
