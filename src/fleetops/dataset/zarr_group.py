"""Opens the zarr group of an L5Kit dataset and says plainly what is wrong with it when it is not one."""

from __future__ import annotations

from pathlib import Path

import zarr

from fleetops.errors import DatasetError

from .chunks import ZarrArray
from .l5kit_format import ARRAYS, check_dtype, check_labels

_EXPECTED = "expected the folder of an L5Kit dataset: zarr format 2 with the arrays " + ", ".join(ARRAYS)


def open_arrays(path: Path) -> dict[str, ZarrArray]:
    """The arrays we read of the zarr at `path`, their presence, fields and completeness checked.

    Raises:
        DatasetError: the path is not such a zarr.
    """
    _check_is_group(path)
    try:
        group = zarr.open_group(str(path), mode="r")
        labels = group.attrs.get("labels")
    except Exception as error:
        raise DatasetError(f"{path} cannot be opened ({error}); {_EXPECTED}") from error
    arrays = {name: _open_array(path, group, name) for name in ARRAYS}
    try:
        if labels is not None:
            check_labels([str(label) for label in labels])
        for name, array in arrays.items():
            check_dtype(name, array.dtype)
    except DatasetError as error:
        raise DatasetError(f"{path}: {error}") from error
    return arrays


def _open_array(path: Path, group: zarr.Group, name: str) -> ZarrArray:
    if not (path / name / ".zarray").is_file():
        held = sorted(entry.parent.name for entry in path.glob("*/.zarray"))
        raise DatasetError(f"{path} has no array {name!r}, only {', '.join(held) or 'none'}; {_EXPECTED}")
    try:
        array: ZarrArray = group[name]
        complete = array.nchunks_initialized == array.nchunks
    except Exception as error:
        raise DatasetError(f"array {name!r} of {path} cannot be opened ({error}); {_EXPECTED}") from error
    if len(array.shape) != 1:
        raise DatasetError(f"array {name!r} of {path} has the shape {array.shape}; expected one dimension")
    if not complete:
        # zarr would read the fill value, zeros, where a chunk is missing.
        raise DatasetError(
            f"array {name!r} of {path} has {array.nchunks_initialized} of {array.nchunks} chunks; "
            "the copy is incomplete, copy it again"
        )
    return array


def _check_is_group(path: Path) -> None:
    if not path.exists():
        raise DatasetError(f"there is no dataset at {path}; {_EXPECTED}")
    if not path.is_dir():
        raise DatasetError(f"{path} is not a folder; {_EXPECTED} (unpack an archive first)")
    if (path / "zarr.json").is_file():
        raise DatasetError(f"{path} is of zarr format 3, which cannot hold L5Kit's fields; {_EXPECTED}")
    if (path / ".zarray").is_file():
        raise DatasetError(f"{path} is a single zarr array; {_EXPECTED}: give the folder above it")
    if not (path / ".zgroup").is_file():
        inside = sorted(entry.parent for entry in path.glob("*/.zgroup"))
        hint = f"; did you mean {inside[0]}?" if inside else ""
        raise DatasetError(f"{path} is not a zarr group; {_EXPECTED}{hint}")
