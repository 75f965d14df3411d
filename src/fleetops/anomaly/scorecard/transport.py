"""What may happen to records between replay and detection, and must not raise anything. Pure.

Acts on the engine's items, in the order in which a partition would hold them. Markers keep their
places: they come from one producer, in order, on every partition.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from fleetops.dataset.columns import Floats

from ..state import FRAME_END, RECORD
from ..windows import REORDER_FRAMES, Structured

_DUPLICATED: Final = 0.05  # of records, here and below
_REORDERED: Final = 0.3
_LATE: Final = 0.01
_LATE_FRAMES: Final = 20

Disturbance = Callable[[Structured, np.random.Generator], Structured]


def duplicates(items: Structured, rng: np.random.Generator) -> Structured:
    """One record in twenty a second time, at once or up to two seconds later."""
    again = items[_drawn(items, _DUPLICATED, rng)]
    after = again["frame"] + rng.uniform(0.0, _LATE_FRAMES, len(again))
    return _in_order(np.concatenate((items, again)), np.concatenate((_moment(items), after)))


def reordering(items: Structured, rng: np.random.Generator) -> Structured:
    """Three records in ten up to two frames late or early: every one comes before its frame is evaluated."""
    moved = _drawn(items, _REORDERED, rng)
    moment = _moment(items)
    # Marker f lies at f + 1. A record may come up to two markers after its own frame's, or two frames early.
    moment[moved] = items["frame"][moved] + rng.uniform(-REORDER_FRAMES, 1 + REORDER_FRAMES, len(moved))
    return _in_order(items, moment)


def late_records(items: Structured, rng: np.random.Generator) -> Structured:
    """One record in a hundred three to twenty frames late: its frame was evaluated without it."""
    late = _drawn(items, _LATE, rng)
    moment = _moment(items)
    moment[late] = items["frame"][late] + 1 + REORDER_FRAMES + rng.uniform(0.5, _LATE_FRAMES, len(late))
    return _in_order(items, moment)


TRANSPORT_FAULTS: Final[dict[str, Disturbance]] = {
    "duplicates": duplicates,
    "reordering": reordering,
    "late_records": late_records,
}

LOSSLESS: Final = frozenset({"duplicates", "reordering"})
"""After these every record is there when its frame is evaluated: not a single finding may differ."""


def _drawn(items: Structured, share: float, rng: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    records = np.flatnonzero(items["kind"] == RECORD)
    return records[rng.random(len(records)) < share]


def _moment(items: Structured) -> Floats:
    """When each item comes, in frames: records within theirs, markers at its end, the scene's end after all."""
    within = np.where(items["kind"] == RECORD, 0.0, np.where(items["kind"] == FRAME_END, 1.0, _LATE_FRAMES * 2.0))
    return items["frame"] + within


def _in_order(items: Structured, moment: Floats) -> Structured:
    ordered = items[np.argsort(moment, kind="stable")]
    ordered["offset"] = np.arange(len(ordered))
    return ordered
