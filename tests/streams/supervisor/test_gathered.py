"""Lines and metrics of several processes: each says whose it is, and none is lost."""

import json
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from streams.health import HealthServer, OwnHealth
from streams.metrics import Metrics
from streams.supervisor.gathered import GatheredHealth, merged
from streams.supervisor.lines import Marked


def series(text: bytes) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def two() -> tuple[Metrics, Metrics]:
    first, second = Metrics(), Metrics()
    for number, metrics in enumerate((first, second), 1):
        metrics.signals.inc(number)
        metrics.customers.labels(band="red").set(10 * number)
        metrics.checkpoint_s.observe(number)
    return first, second


def test_each_series_is_there_once_for_each_process() -> None:
    first, second = two()
    found = series(merged({"worker-0": first.text().decode(), "worker-1": second.text().decode()}))
    for name, metrics in (("worker-0", first), ("worker-1", second)):
        for (series_name, labels), value in series(metrics.text()).items():
            assert found.pop((series_name, labels | {("process", name)})) == pytest.approx(
                value, abs=1e12 if series_name.startswith("process_") else 0
            )
    assert found == {}


def test_help_and_type_stand_once_before_their_series() -> None:
    """A scraper refuses a family that comes in two pieces."""
    first, second = two()
    text = merged({"a": first.text().decode(), "b": second.text().decode()}).decode()
    told = [line for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(told) == len(set(told))
    assert "# TYPE health_signals_total counter" in told
    assert 'health_signals_total{process="b"} 2.0' in text
    assert 'health_customers{band="red",process="a"} 10.0' in text


async def test_ready_when_all_are_and_alive_while_all_answer(tmp_path: Path) -> None:
    reasons: dict[str, str | None] = {"a": None, "b": "score: partitions are being assigned"}
    metrics = Metrics()
    servers = {
        name: HealthServer(tmp_path / name, OwnHealth(metrics, lambda n=name: reasons[n]))
        for name in reasons
    }
    health = GatheredHealth({name: tmp_path / name for name in reasons})
    assert await health.why_not_ready() == "a: it is starting"
    assert await health.why_not_alive() is None, "a liveness probe would end it while it starts"
    for server in servers.values():
        await server.start()
    assert await health.why_not_ready() == "b: score: partitions are being assigned"
    reasons["b"] = None
    assert await health.why_not_ready() is None
    assert await health.why_not_alive() is None
    assert b'process="b"' in await health.metrics()
    (tmp_path / "b").rename(tmp_path / "elsewhere")
    (tmp_path / "b").write_text("")  # there, and nobody listens
    assert (await health.why_not_alive() or "").startswith("b: no answer")
    assert (await health.why_not_ready() or "").startswith("b: no answer")
    assert b'process="a"' in await health.metrics()
    for server in servers.values():
        await server.stop()


def test_a_line_of_text_is_marked_as_compose_does() -> None:
    assert Marked(as_json=False).line("worker-1", b"INFO x") == b"worker-1 | INFO x"


def test_a_line_of_json_stays_an_object() -> None:
    marked = Marked(as_json=True)
    body = json.dumps({"level": "info", "message": "ä | {"}, ensure_ascii=False).encode()
    assert json.loads(marked.line("worker-1", body)) == {
        "process": "worker-1",
        "level": "info",
        "message": "ä | {",
    }
    for odd in (b"Traceback (most recent call last):", b'{not json"', b"\xff", b"", b"{}"):
        assert json.loads(marked.line("worker-1", odd))["process"] == "worker-1"
