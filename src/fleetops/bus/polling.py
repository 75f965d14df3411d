"""Taking a batch of records without waiting for it to be full."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from confluent_kafka import Consumer, KafkaError, KafkaException

from .records import Record

_ANSWER_S = 0.2


def poll_batch(client: Consumer, size: int, timeout_s: float, on_error: Callable[[KafkaError], None]) -> list[Record]:
    """Wait up to `timeout_s` for a first record, then take what else is here, up to `size` in all.

    `consume` alone waits for a full batch: at a low rate one record would cost the whole
    timeout. Errors that came in the place of records go to `on_error`.
    """
    first = client.poll(timeout_s)
    if first is None:
        return []
    records = []
    for message in (first, *(client.consume(size - 1, 0) if size > 1 else ())):
        error = message.error()
        if error is None:
            records.append(message)
        else:
            on_error(error)
    # A message that is no error has a topic, a partition and an offset; the stub cannot know.
    return cast("list[Record]", records)


def is_answering(client: Consumer, topic: str) -> bool:
    """Whether a broker tells of `topic` right now; after an outage a quiet topic alone would not show it."""
    try:
        client.list_topics(topic, timeout=_ANSWER_S)
    except KafkaException:
        return False
    return True
