"""Where the world frame lies on Earth, held against pymap3d, which shares no code with ours."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pymap3d
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetops.dataset.geo import PALO_ALTO, GeoReference
from fleetops.dataset.geo_file import read_geo_reference

ENOUGH_DEGREES = 1e-9


def reference_at(lat: float, lon: float, height: float = 0.0) -> GeoReference:
    """A world frame with x east, y north and z up at a place."""
    columns = [pymap3d.enu2ecef(*axis, lat, lon, height) for axis in np.eye(3)]
    origin = np.array(pymap3d.geodetic2ecef(lat, lon, height))
    matrix = np.eye(4)
    matrix[:3, 3] = origin
    matrix[:3, :3] = np.array(columns).T - origin[:, np.newaxis]
    return GeoReference.from_matrix(matrix.tolist())


@given(
    lat=st.floats(-85, 85),
    lon=st.floats(-179.9, 179.9),
    x=st.floats(-5e4, 5e4),
    y=st.floats(-5e4, 5e4),
    z=st.floats(-500, 9000),
)
def test_it_agrees_with_pymap3d_anywhere_people_drive(lat: float, lon: float, x: float, y: float, z: float) -> None:
    """To a billionth of a degree, 0.1 mm, from the Dead Sea to Everest."""
    geo = reference_at(lat, lon)
    ours = geo.lonlat(*(np.array([value]) for value in (x, y, z)))
    ecef = np.array(geo.world_to_ecef) @ [x, y, z, 1.0]
    theirs = pymap3d.ecef2geodetic(*ecef[:3])
    assert ours[1][0] == pytest.approx(theirs[0], abs=ENOUGH_DEGREES)
    turn = (ours[0][0] - theirs[1] + 180) % 360 - 180
    assert abs(turn) < ENOUGH_DEGREES


def test_the_default_world_frame_begins_in_palo_alto() -> None:
    """Where pymap3d puts the published translation: 37.42934 N, 122.15435 W."""
    lon, lat = PALO_ALTO.lonlat(np.zeros(1), np.zeros(1), np.zeros(1))
    assert (round(lat[0], 5), round(lon[0], 5)) == (37.42934, -122.15435)


def test_arrays_are_converted_element_by_element() -> None:
    """A whole column gives what its elements give one by one, bit for bit."""
    x, y, z = np.random.default_rng(7).uniform(-2000, 2000, (3, 500))
    lon, lat = PALO_ALTO.lonlat(x, y, z)
    for i in range(0, 500, 50):
        one = PALO_ALTO.lonlat(x[i : i + 1], y[i : i + 1], z[i : i + 1])
        assert (one[0][0], one[1][0]) == (lon[i], lat[i])


@pytest.mark.parametrize("place", ["inside", "beside", "one folder up"])
def test_meta_json_is_found_where_l5kit_keeps_it(tmp_path: Path, place: str) -> None:
    """Inside the zarr, beside it, or in the dataset folder above `scenes/`."""
    zarr_folder = tmp_path / "scenes" / "sample.zarr"
    zarr_folder.mkdir(parents=True)
    folder = {"inside": zarr_folder, "beside": zarr_folder.parent, "one folder up": tmp_path}[place]
    berlin = reference_at(52.52, 13.40)
    (folder / "meta.json").write_text(json.dumps({"world_to_ecef": berlin.world_to_ecef}))
    assert read_geo_reference(zarr_folder) == berlin


def test_the_nearest_meta_json_counts(tmp_path: Path) -> None:
    """One inside the zarr outranks one beside it."""
    zarr_folder = tmp_path / "set.zarr"
    zarr_folder.mkdir()
    berlin, tokyo = reference_at(52.52, 13.40), reference_at(35.68, 139.69)
    (zarr_folder / "meta.json").write_text(json.dumps({"world_to_ecef": berlin.world_to_ecef}))
    (tmp_path / "meta.json").write_text(json.dumps({"world_to_ecef": tokyo.world_to_ecef}))
    assert read_geo_reference(zarr_folder) == berlin


@pytest.mark.sample
def test_the_real_meta_json_is_the_default(l5kit_sample: Path, tmp_path: Path) -> None:
    """So a scene copied without it still lies where it was driven."""
    assert read_geo_reference(l5kit_sample) == PALO_ALTO
    copy = shutil.copytree(l5kit_sample, tmp_path / "a" / "b" / "copy.zarr")
    assert read_geo_reference(copy) == PALO_ALTO


@pytest.mark.parametrize(
    "matrix", [np.zeros((4, 4)), np.full((4, 4), np.nan), np.eye(3), np.diag([1, 1, 1.1, 1]), np.ones((4, 4)), "no"]
)
def test_only_rigid_transforms_are_references(matrix: object) -> None:
    """Anything else is refused before a vehicle is drawn in the wrong ocean."""
    with pytest.raises(ValueError, match="it is not"):
        GeoReference.from_matrix(matrix)
