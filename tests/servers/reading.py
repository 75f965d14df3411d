"""Reading a whole topic, by a client that is not ours."""

from __future__ import annotations

from confluent_kafka import Consumer, KafkaError, TopicPartition

from fleetops.settings import KafkaSettings


def read_all(kafka: KafkaSettings, topic: str) -> list[tuple[bytes, bytes]]:
    """Key and value of everything in a topic, in the order of each partition.

    Reads up to the end of each partition as a fetch reports it: the embedded broker answers
    the question for the last offset with that of its last batch's beginning.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.bootstrap_servers,
            "group.id": "test-reader",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    try:
        unread = set(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, partition, 0) for partition in unread])
        found: list[tuple[bytes, bytes]] = []
        while unread:
            record = consumer.poll(10)
            assert record is not None, "the broker stopped in the middle"
            error = record.error()
            if error is None:
                found.append((bytes(record.key() or b""), bytes(record.value() or b"")))
            else:
                assert error.code() == KafkaError._PARTITION_EOF, error
                unread.discard(record.partition() or 0)
    finally:
        consumer.close()
    return found
