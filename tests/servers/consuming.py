"""Handlers for tests: one that remembers, and a process that consumes until it is told, or killed.

`python -m tests.servers.consuming BOOTSTRAP GROUP TOPIC [sole]` prints one JSON object per line:
{"assigned": [...]}, {"handled": [[partition, offset, value], ...]}, {"revoked": [...]}.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from fleetops.bus.consumer import GroupConsumer
from fleetops.bus.records import Record
from fleetops.log import configure_logging
from fleetops.settings import KafkaSettings

from .kafka import client_settings


class Remembering:
    """Remembers what it is given; commits `trail` records behind what it handled."""

    def __init__(self, trail: int = 0) -> None:
        self.records: list[Record] = []
        self.held: set[int] = set()
        self.events: list[tuple[str, tuple[int, ...]]] = []
        self.changed = threading.Condition()
        self._trail = trail
        self._next: dict[int, int] = {}
        self._first: dict[int, int] = {}

    def assigned(self, partitions: Sequence[int]) -> None:
        """Remember what is held."""
        with self.changed:
            self.held.update(partitions)
            self.events.append(("assigned", tuple(partitions)))
            self.changed.notify_all()

    def revoked(self, partitions: Sequence[int]) -> None:
        """Drop what is no longer held."""
        with self.changed:
            self.held.difference_update(partitions)
            for partition in partitions:
                self._next.pop(partition, None)
                self._first.pop(partition, None)
            self.events.append(("revoked", tuple(partitions)))
            self.changed.notify_all()

    def handle(self, records: Sequence[Record]) -> None:
        """Remember the records."""
        with self.changed:
            self.records.extend(records)
            for record in records:
                self._first.setdefault(record.partition(), record.offset())
                self._next[record.partition()] = record.offset() + 1
            self.changed.notify_all()

    def idle(self) -> None:
        """Nothing is waiting here."""

    def offsets(self) -> Mapping[int, int]:
        """`trail` behind the last handled, but never before the first."""
        return {at: max(self._first[at], offset - self._trail) for at, offset in self._next.items()}

    def values(self) -> list[bytes]:
        """The payloads so far, in the order they were handled."""
        with self.changed:
            return [record.value() or b"" for record in self.records]

    def wait_until(self, holds: Callable[[Remembering], bool], within_s: float = 30) -> None:
        """Wait until the handler satisfies `holds`, asked again after each change."""
        with self.changed:
            if not self.changed.wait_for(lambda: holds(self), within_s):
                raise AssertionError(f"after {within_s:g} s: {len(self.records)} records, {self.events}")


class Running:
    """A consumer running in a thread of its own."""

    def __init__(self, consumer: GroupConsumer) -> None:
        self.consumer = consumer
        self.error: BaseException | None = None
        self.stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.consumer.run(self.stop)
        except BaseException as error:  # noqa: BLE001  # the test looks at it
            self.error = error

    def join(self, within_s: float) -> None:
        """Wait for the consumer's end."""
        self._thread.join(within_s)
        assert not self._thread.is_alive(), f"the consumer did not end within {within_s:g} s"


@contextmanager
def running(consumer: GroupConsumer) -> Iterator[Running]:
    """Run `consumer` for the length of a block, and hand on what ended it."""
    run = Running(consumer)
    yield run
    run.stop.set()
    run.join(20)
    if run.error is not None:
        raise run.error


class _Printing(Remembering):
    def assigned(self, partitions: Sequence[int]) -> None:
        super().assigned(partitions)
        _say(assigned=list(partitions))

    def revoked(self, partitions: Sequence[int]) -> None:
        super().revoked(partitions)
        _say(revoked=list(partitions))

    def handle(self, records: Sequence[Record]) -> None:
        super().handle(records)
        _say(handled=[[at.partition(), at.offset(), (at.value() or b"").decode("latin-1")] for at in records])


def _say(**fact: object) -> None:
    sys.stdout.write(json.dumps(fact) + "\n")
    sys.stdout.flush()


def _main(bootstrap_servers: str, group: str, topic: str, membership: str = "group") -> None:
    configure_logging("test-child")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settings: KafkaSettings = client_settings(bootstrap_servers)
    kafka = settings.model_copy(update={"sole_consumer": membership == "sole"})
    GroupConsumer(kafka, group, topic, "test-child", _Printing(), commit_interval_s=0.2).run(stop)
    _say(ended=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
