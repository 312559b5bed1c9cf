"""Routing: murmur2 as Kafka's own clients compute it."""

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from streams.intake import routing
from streams.intake.routing import CustomerRouter, partition_of


@pytest.mark.parametrize(
    ("key", "hash_"),
    [
        # From Kafka's own UtilsTest.testMurmur2.
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        ("abc", 479470107),
    ],
)
@pytest.mark.parametrize("partitions", [1, 4, 64, 1000])
def test_known_vectors_of_kafka(key: str, hash_: int, partitions: int) -> None:
    assert partition_of(key, partitions) == (hash_ & 0x7FFFFFFF) % partitions


@given(st.text(st.characters(codec="utf-8"), min_size=1), st.integers(1, 200))
def test_equal_to_the_default_partitioner_of_the_client(customer: str, partitions: int) -> None:
    everything = list(range(partitions))
    expected = DefaultPartitioner()(customer.encode(), everything, everything)
    assert partition_of(customer, partitions) == expected
    router = CustomerRouter(partitions)
    assert [router(customer), router(customer)] == [expected, expected]


def test_customers_are_spread_evenly() -> None:
    """Ten thousand customers over eight partitions: none has a fifth more than its share."""
    counts = [0] * 8
    for number in range(10_000):
        counts[partition_of(f"customer-{number}", 8)] += 1
    assert max(counts) < 1.2 * 10_000 / 8


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "REMEMBERED_MAX", 3)
    router = CustomerRouter(8)
    for number in range(10):
        assert router(f"c{number}") == partition_of(f"c{number}", 8)
        assert len(router.known) <= 3
