"""Finds and reads `meta.json`, which says where a dataset's world frame lies."""

from __future__ import annotations

import json
from pathlib import Path

from fleetops.errors import DatasetError

from .geo import PALO_ALTO, GeoReference


def read_geo_reference(dataset: Path) -> GeoReference:
    """The reference of the zarr at `dataset`, or L5Kit's own (`PALO_ALTO`) where no `meta.json` is found.

    Looked for inside the zarr, beside it, and one folder up: L5Kit keeps `scenes/sample.zarr`
    and `meta.json` in one dataset folder.

    Raises:
        DatasetError: a `meta.json` is there but cannot be used.
    """
    folder = dataset.resolve()
    for candidate in (folder, folder.parent, folder.parent.parent):
        path = candidate / "meta.json"
        if not path.is_file():
            continue
        try:
            return GeoReference.from_matrix(json.loads(path.read_bytes())["world_to_ecef"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DatasetError(
                f"{path} does not say where the dataset lies: {error}; "
                "expected the key 'world_to_ecef' with a rigid 4 x 4 transform, as L5Kit publishes it"
            ) from error
    return PALO_ALTO
