"""Runs SUMO and takes down where everybody is. The only place that knows SUMO (extra `scenes`)."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from fleetops.dataset.columns import Bools, Floats
from fleetops.errors import ConfigurationError, FleetOpsError

from .demand import route_xml
from .networks import Network

STEP_S = 0.1
MARGIN_FRAMES = 30
"""Frames taken down before the first and after the last one wanted, so that smoothing has neighbours."""

Driver = Callable[["Cockpit", int], None]
"""Called before each step with the frame that comes next; may drive vehicles."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Frames x vehicles, NaN where a vehicle is not in the network. Positions are of the middle of the front bumper."""

    names: tuple[str, ...]
    x: Floats
    y: Floats
    yaw: Floats  # rad, from the x axis, counter-clockwise
    extent: Floats  # (vehicles, 3): length, width, height
    lights: tuple[str, ...]  # one per approach that a signal controls
    light_places: Floats  # (lights, 2): where its stop line is
    light_states: tuple[str, ...]  # per frame, one of r y g per light

    @property
    def present(self) -> Bools:
        """Frames x vehicles."""
        return np.isfinite(self.x)


class Cockpit:
    """What a driver may do in a running simulation."""

    def __init__(self, sumo: ModuleType) -> None:
        self._sumo = sumo

    def positions(self) -> dict[str, tuple[float, float]]:
        """Where every vehicle is."""
        return {name: tuple(self._sumo.vehicle.getPosition(name)) for name in self._sumo.vehicle.getIDList()}

    def speed(self, name: str) -> float:
        """m/s."""
        return float(self._sumo.vehicle.getSpeed(name))

    def heading_deg(self, name: str) -> float:
        """Clockwise from north, 0 to 360."""
        return float(self._sumo.vehicle.getAngle(name))

    def gap_behind_m(self, name: str) -> float:
        """Metres to the next vehicle behind on its lane, infinite where there is none near."""
        follower = self._sumo.vehicle.getFollower(name, 120.0)
        return float(follower[1]) if follower and follower[0] else float("inf")

    def gap_ahead_m(self, name: str) -> float:
        """Metres to the next vehicle ahead on its way, infinite where there is none near."""
        leader = self._sumo.vehicle.getLeader(name, 120.0)
        return float(leader[1]) if leader and leader[0] else float("inf")

    def clear_ahead_m(self, name: str) -> float:
        """Metres to the next signal on its way, infinite where there is none."""
        lights = self._sumo.vehicle.getNextTLS(name)
        return float(lights[0][2]) if lights else float("inf")

    def set_speed(self, name: str, speed_mps: float) -> None:
        """Hold a speed from the next step on, whatever the driver would rather do; no lane is changed."""
        self._sumo.vehicle.setSpeedMode(name, 0)
        self._sumo.vehicle.setLaneChangeMode(name, 0)
        self._sumo.vehicle.setSpeed(name, speed_mps)

    def let_go(self, name: str) -> None:
        """Give the vehicle back to its driver."""
        self._sumo.vehicle.setSpeedMode(name, 31)
        self._sumo.vehicle.setLaneChangeMode(name, 1621)
        self._sumo.vehicle.setSpeed(name, -1)


def simulate(
    network: Network,
    *,
    vehicles_per_hour: float,
    warm_up_s: float,
    frames: int,
    seed: int,
    drive: Driver | None = None,
) -> tuple[Recording, str]:
    """Run traffic on a network; the recording (with `MARGIN_FRAMES` on either side) and the net.xml it ran on.

    Raises:
        ConfigurationError: SUMO is not installed.
        FleetOpsError: SUMO refused what it was given.
    """
    sumo, home = _sumo()
    with tempfile.TemporaryDirectory(prefix="fleetops-scenes-") as folder:
        net = _convert(network, Path(folder), home)
        routes = Path(folder, "traffic.rou.xml")
        routes.write_text(route_xml(network, vehicles_per_hour))
        with _running(sumo, net, routes, seed):
            for _ in range(round(warm_up_s / STEP_S)):
                sumo.simulationStep()
            recording = _record(sumo, frames, drive)
        return recording, net.read_text()


def _sumo() -> tuple[ModuleType, Path]:
    os.environ.setdefault("LIBSUMO_AS_TRACI", "quiet")  # or it prints on the terminal about pyarrow, unused here
    try:
        import libsumo  # noqa: PLC0415  an optional extra: only those who make scenes need it
        import sumo  # noqa: PLC0415  the same
    except ImportError as error:
        raise ConfigurationError(
            f"making scenes needs SUMO ({error}); install the extra: pip install 'fleetops[scenes]'"
        ) from error
    home = Path(sumo.SUMO_HOME)
    os.environ.setdefault("SUMO_HOME", str(home))
    return libsumo, home


