"""Scorecards made up for a test."""

from __future__ import annotations

from dataclasses import replace

from fleetops.anomaly.load import Load
from fleetops.anomaly.scorecard.card import DatasetFigures, FaultFigures, Scorecard, Traffic, TransportFigures
from fleetops.anomaly.scorecard.transport import TRANSPORT_FAULTS

GOOD = FaultFigures(30, 30, 1.0, 1.0, 2.0, 3.0)


def card(rate: float | None = 0.5, raised: int = 0, changed: int = 0, **faults: FaultFigures) -> Scorecard:
    """A card of a rule set called `tried`: these faults, so many false alerts per vehicle-hour."""
    figures = faults or {"teleport": GOOD, "dropout": replace(GOOD, delay_p50_frames=3.0)}
    traffic = None if rate is None else Traffic(Load(200, 100.0), Load(round(rate * 100), 100.0), {"jumped": 3})
    return Scorecard(
        rule_set="tried@sha256:abc",
        seeds=(100, 101, 102),
        datasets=[DatasetFigures("small.zarr", "sha256:feed", 1, 2.5, figures)],
        faults=figures,
        transport={name: TransportFigures(10, raised, changed) for name in TRANSPORT_FAULTS},
        undisturbed=Load(6, 100.0),
        traffic=traffic,
        digest="sha256:beef",
    )
