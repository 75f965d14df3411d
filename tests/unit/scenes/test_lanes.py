"""The road surface as GeoJSON."""

from __future__ import annotations

import numpy as np
import pytest

from fleetops.dataset.geo import GeoReference
from fleetops.scenes.lanes import features
from fleetops.scenes.placement import ORIGIN_LAT_DEG, ORIGIN_LON_DEG, Placement, world_to_ecef

NET = """
<net>
  <edge id=":c_0" function="internal"><lane id=":c_0_0" shape="0,0 5,0"/></edge>
  <edge id="street"><lane id="street_0" speed="13.9" width="4.0" shape="0.0,0.0 100.0,0.0"/></edge>
  <junction id="c" type="traffic_light" shape="0,-5 0,5 -5,5"/>
  <junction id="end" type="dead_end" shape="100,-2 100,2 101,2"/>
</net>
"""
METRES_PER_DEGREE = 111_000


def test_a_lane_is_a_strip_of_its_width_and_a_crossing_its_shape() -> None:
    """What leads across a crossing, and where a street ends, is no surface of its own."""
    geo = GeoReference.from_matrix(world_to_ecef())
    junction, lane = features(NET, Placement(0.0, 0.0, 0.0), geo, "scene_001")
    assert junction["properties"] == {"kind": "junction", "scene_id": "scene_001"}
    assert lane["properties"] == {
        "kind": "lane",
        "scene_id": "scene_001",
        "lane_id": "scene_001/street_0",
        "width_m": 4.0,
        "speed_limit_mps": 13.9,
    }
    assert isinstance(lane["geometry"], dict)
    ring = np.array(lane["geometry"]["coordinates"])[0]
    assert ring[0].tolist() == ring[-1].tolist()
    north = (ring[:, 1] - ORIGIN_LAT_DEG) * METRES_PER_DEGREE
    east = (ring[:, 0] - ORIGIN_LON_DEG) * METRES_PER_DEGREE * np.cos(np.radians(ORIGIN_LAT_DEG))
    assert sorted(north.round()) == [-2, -2, -2, 2, 2]
    assert (east.min(), east.max()) == pytest.approx((0, 100), abs=1)


def test_a_placement_turns_before_it_shifts() -> None:
    """A quarter turn leads what was in the east to the north of the place."""
    x, y = Placement(np.pi / 2, 1000.0, -500.0).points(np.array([10.0]), np.array([0.0]))
    assert (x[0], y[0]) == pytest.approx((1000, -490))


def test_the_world_frame_lies_where_it_says() -> None:
    """Our own matrix leads the origin to its longitude and latitude, and x to the east."""
    geo = GeoReference.from_matrix(world_to_ecef())
    lon, lat = geo.lonlat(np.array([0.0, 100.0]), np.zeros(2), np.zeros(2))
    assert (lon[0], lat[0]) == pytest.approx((ORIGIN_LON_DEG, ORIGIN_LAT_DEG), abs=1e-9)
    assert lon[1] > lon[0]
    assert lat[1] == pytest.approx(lat[0], abs=1e-7)
