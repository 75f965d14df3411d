"""What counts as found, and what as explained: small stories of frames."""

from __future__ import annotations

import pytest

from fleetops.anomaly.digest import Finding
from fleetops.anomaly.scorecard.judging import SHIFT_FRAMES, bearers, judge, raised_anew, renamed_in, unexplained
from fleetops.contracts.vocabulary import AnomalyStatus, AnomalyType, Severity
from fleetops.dataset.faults import EGO, FAULTS, Fault, Injection

TELEPORT = next(fault for fault in FAULTS if fault.name == "teleport")  # WARNING, counts for 10 frames, echoes for 10
SEVERE = next(fault for fault in FAULTS if fault.name == "braking_severe")  # CRITICAL, counts for 20
ONE = Injection((1,), onset=100, end=105)


def seen(
    frame: int,
    track: int | None = 1,
    kind: AnomalyType = AnomalyType.PERCEPTION_INSTABILITY,
    severity: Severity = Severity.WARNING,
    status: AnomalyStatus = AnomalyStatus.ACTIVE,
) -> Finding:
    """A finding on a track of the scene, or on its ego."""
    name = "s_ego" if track is EGO else f"s_track_{track}"
    return Finding("s", name, frame, kind, status, severity)


def judged(*raised: Finding, fault: Fault = TELEPORT, injection: Injection = ONE) -> tuple[int, int, list[int]]:
    """Recalled, explained and delays of one injection."""
    tally = judge(fault, "s", [injection], raised)
    assert (tally.injected, tally.raised) == (1, len(raised))
    return tally.recalled, tally.explained, tally.delays


def test_a_finding_in_time_recalls_its_fault() -> None:
    """The first one counts for the delay; a second explains itself and recalls nothing more."""
    assert judged(seen(102), seen(107)) == (1, 2, [2])


@pytest.mark.parametrize(
    ("finding", "explained"),
    [
        (seen(99), 0),  # before it happened
        (seen(111), 1),  # its echo, but too late to be of use
        (seen(115), 0),  # beyond its echo
        (seen(102, track=2), 0),  # somebody else
        (seen(102, kind=AnomalyType.SUDDEN_DECELERATION), 0),  # called by a wrong name
        (seen(102, severity=Severity.INFO), 1),  # true, but not loud enough
    ],
)
def test_what_does_not_recall_a_fault(finding: Finding, explained: int) -> None:
    """Vehicle, name, frames and severity must all be right."""
    assert judged(finding) == (0, explained, [])


def test_the_edges_of_the_frames_count() -> None:
    """The onset itself counts, and the last frame that is in time."""
    assert judged(seen(100))[0] == 1
    assert judged(seen(100 + TELEPORT.within_frames))[0] == 1
    assert judged(seen(ONE.end + TELEPORT.echo_frames - 1))[1] == 1


def test_a_fault_that_must_be_critical_is_found_when_it_is() -> None:
    """A warning that comes first is explained, and the delay is that of the escalation."""
    braking = AnomalyType.SUDDEN_DECELERATION
    warning = seen(104, kind=braking)
    assert judged(warning, fault=SEVERE) == (0, 1, [])
    assert judged(warning, seen(108, kind=braking, severity=Severity.CRITICAL), fault=SEVERE) == (1, 2, [8])


def test_each_bearer_must_be_found() -> None:
    """Of two vehicles that swap their ids, both have lost theirs; the delay is that of the last."""
    both = Injection((1, 2), 100, 105)
    assert judged(seen(101), injection=both)[0] == 0
    assert judged(seen(101), seen(103, track=2), injection=both) == (1, 2, [3])


def test_the_ego_bears_what_befalls_its_scene() -> None:
    """A blackout is told on the ego."""
    assert bearers("s", Injection((EGO,), 5, 9)) == ["s_ego"]
    assert judged(seen(101, EGO), injection=Injection((EGO,), 100, 110)) == (1, 1, [1])


def test_only_what_is_new_was_raised_by_a_fault() -> None:
    """What the undisturbed run says too, up to a second earlier or later and as loudly, is left out."""
    before = [seen(100), seen(300, severity=Severity.INFO)]
    assert raised_anew([seen(100 + SHIFT_FRAMES)], before) == []
    assert raised_anew([seen(101 + SHIFT_FRAMES)], before) == [seen(101 + SHIFT_FRAMES)]
    assert raised_anew([seen(300)], before) == [seen(300)]  # it was only INFO before
    assert raised_anew([seen(100, track=2)], before) == [seen(100, track=2)]


def test_an_end_is_nothing_raised() -> None:
    """CLEARED takes back, and stands for nothing."""
    cleared = seen(100, status=AnomalyStatus.CLEARED)
    assert raised_anew([cleared], []) == []
    assert raised_anew([seen(100)], [cleared]) == [seen(100)]


def test_a_vehicle_with_a_new_name_is_the_old_one() -> None:
    """What befalls it later would have befallen it under its own name."""
    switched = Injection((1,), 100, 200, renamed=(9, 1))
    names = renamed_in("s", [switched, ONE])
    assert names == {"s_track_9": "s_track_1"}
    assert raised_anew([seen(180, track=9)], [seen(180)], names) == []
    assert raised_anew([seen(180, track=9)], [seen(180)]) == [seen(180, track=9)]


def test_what_no_fault_explains_can_be_looked_at() -> None:
    """The rest, and only the rest."""
    stray = seen(101, track=3)
    assert unexplained(TELEPORT, "s", [ONE], [seen(101), stray]) == [stray]
