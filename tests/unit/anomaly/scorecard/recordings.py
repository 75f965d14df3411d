"""Small datasets on disk, of the traffic that faults are tried on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from tests.unit.dataset.faults.traffic import FRAMES, traffic
from tests.unit.dataset.writer import SCENE, write_arrays

from fleetops.dataset.block import Rows
from fleetops.dataset.reader import Dataset

MATRIX = [[1, 0, 0, -2.7e6], [0, 1, 0, -4.3e6], [0, 0, 1, 3.8e6], [0, 0, 0, 1]]


def recording(path: Path, scenes: int = 1, until: int = FRAMES) -> Dataset:
    """A zarr of so many scenes, all alike, in which every track ends at frame `until`."""
    block = traffic()
    ends = int(block.agent_offsets[until])
    block = replace(block, agents=block.agents[:ends], agent_offsets=block.agent_offsets.clip(max=ends))
    arrays: dict[str, list[Rows]] = {"scenes": [], "frames": [], "agents": []}
    for index in range(scenes):
        frames = block.frames.copy()
        first = index * len(block.agents)
        frames["agent_index_interval"][:, 0] = first + block.agent_offsets[:-1]
        frames["agent_index_interval"][:, 1] = first + block.agent_offsets[1:]
        scene = np.zeros(1, SCENE)
        scene["frame_index_interval"] = index * len(frames), (index + 1) * len(frames)
        for name, rows in (("scenes", scene), ("frames", frames), ("agents", block.agents)):
            arrays[name].append(rows)
    write_arrays(path, {name: np.concatenate(parts) for name, parts in arrays.items()}, agents_per_chunk=500)
    (path.parent / "meta.json").write_text(f'{{"world_to_ecef": {MATRIX}}}')
    return Dataset.open(path)
