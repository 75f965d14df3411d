"""The vehicles of one scene that operators had leave their recording, or are about to."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor, Future
from typing import Final

import numpy as np

from fleetops.contracts.vocabulary import Label

from .catalog import Catalog
from .course import Recorded
from .encode import EncodableBlock, SceneEncoder
from .frame_rows import NUMBERS, Acts
from .frames import SceneFrames
from .interventions import Intervention, Sighting
from .lookahead import look_ahead
from .simulated import SimulatedVehicle
from .timeline import SceneSpan

_LABELS: Final = tuple(Label)
_EGO: Final = None


class Stage:
    """For one thread. What it needs of the frames to come is read in `reader`, beside the frames that are due."""

    def __init__(
        self, catalog: Catalog, span: SceneSpan, encoder: SceneEncoder, frames: SceneFrames, reader: Executor
    ) -> None:
        self._catalog, self._span, self._reader = catalog, span, reader
        self._encoder, self._frames = encoder, frames
        self._ahead: dict[str, Future[Recorded]] = {}
        self._coming: dict[str, Intervention] = {}
        self._vehicles: dict[int, SimulatedVehicle] = {}

    def play(self, interventions: Iterable[Intervention]) -> None:
        """Have the vehicles do what has begun, from the frames on that the journal says."""
        for intervention in interventions:
            seen = intervention.last_seen
            if intervention.begun and seen is not None and seen.frame_index < self._span.end_frame - 1:
                self._look_ahead(intervention, seen.frame_index)
                self._coming[intervention.vehicle_id] = intervention

    def begin(self, pending: Intervention, frame_index: int, last: EncodableBlock) -> Intervention | None:
        """`pending` begun at `frame_index`; None while it cannot. The frame before it, of `last`, was sent.

        A vehicle that is not in the last frame has no place to go on from: it is waited for.
        """
        if pending.begun:
            return pending.begin(frame_index)
        seen = self._sighting(pending, frame_index - 1, last)
        if seen is None:
            return None
        ahead = self._look_ahead(pending, frame_index - 1)
        if not ahead.done():
            return None
        ahead.result()  # whatever kept it from being read is no secret
        return pending.begin(frame_index, seen)

    @property
    def is_ready(self) -> bool:
        """Whether all that was asked for is read."""
        return all(ahead.done() for ahead in self._ahead.values())

    def settle(self) -> None:
        """Wait until all that plays is read.

        Raises:
            DatasetError: it cannot be read.
        """
        while self._coming:
            vehicle_id, intervention = next(iter(self._coming.items()))
            vehicle = SimulatedVehicle.of(intervention, self._ahead[vehicle_id].result(), self._catalog.dataset.geo)
            self._vehicles[self._encoder.number_of(intervention.track_id)] = vehicle
            del self._coming[vehicle_id]

    def acts(self, frame_index: int) -> Acts | None:
        """What is simulated in a frame; None where all is as recorded.

        Raises:
            DatasetError: what plays cannot be read.
        """
        if not self._coming and not self._vehicles:
            return None
        self.settle()
        taken_over = frozenset(n for n, vehicle in self._vehicles.items() if frame_index >= vehicle.first_frame)
        if not taken_over:
            return None
        rows = [(number, row) for number in sorted(taken_over) if (row := self._vehicles[number].row(frame_index))]
        return Acts(taken_over, rows, self._encoder.number_of(_EGO), self._frames.ego_at(frame_index))

    def close(self) -> None:
        """Read no further."""
        for ahead in self._ahead.values():
            ahead.cancel()

    def _look_ahead(self, intervention: Intervention, first: int) -> Future[Recorded]:
        known = self._ahead.get(intervention.vehicle_id)
        if known is None:
            # To the scene's end, whatever part of it this session shows: a review must find the same path again.
            scene = self._catalog.scene(self._span.scene_id)
            known = self._ahead[intervention.vehicle_id] = look_ahead(
                self._catalog.dataset,
                scene.zarr_scene_index,
                intervention.track_id,
                first,
                scene.end_frame,
                self._reader,
            )
        return known

    def _sighting(self, intervention: Intervention, frame_index: int, block: EncodableBlock) -> Sighting | None:
        row = _row_of(block, frame_index, self._encoder.number_of(intervention.track_id))
        if row is None:
            return None
        numbers = dict(zip(NUMBERS, block.numbers[row].tolist(), strict=True))
        return Sighting(
            frame_index=frame_index,
            **{name: numbers[name] for name in ("x", "y", "z", "vx", "vy", "vz", "yaw", "length", "width", "height")},
            label=_LABELS[block.label[row]],
            label_probability=numbers["label_probability"],
            track_length=int(block.track_length[row]),
        )


def _row_of(block: EncodableBlock, frame_index: int, vehicle: int) -> int | None:
    i = frame_index - block.first_frame
    if not 0 <= i < len(block.event_time_ms):
        return None
    first, last = int(block.row_offsets[i]), int(block.row_offsets[i + 1])
    found = np.flatnonzero(block.vehicle[first:last] == vehicle)
    return first + int(found[0]) if len(found) else None
