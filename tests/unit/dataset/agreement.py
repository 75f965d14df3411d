"""Holds telemetry columns against the slow reference, and two sets of columns against each other."""

from __future__ import annotations

import numpy as np

from fleetops.dataset.block import FrameBlock
from fleetops.dataset.geo import GeoReference
from fleetops.dataset.normalize import TelemetryColumns

from .reference import UNIT, telemetry

# Beside half a unit: what the last bits of sums, roots and angles may differ by.
_SLACK = 1e-9


def assert_agrees(columns: TelemetryColumns, block: FrameBlock, geo: GeoReference, *, everything: bool) -> None:
    """The columns are what the reference says of the same block, in the same order."""
    expected = list(telemetry(block, geo.world_to_ecef, everything=everything))
    assert columns.frame_index.tolist() == [row.frame for row in expected]
    assert columns.track_id.tolist() == [row.track_id for row in expected]
    assert columns.is_ego.tolist() == [row.is_ego for row in expected]
    assert columns.label.tolist() == [row.label for row in expected]
    assert columns.track_length.tolist() == [row.track_length for row in expected]
    for name, unit in UNIT.items():
        got = getattr(columns, name)
        want = np.array([row.numbers[name] for row in expected])
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=unit / 2 + _SLACK, err_msg=name)


def assert_same(one: TelemetryColumns, other: TelemetryColumns) -> None:
    """Equal to the last bit."""
    for name in (*TelemetryColumns.column_names(), "frames", "event_time_ms", "active_agent_count", "row_offsets"):
        a, b = getattr(one, name), getattr(other, name)
        assert a.dtype == b.dtype, name
        assert a.tobytes() == b.tobytes(), name
    assert one.counts == other.counts
