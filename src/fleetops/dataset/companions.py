"""What may lie beside a dataset's zarr: the lanes of its roads."""

from __future__ import annotations

from pathlib import Path

from fleetops.errors import DatasetError, NotFoundError

LANES = "lanes.geojson"


def has_lanes(dataset: Path) -> bool:
    """Whether the zarr at `dataset` comes with its lanes."""
    return (dataset.resolve().parent / LANES).is_file()


def lanes_of(dataset: Path) -> bytes:
    """The GeoJSON document (RFC 7946, WGS84) with the road surface of the zarr at `dataset`, as it is stored.

    Raises:
        NotFoundError: the dataset comes without one, as the public ones do.
        DatasetError: it is there but cannot be read.
    """
    path = dataset.resolve().parent / LANES
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError("map", f"{LANES} beside {dataset.name}; this dataset comes without lanes") from None
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror})") from error
