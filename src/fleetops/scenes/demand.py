"""Who drives, where to and how: SUMO's route file. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from .networks import Network


@dataclass(frozen=True, slots=True)
class VehicleKind:
    """A kind of vehicle and its share of traffic; metres, m/s2."""

    name: str
    share: float
    length_m: float
    width_m: float
    height_m: float
    accel_mps2: float
    decel_mps2: float
    sumo_class: str


KINDS = (
    VehicleKind("small", 0.24, 4.1, 1.74, 1.48, 1.7, 1.2, "passenger"),
    VehicleKind("saloon", 0.40, 4.75, 1.84, 1.46, 1.8, 1.2, "passenger"),
    VehicleKind("suv", 0.24, 4.95, 1.95, 1.75, 1.7, 1.2, "passenger"),
    VehicleKind("van", 0.07, 5.9, 2.05, 2.5, 1.4, 1.15, "passenger"),
    VehicleKind("truck", 0.05, 9.5, 2.45, 3.3, 1.0, 1.1, "truck"),
)
"""Sizes of common cars. Rates are below the 1.7 m/s2 that IDM's authors call comfortable, since IDM brakes up to
three times as hard for a light that turns yellow: with 1.2 nobody exceeds 1.8 m/s2 there."""

EMERGENCY_MPS2 = 2.0
"""Nobody brakes harder, but for who is told to: then every hard braking in a made scene is a labelled one."""

HEADWAY_S = 1.3


def route_xml(network: Network, vehicles_per_hour: float) -> str:
    """The `.rou.xml`: kinds of vehicles, and a Poisson stream for each of the network's trips.

    Drivers follow the intelligent driver model, which brakes as gently as it can: SUMO's default
    brakes by whole steps, which no one does in calm traffic.
    """
    lines = ["<routes>", '  <vTypeDistribution id="traffic">']
    lines += [_kind(kind) for kind in KINDS]
    lines.append("  </vTypeDistribution>")
    for index, trip in enumerate(network.trips):
        rate_hz = vehicles_per_hour * trip.weight / 3600
        if rate_hz < 1e-5:
            continue
        lines.append(
            f'  <flow id="{index}" type="traffic" begin="0" period="exp({rate_hz:.6f})" from={quoteattr(trip.start)} '
            f'to={quoteattr(trip.end)} departLane="best" departSpeed="desired" departPos="base"/>'
        )
    return "\n".join((*lines, "</routes>\n"))


def _kind(kind: VehicleKind) -> str:
    numbers = {
        "probability": kind.share,
        "length": kind.length_m,
        "width": kind.width_m,
        "height": kind.height_m,
        "accel": kind.accel_mps2,
        "decel": kind.decel_mps2,
        "emergencyDecel": EMERGENCY_MPS2,
        "tau": HEADWAY_S,
        "minGap": 2.5,
    }
    written = " ".join(f'{name}="{value:g}"' for name, value in numbers.items())
    return (
        f'    <vType id="{kind.name}" vClass="{kind.sumo_class}" carFollowModel="IDM" {written} '
        'speedFactor="normc(1.0,0.05,0.85,1.12)" lcAssertive="0.8" jmTimegapMinor="2.5"/>'
    )
