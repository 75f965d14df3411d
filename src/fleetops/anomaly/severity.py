"""How bad: severities as small integers inside the engine, and what several anomalies at once make of each other."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from fleetops.contracts.vocabulary import AnomalyType, Severity

from .compiled import compiled

NONE: Final = 0
INFO: Final = 1
WARNING: Final = 2
CRITICAL: Final = 3

SEVERITIES: Final = (None, Severity.INFO, Severity.WARNING, Severity.CRITICAL)
"""What the engine's integers mean."""

ANOMALY_TYPES: Final = tuple(AnomalyType)
"""What the engine's anomaly type numbers mean."""

N_TYPES: Final = len(ANOMALY_TYPES)


@compiled
def escalate_concurrent(by_type: npt.NDArray[np.int8], own_by_type: npt.NDArray[np.int8]) -> None:
    """Raise to CRITICAL what fires at WARNING or above while another type does too, in place.

    Args:
        by_type: severity per anomaly type in this frame, on one vehicle.
        own_by_type: the same without scene-wide conditions, which say nothing of this vehicle.
    """
    concurrent = 0
    for kind in range(N_TYPES):
        if own_by_type[kind] >= WARNING:
            concurrent += 1
    if concurrent < 2:
        return
    for kind in range(N_TYPES):
        if own_by_type[kind] >= WARNING:
            by_type[kind] = CRITICAL
