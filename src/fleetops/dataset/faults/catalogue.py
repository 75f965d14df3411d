"""Every kind of fault: what is done, to whom it can be done, and what is expected of a detector. Pure data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fleetops.contracts.vocabulary import AnomalyType, Severity

from .braking import Braking
from .identity import id_swap, id_switch
from .injection import Apply, Needs
from .perception import heading_flip, label_drop, teleport
from .visibility import blackout, blackout_flickering, dropout, dropout_with_return


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault.

    Attributes:
        sentence: what is done, for the report.
        anomaly_type: what it is to be called.
        severity: at least.
        within_frames: a detection counts up to so many frames after the onset.
        echo_frames: what the fault itself raises may come up to so many frames after its end.
        aimed_delay_frames: half of the detections are to come no later than this.
    """

    name: str
    sentence: str
    anomaly_type: AnomalyType
    severity: Severity
    within_frames: int
    aimed_delay_frames: int
    needs: Needs
    apply: Apply
    echo_frames: int = 10


_BRAKING = AnomalyType.SUDDEN_DECELERATION
_PERCEPTION = AnomalyType.PERCEPTION_INSTABILITY
_DROPOUT = AnomalyType.DROPOUT_PROXY

FAULTS: Final[tuple[Fault, ...]] = (
    Fault(
        "braking_moderate",
        "brakes at 3.8 to 4.5 m/s2, off 6 m/s or more",
        _BRAKING,
        Severity.WARNING,
        within_frames=20,
        aimed_delay_frames=10,
        needs=Needs(frames=20, speed_mps=8.0, calm_to_the_end=True),
        apply=Braking(3.8, 4.5, 6.0),
    ),
    Fault(
        "braking_severe",
        "brakes at 6.5 to 7.5 m/s2, off 6 m/s or more",
        _BRAKING,
        Severity.CRITICAL,
        within_frames=20,
        aimed_delay_frames=10,
        needs=Needs(frames=20, speed_mps=8.0, calm_to_the_end=True),
        apply=Braking(6.5, 7.5, 6.0),
    ),
    Fault(
        "teleport",
        "is seen 4 to 12 m away for 3 to 8 frames",
        _PERCEPTION,
        Severity.WARNING,
        within_frames=10,
        aimed_delay_frames=3,
        needs=Needs(frames=10),
        apply=teleport,
    ),
    Fault(
        "heading_flip",
        "is turned round for 2 to 8 frames",
        _PERCEPTION,
        Severity.WARNING,
        within_frames=10,
        aimed_delay_frames=3,
        needs=Needs(frames=10, speed_mps=3.0),
        apply=heading_flip,
    ),
    Fault(
        "label_drop",
        "is only 40 to 60 % a vehicle for 3 to 10 frames",
        _PERCEPTION,
        Severity.WARNING,
        within_frames=10,
        aimed_delay_frames=3,
        needs=Needs(frames=11),
        apply=label_drop,
    ),
    Fault(
        "id_switch",
        "goes on under a new track_id",
        _DROPOUT,
        Severity.INFO,
        within_frames=10,
        aimed_delay_frames=3,
        needs=Needs(frames=20),
        apply=id_switch,
    ),
    Fault(
        "id_swap",
        "bears another's track_id, and that one its, for 5 to 15 frames",
        _PERCEPTION,
        Severity.WARNING,
        within_frames=10,
        aimed_delay_frames=3,
        needs=Needs(frames=17),
        apply=id_swap,
    ),
    Fault(
        "dropout_with_return",
        "is not seen for 6 to 14 frames",
        _DROPOUT,
        Severity.INFO,
        within_frames=10,
        aimed_delay_frames=3,
        needs=Needs(frames=16),
        apply=dropout_with_return,
    ),
    Fault(
        "dropout",
        "is never seen again",
        _DROPOUT,
        Severity.INFO,
        within_frames=10,
        aimed_delay_frames=3,
        needs=Needs(frames=20),
        apply=dropout,
    ),
    Fault(
        "blackout",
        "all agents, or nine in ten, are not seen for 6 to 14 frames",
        _DROPOUT,
        Severity.WARNING,
        within_frames=10,
        aimed_delay_frames=3,
        needs=Needs(frames=16),
        apply=blackout,
    ),
    Fault(
        "blackout_flickering",
        "all agents are seen in one frame of ten only, for 6 to 14 frames",
        _DROPOUT,
        Severity.WARNING,
        within_frames=10,
        aimed_delay_frames=3,
        needs=Needs(frames=16),
        apply=blackout_flickering,
    ),
)
