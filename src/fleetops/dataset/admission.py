"""Which tracks of a dataset become vehicles of the fleet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from fleetops.contracts.vocabulary import Label

LABEL_INDEX = {label: index for index, label in enumerate(Label)}
"""Number of each class, as columns carry it."""

VEHICLES = frozenset(
    {
        Label.CAR,
        Label.VAN,
        Label.TRAM,
        Label.BUS,
        Label.TRUCK,
        Label.EMERGENCY_VEHICLE,
        Label.OTHER_VEHICLE,
        Label.MOTORCYCLE,
        Label.MOTORCYCLIST,  # what a motorcycle is called while someone rides it
    }
)
"""Classes that stand for a vehicle."""


@dataclass(frozen=True, slots=True)
class Admission:
    """A track is admitted from the first frame in which its most probable class qualifies.

    It then stays admitted: a falling label must be seen by the rules and not be turned
    into a dropout. `classes` None admits everything, whatever its class and probability.
    """

    classes: frozenset[Label] | None = VEHICLES
    min_probability: float = 0.5

    @classmethod
    def everything(cls) -> Self:
        """Admits every track at its first sighting."""
        return cls(classes=None, min_probability=0.0)

    def qualifies(self, label: npt.NDArray[np.intp], probability: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Which sightings, by index of their most probable class and its probability, admit their track."""
        if self.classes is None:
            return np.ones(len(label), np.bool_)
        wanted = np.zeros(len(Label), np.bool_)
        wanted[[LABEL_INDEX[name] for name in self.classes]] = True
        return wanted[label] & (probability >= self.min_probability)
