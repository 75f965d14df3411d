"""Keys go where Java clients put them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner import murmur2 as kafka_python_murmur2

from fleetops.contracts.partitioning import murmur2, partition_for

# Kafka's own: org.apache.kafka.common.utils.UtilsTest.testMurmur2, signed as in Java.
JAVA = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("key", "expected"), JAVA.items())
def test_the_vectors_of_kafkas_own_test(key: bytes, expected: int) -> None:
    """Java's test vectors, of every length modulo four."""
    assert murmur2(key) == expected & 0xFFFFFFFF


@given(key=st.binary(max_size=64))
def test_another_implementation_agrees(key: bytes) -> None:
    """Kafka-python's port of the Java code gives the same hash for any key."""
    assert murmur2(key) == kafka_python_murmur2(key)


@given(key=st.binary(max_size=64), partitions=st.integers(1, 1000))
def test_every_key_has_a_partition(key: bytes, partitions: int) -> None:
    """A partition is one of those there are, and always the same."""
    assert 0 <= partition_for(key, partitions) < partitions
    assert partition_for(key, partitions) == partition_for(key, partitions)
