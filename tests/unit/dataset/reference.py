"""Normalization once more, slowly and row by row, sharing no code with the product.

Gives unrounded values: what the product gives must lie within half a unit of its last decimal.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pymap3d

from fleetops.dataset.block import FrameBlock, Rows

VEHICLE_NUMBERS = {3, 4, 5, 6, 7, 8, 9, 11, 13}
UNIT = {
    **dict.fromkeys(("x", "y", "z", "vx", "vy", "vz", "speed", "ax", "ay", "az", "accel"), 1e-3),
    **dict.fromkeys(("length", "width", "height", "range_m"), 1e-3),
    **dict.fromkeys(("yaw", "yaw_rate", "label_probability"), 1e-4),
    **dict.fromkeys(("lon", "lat"), 1e-7),
}


@dataclass
class Past:
    """What a track showed last."""

    time_ns: int
    velocity: tuple[float, float]
    yaw: float
    seen: int
    admitted: bool


@dataclass(frozen=True)
class Row:
    """One row of telemetry: identity and unrounded numbers."""

    frame: int
    track_id: int
    is_ego: bool
    label: int
    track_length: int
    numbers: dict[str, float]


def _turn(change: float) -> float:
    return math.atan2(math.sin(change), math.cos(change))


def _finite(*values: float) -> bool:
    return all(math.isfinite(value) and abs(value) <= 1e7 for value in values)


def _place(matrix: tuple[tuple[float, ...], ...], x: float, y: float, z: float) -> dict[str, float]:
    ecef = [row[0] * x + row[1] * y + row[2] * z + row[3] for row in matrix[:3]]
    lat, lon, _ = pymap3d.ecef2geodetic(*ecef)
    return {"lon": float(lon), "lat": float(lat)}


def telemetry(block: FrameBlock, matrix: tuple[tuple[float, ...], ...], *, everything: bool) -> Iterator[Row]:
    """Rows of a scene that begins with this block, in order."""
    past: dict[int, Past] = {}
    poses: list[tuple[int, list[float], float]] = []
    moves: list[list[float]] = []
    for index, frame in enumerate(block.frames):
        time_ns, pose = int(frame["timestamp"]), [float(v) for v in frame["ego_translation"]]
        yaw = math.atan2(frame["ego_rotation"][1][0], frame["ego_rotation"][0][0])
        if _finite(*pose, yaw):
            poses.append((time_ns, pose, yaw))
            yield _ego_row(block.start + index, poses, moves, matrix)
        if not poses:
            continue
        low, high = int(block.agent_offsets[index]), int(block.agent_offsets[index + 1])
        done: set[int] = set()
        for agent in block.agents[low:high]:
            row = _agent_row(block.start + index, time_ns, agent, past, done, everything=everything)
            if row is not None:
                x, y = row.numbers["x"], row.numbers["y"]
                row.numbers["range_m"] = math.dist((x, y), poses[-1][1][:2])
                row.numbers.update(_place(matrix, x, y, 0.0))
                yield row


def _agent_row(
    frame: int, time_ns: int, agent: Rows, past: dict[int, Past], done: set[int], *, everything: bool
) -> Row | None:
    x, y = (float(v) for v in agent["centroid"])
    vx, vy = (float(v) for v in agent["velocity"])
    length, width, height = (float(v) for v in agent["extent"])
    yaw, track = float(agent["yaw"]), int(agent["track_id"])
    chances = [float(v) for v in agent["label_probabilities"]]
    best = max(chances) if all(math.isfinite(v) for v in chances) else math.nan
    if not _finite(x, y, vx, vy, length, width, height, yaw, best) or track in done:
        return None
    done.add(track)
    label = chances.index(best)
    before = past.get(track)
    admitted = everything or (label in VEHICLE_NUMBERS and best >= 0.5) or (before is not None and before.admitted)
    dt_s = 1.0 if before is None else (time_ns - before.time_ns) / 1e9
    last = before or Past(time_ns, (vx, vy), yaw, 0, admitted=False)
    past[track] = Past(time_ns, (vx, vy), yaw, last.seen + 1, admitted)
    if not admitted:
        return None
    ax, ay = (vx - last.velocity[0]) / dt_s, (vy - last.velocity[1]) / dt_s
    numbers = {"x": x, "y": y, "z": 0.0, "vx": vx, "vy": vy, "vz": 0.0, "speed": math.hypot(vx, vy)}
    numbers |= {"ax": ax, "ay": ay, "az": 0.0, "accel": math.hypot(ax, ay)}
    numbers |= {"yaw": yaw, "yaw_rate": _turn(yaw - last.yaw) / dt_s}
    numbers |= {"length": length, "width": width, "height": height, "label_probability": min(best, 1.0)}
    return Row(frame, track, False, label, last.seen + 1, numbers)


def _ego_row(
    frame: int,
    poses: list[tuple[int, list[float], float]],
    moves: list[list[float]],
    matrix: tuple[tuple[float, ...], ...],
) -> Row:
    _, here, yaw = poses[-1]
    velocity, acceleration, yaw_rate = [0.0] * 3, [0.0] * 3, 0.0
    if len(poses) > 1:
        was_ns, there, was_yaw = poses[-2]
        dt_s = (poses[-1][0] - was_ns) / 1e9
        velocity = [(a - b) / dt_s for a, b in zip(here, there, strict=True)]
        yaw_rate = _turn(yaw - was_yaw) / dt_s
        if len(poses) > 2:
            acceleration = [(a - b) / dt_s for a, b in zip(velocity, moves[-1], strict=True)]
    moves.append(velocity)
    numbers = dict(zip(("x", "y", "z"), here, strict=True))
    numbers |= dict(zip(("vx", "vy", "vz"), velocity, strict=True)) | {"speed": math.hypot(*velocity)}
    numbers |= dict(zip(("ax", "ay", "az"), acceleration, strict=True)) | {"accel": math.hypot(*acceleration)}
    numbers |= {"yaw": yaw, "yaw_rate": yaw_rate, "length": 4.87, "width": 1.85, "height": 1.8}
    numbers |= {"label_probability": 1.0, "range_m": 0.0} | _place(matrix, *here)
    return Row(frame, 0, True, 17, len(poses), numbers)
