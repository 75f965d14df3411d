"""What a disturbed run says that an undisturbed one does not, and whether the fault explains it. Pure.

`docs/scorecard.md` states these definitions for the reader; they are made here and nowhere else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from fleetops.contracts import ids
from fleetops.contracts.vocabulary import AnomalyStatus
from fleetops.dataset.faults import Fault, Injection

from ..digest import Finding
from ..load import at_least

SHIFT_FRAMES: Final = 10
"""A finding that only comes up to a second earlier or later than in the undisturbed run is no new one."""


@dataclass(slots=True)
class Tally:
    """Counts of one kind of fault, over any number of runs."""

    injected: int = 0
    recalled: int = 0
    raised: int = 0
    explained: int = 0
    delays: list[int] = field(default_factory=list)  # frames, one for each that was recalled

    def add(self, other: Tally) -> None:
        """Count another run's in."""
        self.injected += other.injected
        self.recalled += other.recalled
        self.raised += other.raised
        self.explained += other.explained
        self.delays += other.delays


def raised_anew(
    disturbed: Iterable[Finding], undisturbed: Iterable[Finding], renamed: Mapping[str, str] = MappingProxyType({})
) -> list[Finding]:
    """ACTIVE findings for which the undisturbed run has none that stands for them.

    One stands for another on the same vehicle, of the same type, at least as severe, within `SHIFT_FRAMES`.

    Args:
        renamed: names that vehicles bear in the disturbed run alone, and their own.
    """
    known: defaultdict[tuple[str, object], list[Finding]] = defaultdict(list)
    for each in undisturbed:
        if each.status is AnomalyStatus.ACTIVE:
            known[each.vehicle_id, each.anomaly_type].append(each)
    return sorted(
        each
        for each in set(disturbed)
        if each.status is AnomalyStatus.ACTIVE
        and not any(
            abs(each.frame_index - before.frame_index) <= SHIFT_FRAMES and at_least(before.severity, each.severity)
            for before in known[renamed.get(each.vehicle_id, each.vehicle_id), each.anomaly_type]
        )
    )


def judge(fault: Fault, scene_id: str, injections: Sequence[Injection], raised: Sequence[Finding]) -> Tally:
    """Count what was `raised_anew` in a run with these injections.

    Recalled is an injection when on each of its bearers something of its type and at least its
    severity was raised between its onset and `within_frames` later; the delay is that of the last bearer.
    Explained is what names a bearer and the type, from the onset to `echo_frames` after the fault's end.
    """
    tally = Tally(injected=len(injections), raised=len(raised))
    tally.explained = sum(any(_explains(fault, scene_id, each, finding) for each in injections) for finding in raised)
    for injection in injections:
        firsts = [_first(fault, name, injection, raised) for name in bearers(scene_id, injection)]
        found = [frame for frame in firsts if frame is not None]
        if len(found) == len(firsts):
            tally.recalled += 1
            tally.delays.append(max(found) - injection.onset)
    return tally


def unexplained(
    fault: Fault, scene_id: str, injections: Sequence[Injection], raised: Sequence[Finding]
) -> list[Finding]:
    """What was raised anew and no injection accounts for."""
    return [each for each in raised if not any(_explains(fault, scene_id, one, each) for one in injections)]


def missed(fault: Fault, scene_id: str, injections: Sequence[Injection], raised: Sequence[Finding]) -> list[Injection]:
    """Injections that were not recalled."""
    return [each for each in injections if not judge(fault, scene_id, [each], raised).recalled]


def bearers(scene_id: str, injection: Injection) -> list[str]:
    """Vehicles that must be named for an injection; the ego stands for its scene."""
    return [ids.ego_id(scene_id) if track is None else ids.vehicle_id(scene_id, track) for track in injection.bearers]


def renamed_in(scene_id: str, injections: Sequence[Injection]) -> dict[str, str]:
    """Vehicles that go on under a new name, and their own."""
    pairs = (each.renamed for each in injections if each.renamed is not None)
    return {ids.vehicle_id(scene_id, new): ids.vehicle_id(scene_id, old) for new, old in pairs}


def _first(fault: Fault, name: str, injection: Injection, raised: Sequence[Finding]) -> int | None:
    frames = [
        each.frame_index
        for each in raised
        if each.vehicle_id == name
        and each.anomaly_type is fault.anomaly_type
        and at_least(each.severity, fault.severity)
        and injection.onset <= each.frame_index <= injection.onset + fault.within_frames
    ]
    return min(frames, default=None)


def _explains(fault: Fault, scene_id: str, injection: Injection, finding: Finding) -> bool:
    return (
        finding.vehicle_id in bearers(scene_id, injection)
        and finding.anomaly_type is fault.anomaly_type
        and injection.onset <= finding.frame_index < injection.end + fault.echo_frames
    )
