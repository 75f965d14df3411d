"""From an L5Kit block to telemetry: what the dataset says, in our columns, rounded for the wire. Pure.

Each track_id in the dataset is treated as an independent fleet vehicle for monitoring
purposes; this abstraction allows several vehicles to be watched at once within one scene.
An L5Kit agent has no z, acceleration, yaw rate or track length. z is 0; the rest comes from
the track's earlier frames, admitted or not, and never from later ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fleetops.contracts.vocabulary import Label

from .admission import LABEL_INDEX, VEHICLES, Admission
from .block import FrameBlock, Rows
from .columns import Floats, RowCounts, TelemetryColumns
from .ego import EXTENT_M, EgoMotion, EgoState, follow_ego
from .geo import GeoReference
from .layout import Layout
from .precision import (
    DEGREE_DECIMALS,
    METRE_DECIMALS,
    PROBABILITY_DECIMALS,
    RADIAN_DECIMALS,
    round_in_place,
    to_event_time_ms,
)
from .readable import readable
from .tracks import STATE, Sightings, follow

__all__ = ["VEHICLES", "Admission", "Carry", "RowCounts", "TelemetryColumns", "most_probable", "normalize"]

# Columns of one precision lie together, to be rounded together.
_ROUNDED = (
    (
        METRE_DECIMALS,
        ["x", "y", "z", "vx", "vy", "vz", "speed", "ax", "ay", "az", "accel", "length", "width", "height", "range_m"],
    ),
    (RADIAN_DECIMALS, ["yaw", "yaw_rate"]),
    (PROBABILITY_DECIMALS, ["label_probability"]),
    (DEGREE_DECIMALS, ["lon", "lat"]),
)
_COLUMN = {name: index for index, name in enumerate(name for _, names in _ROUNDED for name in names)}


@dataclass(frozen=True, slots=True, eq=False)
class Carry:
    """What the next block of the same scene must know of all before it. One state per track seen."""

    scene_index: int
    next_frame: int
    tracks: Rows  # of dtype `tracks.STATE`
    ego: EgoState | None


def most_probable(agents: Rows) -> tuple[npt.NDArray[np.intp], Floats]:
    """Index of each row's most probable class (the first of equals), and its probability, within [0, 1]."""
    probabilities = agents["label_probabilities"]
    label = probabilities.argmax(axis=1)
    probability = probabilities[np.arange(len(label)), label].astype(np.float64)
    # float32 sums end up a hair above 1; NaN stays NaN and is refused later.
    return label, np.clip(probability, 0.0, 1.0)


