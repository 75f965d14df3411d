"""Made-up traffic for fault injection: cars on straight and bent roads around a slow ego, with a little noise."""

from __future__ import annotations

import numpy as np
from tests.unit.dataset.writer import Agent, Frame, block_of

from fleetops.contracts.vocabulary import Label
from fleetops.dataset.block import FrameBlock
from fleetops.dataset.columns import Floats
from fleetops.dataset.faults.recorded import Recorded

FRAMES = 80
SPEEDS = (0.0, 4.0, 9.0, 12.0, 14.0, 15.0)


def traffic(noise_m: float = 0.03, frames: int = FRAMES, speeds: tuple[float, ...] = SPEEDS) -> FrameBlock:
    """Car i drives at `speeds[i]` in a lane of its own, 6 m from the next; the third of each three bends slowly."""
    rng = np.random.default_rng(7)
    time = np.arange(frames) * 0.1
    scene: list[list[Agent]] = [[] for _ in range(frames)]
    for index, speed in enumerate(speeds):
        rate = 0.03 if index % 3 == 2 else 0.0
        yaw = rate * time
        along = np.cumsum(np.stack((np.cos(yaw), np.sin(yaw)), axis=1) * speed * 0.1, axis=0)
        place = along + np.array([-speed * frames * 0.05, 6.0 * (index - 2)])
        shake: Floats = rng.normal(0.0, noise_m, (frames, 4))
        for frame in range(frames):
            # As in real data, a track's first velocity is 0.
            v = (0.0, 0.0) if frame == 0 else (speed * np.cos(yaw[frame]), speed * np.sin(yaw[frame]))
            x, y = place[frame] + shake[frame, :2]
            scene[frame].append(
                Agent(index + 1, float(x), float(y), v[0] + shake[frame, 2], v[1] + shake[frame, 3], float(yaw[frame]))
            )
    scene[0].append(Agent(99, label=Label.PEDESTRIAN))  # lives for one frame
    return block_of([Frame(agents, ego=(frame * 0.1, 0.0, 0.0)) for frame, agents in enumerate(scene)])


def recorded(**options: float) -> Recorded:
    """The same by its tracks."""
    return Recorded.of(traffic(**options))  # type: ignore[arg-type]  # options are traffic's own
