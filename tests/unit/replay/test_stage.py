"""Vehicles that left their recording, in a session and in the review of a moment of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.unit.dataset.writer import Agent, Frame, Scene, write_dataset
from tests.unit.replay.orders import PULL_OVER, RESUME

from fleetops.contracts.vocabulary import Label, Purpose
from fleetops.dataset.admission import Admission
from fleetops.dataset.reader import Dataset
from fleetops.replay.catalog import Catalog
from fleetops.replay.encode import SceneEncoder
from fleetops.replay.frames import SceneFrames
from fleetops.replay.interventions import Intervention, Manoeuvre, Sighting
from fleetops.replay.request import FrameInterval
from fleetops.replay.stage import Stage

SCENE = "scene_00000"
LIGHT_M, GREEN = 120.0, 300
"""Where a car waits for a signal, and the frame in which it goes on."""

SEEN = Sighting(
    frame_index=49,
    x=58.8,
    y=0.0,
    z=0.0,
    vx=12.0,
    vy=0.0,
    vz=0.0,
    yaw=0.0,
    length=4.5,
    width=1.9,
    height=1.6,
    label=Label.CAR,
    label_probability=0.95,
    track_length=50,
)
PULLED_OVER = Intervention(
    vehicle_id=f"{SCENE}_track_1",
    scene_id=SCENE,
    track_id=1,
    sequence=2,
    last_seen=SEEN,
    manoeuvres=[Manoeuvre(action=PULL_OVER, from_frame=50), Manoeuvre(action=RESUME, from_frame=130)],
)


def a_car_at_a_light(folder: Path) -> Catalog:
    """It drives at 12 m/s, waits, and drives on; the ego stays away."""
    frames = []
    for frame in range(400):
        way = min(LIGHT_M, 1.2 * frame) + max(0.0, 1.2 * (frame - GREEN))
        speed = 0.0 if 1.2 * frame >= LIGHT_M and frame <= GREEN else 12.0
        frames.append(Frame([Agent(track_id=1, x=way, y=0.0, vx=speed)], ego=(-500.0, 0.0, 0.0)))
    return Catalog(Dataset.open(write_dataset(folder / "light.zarr", [Scene(frames)])), Admission())


def places(catalog: Catalog, part: dict[str, FrameInterval], frames: range) -> list[float | None]:
    """Where the car is in `frames` of a session that replays this part of the scene, m along its street."""
    (span,) = catalog.spans([SCENE], part)
    encoder = SceneEncoder("s", SCENE, Purpose.REVIEW, 1)
    with ThreadPoolExecutor(1) as reader:
        sent = SceneFrames(catalog, span, frames.start, encoder, reader)
        stage = Stage(catalog, span, encoder, sent, reader)
        stage.play([PULLED_OVER])
        played = [stage.acts(frame) for frame in frames]
        stage.close()
        sent.close()
    rows = [dict(acts.rows).get(encoder.number_of(1)) for acts in played if acts is not None]
    return [None if row is None else row.numbers["x"] for row in rows]


def test_in_the_review_of_a_moment_a_vehicle_does_what_it_did_then(tmp_path: Path) -> None:
    """It passed a light that its recording waits at beyond the review's last frame, and does so again."""
    catalog, shown = a_car_at_a_light(tmp_path), range(150, 260)
    then = places(catalog, {}, shown)
    last = then[-1]
    assert last is not None
    assert last > LIGHT_M + 5
    part = FrameInterval(start_frame=shown.start, end_frame=shown.stop)
    assert places(catalog, {SCENE: part}, shown) == then
