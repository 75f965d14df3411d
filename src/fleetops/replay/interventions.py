"""What operators had a vehicle of a session do, as the journal keeps it. Pure.

Commands of one vehicle come in any order and more than once; their sequence says which is newer.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from fleetops.contracts import ids
from fleetops.contracts.operations import OperatorAction, VehicleCommand
from fleetops.contracts.vocabulary import ActionType, Label

Deed = Literal[ActionType.PULL_OVER_SIMULATED, ActionType.RESUME_SIMULATION]
"""What a vehicle can be had to do."""


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Sighting(_Kept):
    """A vehicle as it was last sent as recorded: what its simulated telemetry goes on from."""

    frame_index: int
    x: float
    y: float
    z: float
    vx: float
    vy: float
    vz: float
    yaw: float
    length: float
    width: float
    height: float
    label: Label
    label_probability: float
    track_length: int


class Manoeuvre(_Kept):
    """Something a vehicle was told to do, and the first frame in which it does."""

    action: Deed
    from_frame: Annotated[int | None, Field(description="none until it begins")] = None


class Intervention(_Kept):
    """Everything that operators had one vehicle do in one session."""

    vehicle_id: str
    scene_id: str
    track_id: Annotated[int | None, Field(description="none for the ego")]
    sequence: Annotated[int, Field(description="of the newest command that moves it; older ones are void")]
    last_seen: Annotated[Sighting | None, Field(description="as recorded, before the first manoeuvre")] = None
    manoeuvres: list[Manoeuvre] = []

    @property
    def begun(self) -> list[Manoeuvre]:
        """The manoeuvres that have a first frame, in order of time."""
        return [one for one in self.manoeuvres if one.from_frame is not None]

    @property
    def pending(self) -> Manoeuvre | None:
        """What the vehicle is to do next, as soon as it can."""
        last = self.manoeuvres[-1] if self.manoeuvres else None
        return last if last is not None and last.from_frame is None else None

    def begin(self, frame_index: int, last_seen: Sighting | None = None) -> Intervention:
        """With what is pending begun at `frame_index`."""
        pending = self.manoeuvres[-1].model_copy(update={"from_frame": frame_index})
        return self.model_copy(
            update={"manoeuvres": [*self.manoeuvres[:-1], pending], "last_seen": self.last_seen or last_seen}
        )

    def without_pending(self) -> Intervention:
        """With nothing asked that has not begun."""
        return self.model_copy(update={"manoeuvres": self.begun})


def deed_of(action_type: ActionType, command: VehicleCommand) -> Deed | None:
    """What a command has its vehicle do; None where the vehicle goes on as it does.

    A remote assist does not move a vehicle, nor does closing it while a pull-over runs.
    """
    if action_type is ActionType.PULL_OVER_SIMULATED:
        return ActionType.PULL_OVER_SIMULATED
    ended = command.ended_interventions
    if ended is None:
        return ActionType.RESUME_SIMULATION if action_type is ActionType.RESUME_SIMULATION else None
    return ActionType.RESUME_SIMULATION if ActionType.PULL_OVER_SIMULATED in ended else None


def obey(known: Intervention, deed: Deed | None, sequence: int) -> Intervention:
    """`known` after a command; the same where it moves nothing or is not newer than those obeyed before.

    What moves nothing makes nothing old either: the pull-over that an assist overtook is still to come.
    """
    if deed is None or sequence <= known.sequence:
        return known
    after = known.model_copy(update={"sequence": sequence})
    last = known.manoeuvres[-1].action if known.manoeuvres else ActionType.RESUME_SIMULATION
    if deed is last:
        return after
    if known.pending is not None:  # the two cancel each other out
        return after.without_pending()
    return after.model_copy(update={"manoeuvres": [*known.manoeuvres, Manoeuvre(action=deed)]})


def addressed(action: OperatorAction, scene_ids: list[str]) -> Intervention | None:
    """The vehicle that `action` is about, untouched so far; None where it is of none of these scenes."""
    for scene_id in scene_ids:
        if action.vehicle_id == ids.ego_id(scene_id):
            return Intervention(vehicle_id=action.vehicle_id, scene_id=scene_id, track_id=None, sequence=0)
        head, _, track = action.vehicle_id.rpartition("_track_")
        if head == scene_id and track.isascii() and track.isdigit():
            return Intervention(vehicle_id=action.vehicle_id, scene_id=scene_id, track_id=int(track), sequence=0)
    return None