def normalize(
    block: FrameBlock, carry: Carry | None, admission: Admission, geo: GeoReference | None
) -> tuple[TelemetryColumns, Carry]:
    """Telemetry of a block's frames, and what to hand in with the block that follows it.

    `carry` None begins a scene, at whatever frame. Cut into consecutive blocks anywhere, a scene gives the same rows.
    Without `geo`, which detection does not need, lon and lat are zero.

    Raises:
        ValueError: the block does not follow the one that `carry` came from.
    """
    if carry is None:
        carry = Carry(block.scene_index, block.start, np.zeros(0, STATE), None)
    if (carry.scene_index, carry.next_frame) != (block.scene_index, block.start):
        raise ValueError(
            f"expected frame {carry.next_frame} of scene {carry.scene_index} next, "
            f"not frame {block.start} of scene {block.scene_index}"
        )
    ego, ego_after = follow_ego(block.frames, carry.ego)
    agents = block.agents
    frame_of = np.repeat(np.arange(len(block.frames), dtype=np.int32), np.diff(block.agent_offsets))
    label, probability = most_probable(agents)
    usable, counts = readable(agents, frame_of, probability, np.isfinite(ego.anchor[0]))
    if not usable.all():
        agents, frame_of, label, probability = agents[usable], frame_of[usable], label[usable], probability[usable]

    timestamp_ns = block.frames["timestamp"].astype(np.int64)
    sightings = Sightings(
        track_id=agents["track_id"].astype(np.int64),
        frame=frame_of + np.int32(block.start),
        timestamp_ns=timestamp_ns[frame_of],
        vx=agents["velocity"][:, 0].astype(np.float64),
        vy=agents["velocity"][:, 1].astype(np.float64),
        yaw=agents["yaw"].astype(np.float64),
        qualifies=admission.qualifies(label, probability),
    )
    followed, tracks = follow(sightings, carry.tracks)
    chosen = followed.row
    layout = Layout.of(frame_of, chosen, ego.seen)
    agent_numbers = {
        "x": agents["centroid"][chosen, 0],
        "y": agents["centroid"][chosen, 1],
        "vx": sightings.vx[chosen],
        "vy": sightings.vy[chosen],
        "ax": followed.ax,
        "ay": followed.ay,
        "yaw": sightings.yaw[chosen],
        "yaw_rate": followed.yaw_rate,
        "length": agents["extent"][chosen, 0],
        "width": agents["extent"][chosen, 1],
        "height": agents["extent"][chosen, 2],
        "label_probability": probability[chosen],
    }
    frames = np.arange(block.start, block.end, dtype=np.int32)
    columns = TelemetryColumns(
        **_numbers(layout, agent_numbers, ego, geo),
        frame_index=frames[layout.frame],
        track_id=layout.spread(sightings.track_id[chosen], 0),
        is_ego=layout.spread(np.zeros(len(chosen), np.bool_), True),
        label=layout.spread(label[chosen].astype(np.uint8), LABEL_INDEX[Label.EGO]),
        track_length=layout.spread(followed.track_length, ego.track_length),
        frames=frames,
        event_time_ms=to_event_time_ms(timestamp_ns),
        active_agent_count=layout.agents_per_frame,
        row_offsets=layout.offsets,
        counts=replace(
            counts,
            admitted=len(chosen),
            held_back=len(agents) - len(chosen),
            ego_rejected=int(np.count_nonzero(~ego.seen)),
        ),
    )
    return columns, Carry(block.scene_index, block.end, tracks, ego_after)


def _numbers(
    layout: Layout, agents: Mapping[str, Floats], ego: EgoMotion, geo: GeoReference | None
) -> dict[str, Floats]:
    """All columns of real numbers, derived ones included, rounded. What neither agents nor ego have is zero."""
    table = np.zeros((len(_COLUMN), len(layout)))
    columns = {name: table[index] for name, index in _COLUMN.items()}
    for name, values in agents.items():
        columns[name][layout.agents_at] = values
    for name, value in _ego_numbers(ego).items():
        columns[name][layout.ego_at] = value

    columns["speed"][:] = _magnitude(columns["vx"], columns["vy"], columns["vz"])
    columns["accel"][:] = _magnitude(columns["ax"], columns["ay"], columns["az"])
    ego_x, ego_y = ego.anchor[:, layout.frame]
    columns["range_m"][:] = np.hypot(columns["x"] - ego_x, columns["y"] - ego_y)
    if geo is not None:
        columns["lon"][:], columns["lat"][:] = geo.lonlat(columns["x"], columns["y"], columns["z"])
    for decimals, names in _ROUNDED:
        round_in_place(table[_COLUMN[names[0]] : _COLUMN[names[-1]] + 1], decimals)
    return columns


def _ego_numbers(ego: EgoMotion) -> dict[str, Floats | float]:
    return {
        **dict(zip(("x", "y", "z"), ego.position, strict=True)),
        **dict(zip(("vx", "vy", "vz"), ego.velocity, strict=True)),
        **dict(zip(("ax", "ay", "az"), ego.acceleration, strict=True)),
        **dict(zip(("length", "width", "height"), EXTENT_M, strict=True)),
        "yaw": ego.yaw,
        "yaw_rate": ego.yaw_rate,
        "label_probability": 1.0,
    }


def _magnitude(x: Floats, y: Floats, z: Floats) -> Floats:
    magnitude: Floats = np.sqrt(x * x + y * y + z * z)
    return magnitude
