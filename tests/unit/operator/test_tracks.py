"""Which track a vehicle's id stands for."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from fleetops.contracts.ids import ego_id, vehicle_id
from fleetops.operator.vehicles import Track, track_of


@given(scene=st.text(min_size=1, max_size=20), track=st.integers(0, 2**63 - 1))
def test_an_id_leads_back_to_its_track(scene: str, track: int) -> None:
    """Whatever the scene is called, the number is found again."""
    assert track_of(vehicle_id(scene, track), scene) == Track(scene, track)


@pytest.mark.parametrize(
    "vehicle", [ego_id("s"), "truck-7", "s_track_", "s_track_x", "other_track_5", "s_track_²", f"s_track_{2**64}"]
)
def test_what_is_no_track_is_track_0(vehicle: str) -> None:
    """The ego has track 0, and so has a live vehicle that comes from no dataset."""
    assert track_of(vehicle, "s") == Track("s", 0)
