"""Whether the embedded broker can hold a replay: it keeps every message in memory until it ends."""

from __future__ import annotations

import os

from ..dataset.reader import Dataset
from ..errors import ConfigurationError

MESSAGE_BYTES = 800  # what the broker keeps per message, measured: 0.5 to 0.8 KB
SHARE = 0.5  # of the machine's memory; the rest is for the services, PostgreSQL and the person's own programs


def expected_bytes(dataset: Dataset, scenes: int, memory_bytes: int) -> int:
    """What the first `scenes` scenes take in the broker at most: as if every agent in every frame were sent.

    Raises:
        ConfigurationError: more than their share of a machine with `memory_bytes`; says what to do.
        DatasetError: a scene's first or last frame cannot be read.
    """
    total = 0
    for index in range(scenes):
        total += telemetry_rows(dataset, index) * MESSAGE_BYTES
        if total > memory_bytes * SHARE:  # decided: the scenes after it need not be read
            fewer = f"Replay fewer scenes (--scenes {index}), or use" if index else "Use"
            raise ConfigurationError(
                f"the embedded broker keeps all it gets in memory, and scene {index + 1} of {scenes} brings it to "
                f"about {in_words(total)}: more than half of this machine's {in_words(memory_bytes)}. {fewer} "
                "a Kafka cluster of your own: FLEETOPS_KAFKA__BOOTSTRAP_SERVERS=HOST:PORT"
            )
    return total


def telemetry_rows(dataset: Dataset, index: int) -> int:
    """Rows of a scene: its agents in all frames, and the ego in each. Reads its first and its last frame alone."""
    count = dataset.scene(index).frame_count
    first = dataset.block(index, 0, 1).frames["agent_index_interval"][0]
    last = dataset.block(index, count - 1, count).frames["agent_index_interval"][-1]
    return int(last[1]) - int(first[0]) + count


def machine_memory() -> int:
    """Bytes of this machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def in_words(size: int) -> str:
    """A number of bytes for people: `47 MB`, `16.4 GB`."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(1, round(size / 1e6))} MB"
