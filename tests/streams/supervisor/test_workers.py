"""What each of several workers is started with."""

from pathlib import Path

import pytest

from streams.settings import Settings, given_options
from streams.supervisor.workers import programs


def started(settings: Settings, **given: str) -> list[dict[str, str]]:
    sockets = {f"worker-{n}": Path(f"/run/x/{n}") for n in range(2)}
    found = programs(settings, given, sockets)
    assert [one.name for one in found] == list(sockets)
    return [dict(one.environment) for one in found]


def test_a_worker_has_what_was_given_and_what_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VITALS_PREFIX", "prod.")
    monkeypatch.setenv("VITALS_TICK_MS", "100")
    environments = started(Settings(metrics_port=9000), **given_options({"tick_ms": 300}))
    for environment in environments:
        assert environment["VITALS_PREFIX"] == "prod."
        assert environment["VITALS_TICK_MS"] == "300", "the command line wins"


def test_workers_share_no_folder_no_port_and_start_no_others(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, metrics_port=9000, processes=2)
    given = given_options({"data_dir": tmp_path, "metrics_port": 9000, "processes": 2})
    first, second = started(settings, **given)
    assert first["VITALS_DATA_DIR"] == str(tmp_path / "worker-0")
    assert second["VITALS_DATA_DIR"] == str(tmp_path / "worker-1")
    assert first["VITALS_METRICS_SOCKET"] != second["VITALS_METRICS_SOCKET"]
    for environment in (first, second):
        assert environment["VITALS_METRICS_PORT"] == ""
        assert environment["VITALS_PROCESSES"] == "1"


def test_without_a_port_nobody_listens() -> None:
    assert [one["VITALS_METRICS_SOCKET"] for one in started(Settings())] == ["", ""]


def test_options_that_are_no_settings_or_were_not_given_are_left_out() -> None:
    assert given_options({"tick_ms": None, "files": ("a",), "accept_gap": False}) == {
        "accept_gap": "False"
    }
