"""Traffic of any amount, from a seed: several kinds of network in rotation, no scripted fault."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Self

import numpy as np

from fleetops.errors import FleetOpsError

from .motion import motion_of
from .networks import highway, streets
from .observe import FIRST_FRAME_NS, Observed, observe
from .placement import Placement
from .rows import SceneRows
from .simulation import simulate
from .traffic import Traffic
from .view import choose_ego

MOST_PER_SCENE = 45
"""Vehicles in view of one ego where nobody says how many scenes there shall be."""

_CROWD = 80
"""More than this in one view is not found at one crossing: such a scene gets a district."""

_EGO_AROUND_M = 100.0
_ATTEMPTS = 5
"""Networks tried for a scene until one keeps a vehicle, which can be the ego, from first to last."""

_SCENE_GAP_NS = 60_000_000_000


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """`vehicles` in view at any moment, spread over `scenes` of `seconds` each: rows are vehicles x seconds x 10."""

    vehicles: int
    scenes: int
    seed: int
    seconds: float = 60.0

    @classmethod
    def of(cls, vehicles: int, scenes: int | None, seed: int, seconds: float) -> Self:
        """A plan; without a number of scenes, `MOST_PER_SCENE` to a scene."""
        return cls(vehicles, scenes or -(-vehicles // MOST_PER_SCENE), seed, seconds)

    @property
    def per_scene(self) -> float:
        """Vehicles in view of each scene's ego."""
        return self.vehicles / self.scenes


@dataclass(frozen=True, slots=True, eq=False)
class LoadScene:
    """One scene as it is written, and the network it happened on."""

    rows: SceneRows
    net_xml: str
    placement: Placement


def load_scenes(plan: LoadPlan, jobs: int = 1) -> Iterator[LoadScene]:
    """The scenes in their order, made by so many processes; what they hold does not depend on how many.

    No more than two per process are made ahead, so memory stays bounded.
    """
    if jobs == 1:
        for index in range(plan.scenes):
            yield _written(plan, index)
        return
    # Started anew and not forked: SUMO and its libraries have threads of their own.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting: deque[Future[LoadScene]] = deque()
        try:
            for index in range(plan.scenes):
                waiting.append(pool.submit(_written, plan, index))
                if len(waiting) >= 2 * jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _written(plan: LoadPlan, index: int) -> LoadScene:
    observed, net_xml, placement = load_scene(plan, index)
    return LoadScene(observed.rows, net_xml, placement)


def load_scene(plan: LoadPlan, index: int) -> tuple[Observed, str, Placement]:
    """One scene of a plan, its net.xml and where it lies. It depends on the seed and its number alone.

    Raises:
        FleetOpsError: no network of several keeps a vehicle for the whole scene.
    """
    side = math.ceil(math.sqrt(plan.scenes))
    rng = np.random.Generator(np.random.PCG64([plan.seed, index]))
    for attempt in range(_ATTEMPTS):
        traffic, tile_m = traffic_for(plan.per_scene, plan.seconds, index + attempt, rng)
        recording, net_xml = simulate(
            traffic.network,
            vehicles_per_hour=traffic.vehicles_per_hour,
            warm_up_s=traffic.warm_up_s,
            frames=round(plan.seconds * 10),
            seed=int(rng.integers(2**31)),
        )
        ego = choose_ego(motion_of(recording), traffic.network.centre, _EGO_AROUND_M)
        if ego is not None:
            break
    else:
        raise FleetOpsError(f"scene {index}: no vehicle stays for {plan.seconds:g} s; make shorter scenes, and more")
    column, row = index % side - side // 2, index // side - side // 2
    placement = Placement(float(rng.uniform(0, 2 * math.pi)), column * tile_m, row * tile_m)
    observed = observe(
        recording,
        placement,
        ego=ego,
        vehicles=plan.per_scene,
        host=f"sumo-{plan.seed}",
        start_ns=FIRST_FRAME_NS + index * (round(plan.seconds * 1e9) + _SCENE_GAP_NS),
        rng=rng,
    )
    return observed, net_xml, placement


def traffic_for(in_view: float, seconds: float, index: int, rng: np.random.Generator) -> tuple[Traffic, float]:
    """Roads and traffic on which so many vehicles can be seen at once, and the side of the square it takes."""
    name = f"network_{index}"
    if in_view > _CROWD:
        return _district(name, in_view, rng)
    kind = index % 4
    if kind == 0:
        speed = float(rng.uniform(16, 24))
        length = max(2400.0, 1.5 * speed * seconds + 600)
        lanes = int(rng.integers(2, 5))
        bend = float(rng.uniform(-0.6, 0.6))
        road = highway(name, lanes=lanes, speed_mps=speed, bend_rad=bend, length_m=length)
        return Traffic(road, float(rng.uniform(3000, 3700)) * lanes, length / speed + 40), 1.2 * length
    columns, rows = ((1, 1), (3, 1), (2, 2))[kind - 1]
    block = float(rng.uniform(150, 230))
    arm = max(300.0, 8.0 * seconds - 180.0)
    along, across = int(rng.integers(2, 4)), int(rng.integers(1, 3))
    road = streets(
        name,
        columns=[block * i for i in range(columns)],
        rows=[block * i for i in range(rows)],
        lanes_along=along,
        lanes_across=across,
        speed_mps=float(rng.uniform(12, 17)),
        arm_m=arm,
    )
    ways = 2 * (rows * along + columns * across)
    return Traffic(road, float(rng.uniform(380, 500)) * ways, 150.0 + arm / 10), 2 * arm + 2000


def _district(name: str, in_view: float, rng: np.random.Generator) -> tuple[Traffic, float]:
    side = math.ceil(math.sqrt(in_view / 11)) + 1
    block = float(rng.uniform(140, 180))
    places = [block * i for i in range(side)]
    road = streets(name, columns=places, rows=places, lanes_along=2, lanes_across=2, speed_mps=14.0, arm_m=250.0)
    crossing_s = (side * block + 500) / 6.5
    return Traffic(road, 1.7 * in_view / crossing_s * 3600, 1.6 * crossing_s), side * block + 1000
