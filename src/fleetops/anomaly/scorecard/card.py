"""The scorecard itself: figures as they are reported, and where they are aimed. Pure data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from fleetops.dataset.faults import FAULTS

from ..load import Load
from .judging import Tally


@dataclass(frozen=True, slots=True)
class FaultFigures:
    """One kind of fault. A share is None where it has no denominator, a delay where nothing was recalled."""

    injected: int
    recalled: int
    recall: float | None
    precision: float | None
    delay_p50_frames: float | None
    delay_p95_frames: float | None

    @classmethod
    def of(cls, tally: Tally) -> FaultFigures:
        """Figures from counts; shares to four decimals."""
        p50, p95 = np.percentile(tally.delays, [50, 95]).round(2).tolist() if tally.delays else (None, None)
        return cls(
            injected=tally.injected,
            recalled=tally.recalled,
            recall=_share(tally.recalled, tally.injected),
            precision=_share(tally.explained, tally.raised),
            delay_p50_frames=p50,
            delay_p95_frames=p95,
        )


@dataclass(frozen=True, slots=True)
class TransportFigures:
    """One kind of disturbance on the way. `raised` is aimed at 0, `changed` runs at 0 where nothing was lost."""

    runs: int
    raised: int
    changed: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """Undisturbed traffic: what was raised where nothing is wrong."""

    alerts: Load
    warnings: Load
    by_rule: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DatasetFigures:
    """One dataset's part."""

    name: str
    digest: str
    scenes: int
    vehicle_hours: float
    faults: Mapping[str, FaultFigures]


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A rule set over datasets and seeds."""

    rule_set: str
    seeds: Sequence[int]
    datasets: Sequence[DatasetFigures]
    faults: Mapping[str, FaultFigures]
    transport: Mapping[str, TransportFigures]
    undisturbed: Load  # the same scenes, all alerts
    traffic: Traffic | None
    digest: str

    @property
    def false_alerts_per_vehicle_hour(self) -> float | None:
        """WARNING or above on generated traffic; None where none was run."""
        return None if self.traffic is None else self.traffic.warnings.per_vehicle_hour


AIMED_SHARE = 0.95
"""Recall and precision of every kind of fault, at least."""

AIMED_FALSE_ALERTS_PER_VEHICLE_HOUR = 1.0
"""Of WARNING or above, at most."""

AIMED_DELAY_FRAMES = {fault.name: fault.aimed_delay_frames for fault in FAULTS}
"""Of half of the detections, at most."""


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
