"""Small recordings in which something happens: cars that vanish, jump and brake."""

from __future__ import annotations

import random
from pathlib import Path

from tests.unit.dataset.writer import Agent, Frame, Scene, write_dataset

from fleetops.anomaly.rule_set import RuleSet, parse_rule_set
from fleetops.contracts.vocabulary import Label

_STEP_S = 0.1


def eventful_dataset(path: Path, scenes: int, frames: int = 40, cars: int = 8) -> Path:
    """An L5Kit zarr of so many scenes; the same for the same arguments."""
    dice = random.Random(11)
    return write_dataset(path, [_scene(dice, frames, cars) for _ in range(scenes)], agents_per_chunk=50)


def stricter(jump_m: float) -> RuleSet:
    """Rules that differ from one another by how far a jump is."""
    return parse_rule_set(
        'name = "jumps"\nversion = 1\ndescription = "for a test"\nrearm_frames = 3\nretire_frames = 8\n'
        f"[rules.position_jumped]\nposition_jump_threshold_m = {jump_m}\n[rules.updates_missing]\n",
        "jumps",
    )


def _scene(dice: random.Random, frames: int, cars: int) -> Scene:
    shown: list[list[Agent]] = [[] for _ in range(frames)]
    for track in range(1, cars + 1):
        speed, x = dice.uniform(2, 9), dice.uniform(0, 50)
        gone = dice.randrange(frames), dice.choice([0, 5, 12])
        jumps = set(dice.sample(range(frames), 2))
        label = dice.choice([Label.CAR, Label.CAR, Label.PEDESTRIAN])
        for frame in range(frames):
            x += speed * _STEP_S + (dice.uniform(1.5, 6) if frame in jumps else 0.0)
            if not gone[0] <= frame < sum(gone):
                shown[frame].append(Agent(track, x, 4.0 * track, vx=speed, label=label))
    return Scene([Frame(agents) for agents in shown])
