"""A network and how much drives on it. Pure data."""

from __future__ import annotations

from dataclasses import dataclass

from .networks import Network


@dataclass(frozen=True, slots=True)
class Traffic:
    """A network, and the traffic that comes onto it; `warm_up_s` is how long it takes to fill."""

    network: Network
    vehicles_per_hour: float
    warm_up_s: float
