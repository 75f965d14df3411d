"""Makes small datasets in L5Kit's format: blocks in memory, zarrs on disk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import zarr

from fleetops.contracts.vocabulary import Label
from fleetops.dataset.block import FrameBlock, Rows

SCENE = np.dtype([("frame_index_interval", "<i8", (2,)), ("host", "<U16"), ("start_time", "<i8"), ("end_time", "<i8")])
FRAME = np.dtype(
    [
        ("timestamp", "<i8"),
        ("agent_index_interval", "<i8", (2,)),
        ("traffic_light_faces_index_interval", "<i8", (2,)),
        ("ego_translation", "<f8", (3,)),
        ("ego_rotation", "<f8", (3, 3)),
    ]
)
AGENT = np.dtype(
    [
        ("centroid", "<f8", (2,)),
        ("extent", "<f4", (3,)),
        ("yaw", "<f4"),
        ("velocity", "<f4", (2,)),
        ("track_id", "<u8"),
        ("label_probabilities", "<f4", (17,)),
    ]
)
START_NS = 1_571_846_881_502_692_276
STEP_NS = 100_000_000


@dataclass(frozen=True)
class Agent:
    """One row of `agents`."""

    track_id: int = 1
    x: float = 0.0
    y: float = 0.0
    vx: float = 0.0
    vy: float = 0.0
    yaw: float = 0.0
    label: Label = Label.CAR
    probability: float = 1.0
    extent: tuple[float, float, float] = (4.5, 1.9, 1.6)


@dataclass(frozen=True)
class Frame:
    """One row of `frames` with its agents."""

    agents: Sequence[Agent] = ()
    ego: tuple[float, float, float] = (0.0, 0.0, 0.0)
    ego_yaw: float = 0.0
    dt_ns: int = STEP_NS  # since the frame before


@dataclass(frozen=True)
class Scene:
    """One row of `scenes` with its frames."""

    frames: Sequence[Frame] = field(default_factory=lambda: [Frame([Agent()])] * 3)
    host: str = "host-a101"


def agent_rows(agents: Sequence[Agent]) -> Rows:
    """Rows of `agents`."""
    rows = np.zeros(len(agents), AGENT)
    for row, agent in zip(rows, agents, strict=True):
        row["centroid"] = agent.x, agent.y
        row["extent"] = agent.extent
        row["yaw"] = agent.yaw
        row["velocity"] = agent.vx, agent.vy
        row["track_id"] = agent.track_id
        row["label_probabilities"][list(Label).index(agent.label)] = agent.probability
    return rows


def frame_rows(frames: Sequence[Frame], first_agent: int = 0, start_ns: int = START_NS) -> Rows:
    """Rows of `frames`, whose agents begin at row `first_agent`."""
    rows = np.zeros(len(frames), FRAME)
    rows["timestamp"] = start_ns + np.cumsum([frame.dt_ns for frame in frames], dtype=np.int64)
    ends = first_agent + np.cumsum([len(frame.agents) for frame in frames], dtype=np.int64)
    rows["agent_index_interval"][:, 1] = ends
    rows["agent_index_interval"][:, 0] = np.append(first_agent, ends[:-1])[: len(ends)]
    for row, frame in zip(rows, frames, strict=True):
        row["ego_translation"] = frame.ego
        cos, sin = np.cos(frame.ego_yaw), np.sin(frame.ego_yaw)
        row["ego_rotation"] = [[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]
    return rows


def block_of(frames: Sequence[Frame], start: int = 0, scene_index: int = 0) -> FrameBlock:
    """The frames as one block, the first of which is the scene's frame `start`."""
    offsets = np.cumsum([0, *(len(frame.agents) for frame in frames)], dtype=np.int64)
    agents = agent_rows([agent for frame in frames for agent in frame.agents])
    return FrameBlock(scene_index, start, frame_rows(frames), agents, offsets)


def cut(block: FrameBlock, start: int, end: int) -> FrameBlock:
    """Frames [start, end) of a block, counted from its first."""
    low, high = block.agent_offsets[[start, end]]
    offsets = block.agent_offsets[start : end + 1] - low
    return FrameBlock(block.scene_index, block.start + start, block.frames[start:end], block.agents[low:high], offsets)


def write_dataset(
    path: Path,
    scenes: Sequence[Scene],
    world_to_ecef: Sequence[Sequence[float]] | None = None,
    agents_per_chunk: int = 7,
) -> Path:
    """Write an L5Kit zarr at `path`, and its `meta.json` beside it when there is a matrix."""
    arrays = {
        "scenes": np.zeros(len(scenes), SCENE),
        "frames": np.zeros(0, FRAME),
        "agents": agent_rows([agent for scene in scenes for frame in scene.frames for agent in frame.agents]),
    }
    first_agent = 0
    for row, scene in zip(arrays["scenes"], scenes, strict=True):
        frames = frame_rows(scene.frames, first_agent)
        first_agent += sum(len(frame.agents) for frame in scene.frames)
        row["frame_index_interval"] = len(arrays["frames"]), len(arrays["frames"]) + len(frames)
        row["host"] = scene.host
        arrays["frames"] = np.concatenate((arrays["frames"], frames))
    write_arrays(path, arrays, agents_per_chunk)
    if world_to_ecef is not None:
        (path.parent / "meta.json").write_text(json.dumps({"world_to_ecef": world_to_ecef}))
    return path


def write_arrays(path: Path, arrays: dict[str, npt.NDArray[np.void]], agents_per_chunk: int = 7) -> None:
    """Write structured arrays as a zarr group, small chunks so that requests cross them."""
    group = zarr.open_group(str(path), mode="w")
    for name, array in arrays.items():
        chunks = agents_per_chunk if name == "agents" else 5
        group.create_dataset(name, data=array, chunks=(chunks,), write_empty_chunks=True)