def _convert(network: Network, folder: Path, home: Path) -> Path:
    nodes, edges, net = (folder / name for name in ("plain.nod.xml", "plain.edg.xml", "net.xml"))
    nodes.write_text(network.node_xml())
    edges.write_text(network.edge_xml())
    ran = subprocess.run(  # noqa: S603  our own files, SUMO's own program
        [
            home / "bin" / "netconvert",
            *("--node-files", nodes, "--edge-files", edges, "--output-file", net),
            *("--no-turnarounds", "true", "--tls.yellow.time", "5", "--tls.allred.time", "2", "--tls.cycle.time", "80"),
            *("--junctions.corner-detail", "8", "--junctions.internal-link-detail", "12"),
            *("--offset.disable-normalization", "true", "--no-warnings", "true", "--no-internal-links", "false"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        raise FleetOpsError(f"netconvert refused the network {network.name!r}: {ran.stderr.strip()[-500:]}")
    return net


@contextmanager
def _running(sumo: ModuleType, net: Path, routes: Path, seed: int) -> Iterator[None]:
    options = {
        "--net-file": str(net),
        "--route-files": str(routes),
        "--step-length": str(STEP_S),
        "--seed": str(seed % 2**31),
        "--lanechange.duration": "4",
        "--step-method.ballistic": "true",
        "--time-to-teleport": "-1",
        "--collision.action": "none",
        "--no-step-log": "true",
        "--no-warnings": "true",
        "--duration-log.disable": "true",
    }
    try:
        sumo.start(["sumo", *(word for option in options.items() for word in option)])
    except Exception as error:
        raise FleetOpsError(f"SUMO did not start ({error})") from error
    try:
        yield
    finally:
        sumo.close()


def _record(sumo: ModuleType, frames: int, drive: Driver | None) -> Recording:
    position, angle = sumo.constants.VAR_POSITION, sumo.constants.VAR_ANGLE
    cockpit = Cockpit(sumo)
    column: dict[str, int] = {}
    extents: list[tuple[float, float, float]] = []
    cells: list[tuple[int, int, float, float, float]] = []
    approaches = _approaches(sumo)
    states: list[str] = []
    for name in sumo.vehicle.getIDList():
        sumo.vehicle.subscribe(name, (position, angle))
    for frame in range(frames + 2 * MARGIN_FRAMES):
        if drive is not None:
            drive(cockpit, frame - MARGIN_FRAMES)
        sumo.simulationStep()
        for name in sumo.simulation.getDepartedIDList():
            sumo.vehicle.subscribe(name, (position, angle))
        for name, seen in sumo.vehicle.getAllSubscriptionResults().items():
            if name not in column:
                column[name] = len(column)
                extents.append(
                    (
                        sumo.vehicle.getLength(name),
                        sumo.vehicle.getWidth(name),
                        sumo.vehicle.getHeight(name),
                    )
                )
            x, y = seen[position]
            cells.append((frame, column[name], x, y, seen[angle]))
        states.append("".join(_colour(sumo, light, link) for light, link, _ in approaches))
    table = np.array(cells, np.float64).reshape(-1, 5)
    grids = np.full((3, frames + 2 * MARGIN_FRAMES, len(column)), np.nan)
    at = table[:, 0].astype(np.intp), table[:, 1].astype(np.intp)
    grids[:, at[0], at[1]] = table[:, 2:].T
    return Recording(
        names=tuple(column),
        x=grids[0],
        y=grids[1],
        yaw=np.radians(90.0 - grids[2]),
        extent=np.array(extents, np.float64).reshape(-1, 3),
        lights=tuple(f"{light}/{link}" for light, link, _ in approaches),
        light_places=np.array([place for *_, place in approaches], np.float64).reshape(-1, 2),
        light_states=tuple(states),
    )


def _approaches(sumo: ModuleType) -> list[tuple[str, int, tuple[float, float]]]:
    """Every signal's approaches: its name, a link that the approach waits for, and its stop line."""
    found: list[tuple[str, int, tuple[float, float]]] = []
    for light in sorted(sumo.trafficlight.getIDList()):
        seen: set[str] = set()
        for link, lanes in enumerate(sumo.trafficlight.getControlledLinks(light)):
            if not lanes:
                continue
            edge = lanes[0][0].rpartition("_")[0]
            if edge not in seen:
                seen.add(edge)
                found.append((light, link, tuple(sumo.lane.getShape(lanes[0][0])[-1])))
    return found


def _colour(sumo: ModuleType, light: str, link: int) -> str:
    return str(sumo.trafficlight.getRedYellowGreenState(light)[link]).lower()
