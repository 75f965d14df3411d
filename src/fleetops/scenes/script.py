"""The faults that are put into a golden scene, and what is told about them. Pure.

Braking happens inside the simulation, so that those behind react as drivers do.
A perception fault changes what the tracker says, and nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from fleetops.contracts.vocabulary import AnomalyType, Severity
from fleetops.dataset.columns import Floats
from fleetops.errors import FleetOpsError

from .noise import Sightings
from .simulation import STEP_S, Cockpit
from .view import View

SAME_WAY: Final = 0.87
"""Cosine of the largest angle, 30 degrees, between two that drive the same way."""

BRAKES_WITHIN_M: Final = 55.0
BESIDE_WITHIN_M: Final = 42.0
"""So near to the ego is whom a fault befalls. The tracker is told not to lose the one that brakes."""


@dataclass(frozen=True, slots=True)
class Braking:
    """Somebody near the ego brakes from frame `frame` on, down to a speed, holds it for a moment and drives on."""

    frame: int
    decel_mps2: float
    to_mps: float
    hold_frames: int
    severity: Severity
    fault: str
    least_mps: float  # who is slower is not chosen

    @property
    def anomaly_type(self) -> AnomalyType:
        """What it is to be called."""
        return AnomalyType.SUDDEN_DECELERATION


@dataclass(frozen=True, slots=True)
class Teleport:
    """Somebody near the ego is seen so many metres beside itself for some frames."""

    frame: int
    frames: int
    metres: float
    severity: Severity = Severity.WARNING
    fault: str = "teleport"

    @property
    def anomaly_type(self) -> AnomalyType:
        """What it is to be called."""
        return AnomalyType.PERCEPTION_INSTABILITY


@dataclass(frozen=True, slots=True)
class Label:
    """What was done to whom: frames [`start_frame`, `end_frame`) of the zarr's scene."""

    scene_id: str
    vehicle_id: str
    track_id: int
    fault: str
    start_frame: int
    end_frame: int
    within_frames: int  # told at the latest so many frames after the start
    anomaly_type: AnomalyType
    severity: Severity
    what: str


@dataclass(slots=True)
class BrakeDriver:
    """Drives one vehicle of a simulation through a braking. Call it before every step."""

    braking: Braking
    ego: str
    victim: str | None = None
    end_frame: int | None = None  # the first frame in which the victim drives on its own again
    _speed_mps: float = 0.0
    _held: int = field(default=0)

    def __call__(self, cockpit: Cockpit, frame: int) -> None:
        """Do what this frame asks for.

        Raises:
            FleetOpsError: nobody near the ego can brake without harm.
        """
        if frame < self.braking.frame or self.end_frame is not None:
            return
        if self.victim is None:
            self.victim = self._choose(cockpit)
            self._speed_mps = cockpit.speed(self.victim)
        if self._speed_mps > self.braking.to_mps:
            self._speed_mps = max(self.braking.to_mps, self._speed_mps - self.braking.decel_mps2 * STEP_S)
        else:
            self._held += 1
        if self._held > self.braking.hold_frames:
            cockpit.let_go(self.victim)
            self.end_frame = frame
        else:
            cockpit.set_speed(self.victim, self._speed_mps)

    def _choose(self, cockpit: Cockpit) -> str:
        """Of those near the ego that drive its way, are fast and have room, the one with most room behind.

        Who drives its way stays in view, and can be pulled over after the fact.
        """
        places = cockpit.positions()
        mine = places[self.ego]
        fit: list[tuple[float, str]] = []
        for name, place in places.items():
            if name == self.ego or math.dist(place, mine) > BRAKES_WITHIN_M:
                continue
            if math.cos(math.radians(cockpit.heading_deg(name) - cockpit.heading_deg(self.ego))) < SAME_WAY:
                continue
            stop_m = cockpit.speed(name) ** 2 / (2 * self.braking.decel_mps2)
            room = min(cockpit.gap_ahead_m(name), cockpit.clear_ahead_m(name)) > stop_m + 8
            if cockpit.speed(name) >= self.braking.least_mps and room:
                fit.append((-cockpit.gap_behind_m(name), name))
        if not fit:
            raise FleetOpsError(f"nobody near the ego can brake at frame {self.braking.frame}: choose another seed")
        return min(fit)[1]


def teleport_victim(view: View, teleport: Teleport) -> int:
    """The vehicle nearest to 25 m from the ego among those seen all the time around the fault.

    Raises:
        FleetOpsError: there is none.
    """
    around = slice(max(teleport.frame - 60, 0), teleport.frame + teleport.frames + 60)
    track = view.track[around]
    steady = (track[0] > 0) & (track == track[0]).all(axis=0) & (view.range_m[around].max(axis=0) < BESIDE_WITHIN_M)
    if not steady.any():
        raise FleetOpsError(f"nobody stays near the ego around frame {teleport.frame}: choose another seed")
    distance = np.where(steady, np.abs(view.range_m[teleport.frame] - 25.0), np.inf)
    return int(distance.argmin())


def teleported(sightings: Sightings, vehicle: int, teleport: Teleport) -> Sightings:
    """The same sightings, one vehicle beside itself for some frames, to its left."""
    frames = slice(teleport.frame, teleport.frame + teleport.frames)
    x: Floats = sightings.x.copy()
    y: Floats = sightings.y.copy()
    side = sightings.yaw[frames, vehicle] + math.pi / 2
    x[frames, vehicle] += teleport.metres * np.cos(side)
    y[frames, vehicle] += teleport.metres * np.sin(side)
    return replace(sightings, x=x, y=y)
