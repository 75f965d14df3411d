"""What L5Kit's zarr looks like, as far as we read it.

Source: `l5kit.data.zarr_dataset` (`SCENE_DTYPE`, `FRAME_DTYPE`, `AGENT_DTYPE`) and the real
scene. `traffic_light_faces` is not read. Neither are the scenes' own `start_time` and
`end_time`: on real data they are seconds away from the frames' timestamps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetops.contracts.vocabulary import Label
from fleetops.errors import DatasetError

LABELS = tuple(label for label in Label if label is not Label.EGO)
"""Classes in the order of `label_probabilities`."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field we read: any width of one of `kinds`, and exactly `shape`."""

    kinds: str
    shape: tuple[int, ...] = ()

    def __str__(self) -> str:
        words = {"f": "float", "iu": "integer", "U": "unicode string"}
        return words[self.kinds] + (f" {self.shape}" if self.shape else "")


ARRAYS: Mapping[str, Mapping[str, Field]] = {
    "scenes": {"frame_index_interval": Field("iu", (2,)), "host": Field("U")},
    "frames": {
        "timestamp": Field("iu"),
        "agent_index_interval": Field("iu", (2,)),
        "ego_translation": Field("f", (3,)),
        "ego_rotation": Field("f", (3, 3)),
    },
    "agents": {
        "centroid": Field("f", (2,)),
        "extent": Field("f", (3,)),
        "yaw": Field("f"),
        "velocity": Field("f", (2,)),
        "track_id": Field("iu"),
        "label_probabilities": Field("f", (len(LABELS),)),
    },
}


def check_dtype(array: str, dtype: np.dtype[np.void]) -> None:
    """Check that the array named `array` has every field we read, of the right kind and shape.

    Raises:
        DatasetError: a field is missing or is of another kind or shape.
    """
    for name, expected in ARRAYS[array].items():
        if dtype.fields is None or name not in dtype.fields:
            held = ", ".join(dtype.names or ()) or f"plain {dtype}"
            raise DatasetError(f"array {array!r} has no field {name!r}; expected {name}: {expected}; it holds {held}")
        found = dtype.fields[name][0]
        if found.base.kind not in expected.kinds or found.shape != expected.shape:
            raise DatasetError(
                f"field {name!r} of array {array!r} is {found.base}{list(found.shape) if found.shape else ''}; "
                f"expected {expected}, as L5Kit writes it"
            )


def check_intervals(what: str, intervals: npt.NDArray[np.int64], limit: int, held_by: str) -> None:
    """Check that half-open index intervals (n, 2) ascend, do not overlap and end within `limit`.

    Raises:
        DatasetError: one does not; the message names the first.
    """
    starts, ends = intervals[:, 0], intervals[:, 1]
    faults = (
        (starts < 0, "begins before 0"),
        (ends < starts, "ends before it begins"),
        (ends > limit, f"ends beyond the {limit} rows that {held_by!r} holds"),
        (np.append(False, starts[1:] < ends[:-1]), "overlaps the one before"),
    )
    for wrong, why in faults:
        if wrong.any():
            row = int(wrong.argmax())
            raise DatasetError(
                f"{what} {row} has the interval [{starts[row]}, {ends[row]}), which {why}; "
                "expected ascending half-open intervals: the dataset is damaged or cut short, copy it again"
            )


def check_labels(names: Sequence[str]) -> None:
    """Check that the classes a dataset names in its attributes are those we know, in our order.

    Raises:
        DatasetError: they are not, so that every label would be misread.
    """
    plain = tuple(name.replace("_LABEL_", "_").removeprefix("PERCEPTION_") for name in names)
    if plain != LABELS:
        raise DatasetError(
            f"the dataset's attribute 'labels' is {', '.join(names)}; "
            f"expected L5Kit's, in this order: {', '.join(LABELS)}"
        )
