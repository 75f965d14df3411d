"""The three golden scenes: their roads, their traffic and the story that they tell when replayed at once.

20 s of calm. At 20 s a vehicle on the highway brakes hard (WARNING); at 30 s the tracker sees one at the crossing
beside itself (WARNING); at 35 s one in the city street brakes as in an emergency (CRITICAL). Nothing else happens.

The seeds were chosen by trying: in each scene everybody else brakes gently, whatever the scripted brakers do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import Final

import numpy as np
from pydantic import JsonValue

from fleetops.contracts.vocabulary import Severity
from fleetops.dataset.golden_scenes import GOLDEN_SCENES
from fleetops.errors import FleetOpsError

from .motion import motion_of
from .networks import highway, streets
from .observe import FIRST_FRAME_NS, Observed, observe
from .placement import Placement
from .script import BrakeDriver, Braking, Label, Teleport, teleport_victim, teleported
from .simulation import Recording, simulate
from .traffic import Traffic
from .view import choose_ego

FRAMES: Final = 600
_EGO_AROUND_M = 100.0


@dataclass(frozen=True, slots=True)
class Golden:
    """One golden scene's recipe."""

    scene_id: str
    traffic: Traffic
    placement: Placement
    vehicles: float  # in view, on average
    seed: int  # of the traffic
    noise_seed: int
    fault: Braking | Teleport


GOLDEN: Final = (
    Golden(
        "scene_001",
        Traffic(highway("highway_merge", lanes=3, speed_mps=19.0, bend_rad=-0.35, length_m=2600), 10200, 190.0),
        Placement(0.12, -60.0, 200.0),
        vehicles=37,
        seed=7,
        noise_seed=2,
        fault=Braking(
            200, 4.1, to_mps=9.0, hold_frames=8, severity=Severity.WARNING, fault="braking_moderate", least_mps=16.0
        ),
    ),
    Golden(
        "scene_002",
        Traffic(
            streets(
                "urban_intersection",
                columns=[0],
                rows=[0],
                lanes_along=3,
                lanes_across=2,
                speed_mps=13.9,
                arm_m=260,
            ),
            4300,
            200.0,
        ),
        Placement(0.2, -400.0, -260.0),
        vehicles=42,
        seed=4,
        noise_seed=1,
        fault=Teleport(300, frames=4, metres=5.0),
    ),
    Golden(
        "scene_003",
        Traffic(
            streets(
                "city_street",
                columns=[0, 190, 380],
                rows=[0],
                lanes_along=3,
                lanes_across=1,
                speed_mps=15.3,
                arm_m=280,
            ),
            4600,
            215.0,  # so that at 35 s the signals along the street are green, and somebody is fast
        ),
        Placement(0.12, 190.0, -240.0),
        vehicles=42,
        seed=2,
        noise_seed=1,
        fault=Braking(
            350, 7.0, to_mps=1.5, hold_frames=5, severity=Severity.CRITICAL, fault="braking_severe", least_mps=10.5
        ),
    ),
)


@dataclass(frozen=True, slots=True, eq=False)
class GoldenScene:
    """A golden scene as it is written, with its label."""

    scene_id: str
    observed: Observed
    net_xml: str
    placement: Placement
    label: Label
    victim: int


def golden_scenes() -> Iterator[GoldenScene]:
    """The scenes in their order."""
    for index, recipe in enumerate(GOLDEN):
        yield make(recipe, index)


def make(recipe: Golden, index: int) -> GoldenScene:
    """One scene.

    Traffic runs twice: first to see who can be the ego, then with what the script does near it. Up to
    there, both runs are the same.

    Raises:
        FleetOpsError: with this seed the script finds nobody to act on.
    """
    traffic = recipe.traffic
    run = partial(
        simulate,
        traffic.network,
        vehicles_per_hour=traffic.vehicles_per_hour,
        warm_up_s=traffic.warm_up_s,
        frames=FRAMES,
        seed=recipe.seed,
    )
    recording, net_xml = run()
    chosen = choose_ego(motion_of(recording), traffic.network.centre, _EGO_AROUND_M)
    if chosen is None:
        raise FleetOpsError(f"{recipe.scene_id}: no vehicle stays in the network for the whole scene")
    name = recording.names[chosen]
    driver: BrakeDriver | None = None
    if isinstance(recipe.fault, Braking):
        driver = BrakeDriver(recipe.fault, name)
        recording, net_xml = run(drive=driver)
    ego = recording.names.index(name)
    look = partial(
        observe,
        recording,
        recipe.placement,
        ego=ego,
        vehicles=recipe.vehicles,
        host="sumo-golden",
        start_ns=FIRST_FRAME_NS,
        held=_held(recording, driver),
    )
    seed = [recipe.noise_seed, index]
    observed = look(rng=_rng(seed))
    if driver is not None:
        victim, start, end = _brakes(recording, driver, recipe)
    else:
        assert isinstance(recipe.fault, Teleport)  # noqa: S101  for the type checker
        fault = recipe.fault
        victim, start, end = teleport_victim(observed.view, fault), fault.frame, fault.frame + fault.frames
        observed = look(rng=_rng(seed), tamper=lambda seen, _: teleported(seen, victim, fault))
    return GoldenScene(
        recipe.scene_id,
        observed,
        net_xml,
        recipe.placement,
        _label(recipe, observed, victim, start, end),
        victim,
    )


def labels_document(labels: list[Label]) -> JsonValue:
    """`labels.json`: what was done to which vehicle in which frames, and what that is to be called."""
    rows: list[JsonValue] = [
        {name: value if isinstance(value, int) else str(value) for name, value in asdict(label).items()}
        for label in labels
    ]
    return {"labels": rows}


def _rng(seed: list[int]) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def _held(recording: Recording, driver: BrakeDriver | None) -> np.ndarray | None:
    """Who is never lost from sight when: the one that brakes, around that."""
    if driver is None or driver.victim is None:
        return None
    held = np.zeros((FRAMES, len(recording.names)), np.bool_)
    held[driver.braking.frame - 60 : driver.braking.frame + 120, recording.names.index(driver.victim)] = True
    return held


def _brakes(recording: Recording, driver: BrakeDriver, recipe: Golden) -> tuple[int, int, int]:
    if driver.victim is None or driver.end_frame is None:
        raise FleetOpsError(f"{recipe.scene_id}: the braking did not end within the scene")
    return recording.names.index(driver.victim), driver.braking.frame, driver.end_frame


def _label(recipe: Golden, observed: Observed, victim: int, start: int, end: int) -> Label:
    fault = recipe.fault
    tracks = np.unique(observed.view.track[start - 20 : end + 20, victim])
    if len(tracks) != 1 or tracks[0] == 0:
        raise FleetOpsError(f"{recipe.scene_id}: the tracker loses the vehicle that the fault befalls")
    track = int(tracks[0])
    braking = isinstance(fault, Braking)
    definition = next(scene for scene in GOLDEN_SCENES if scene.scene_id == recipe.scene_id)
    return Label(
        scene_id=recipe.scene_id,
        vehicle_id=f"{definition.scene_id}_track_{track}",
        track_id=track,
        fault=fault.fault,
        start_frame=start,
        end_frame=end,
        within_frames=20 if braking else 10,
        anomaly_type=fault.anomaly_type,
        severity=fault.severity,
        what=f"brakes at {fault.decel_mps2:g} m/s2 down to {fault.to_mps:g} m/s"
        if isinstance(fault, Braking)
        else f"is seen {fault.metres:g} m to its left for {fault.frames} frames",
    )
