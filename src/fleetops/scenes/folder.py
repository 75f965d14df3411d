"""A dataset's folder: the zarr, and beside it where it lies, its lanes and its labels."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import numcodecs
from pydantic import JsonValue

from fleetops.dataset.geo import GeoReference
from fleetops.errors import DatasetError

from .lanes import Feature, features
from .placement import Placement, world_to_ecef
from .rows import SceneRows
from .writer import DatasetWriter, written

ZARR, META, LANES, LABELS = "scenes.zarr", "meta.json", "lanes.geojson", "labels.json"


class DatasetFolder:
    """Takes scenes one by one; nothing of a scene is kept once it is written."""

    def __init__(self, writer: DatasetWriter, lanes: TextIO, geo: GeoReference) -> None:
        self._writer, self._lanes, self._geo = writer, lanes, geo
        self._separator = "\n"

    @property
    def rows(self) -> int:
        """Agent rows so far."""
        return self._writer.counts["agents"]

    def add(self, scene_id: str, rows: SceneRows, net_xml: str, placement: Placement) -> None:
        """Write a scene and its lanes."""
        self._writer.append(rows)
        for feature in features(net_xml, placement, self._geo, scene_id):
            self._lanes.write(self._separator + compact(feature))
            self._separator = ",\n"


@contextmanager
def dataset_folder(output: Path, compressor: numcodecs.Blosc, attributes: dict[str, object]) -> Iterator[DatasetFolder]:
    """A new folder of this name; gone again where the context ends with an error.

    Raises:
        DatasetError: there is something of this name already, or it cannot be written.
    """
    try:
        output.mkdir(parents=True, exist_ok=False)
    except FileExistsError:
        raise DatasetError(f"{output} is there already; name a folder that is not, or remove it") from None
    except OSError as error:
        raise DatasetError(f"{output} cannot be made ({error})") from error
    try:
        yield from _filled(output, compressor, attributes)
    except BaseException:
        shutil.rmtree(output)
        raise


def _filled(output: Path, compressor: numcodecs.Blosc, attributes: dict[str, object]) -> Iterator[DatasetFolder]:
    matrix: list[JsonValue] = [list(row) for row in world_to_ecef()]
    with (output / LANES).open("w", encoding="utf-8", newline="\n") as lanes:
        lanes.write('{"type":"FeatureCollection","features":[')
        with written(output / ZARR, compressor, attributes) as writer:
            yield DatasetFolder(writer, lanes, GeoReference.from_matrix(matrix))
        lanes.write("\n]}\n")
    write_json(output / META, {"world_to_ecef": matrix})


def write_json(path: Path, value: JsonValue) -> None:
    """Write JSON for people to read; equal values are equal bytes."""
    path.write_bytes((json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode())


def compact(feature: Feature) -> str:
    """JSON on one line."""
    return json.dumps(feature, separators=(",", ":"))
