"""Findings into alerts, as timelines."""

from __future__ import annotations

import pytest

from fleetops.anomaly.digest import Finding
from fleetops.anomaly.load import RESOLVE_FRAMES, Load, alerts_opened
from fleetops.contracts.vocabulary import AnomalyStatus, AnomalyType, Severity

_SEVERITY = {"i": Severity.INFO, "w": Severity.WARNING, "c": Severity.CRITICAL}


def timeline(*marks: tuple[int, str], vehicle: str = "car") -> list[Finding]:
    """One condition: at a frame `i`, `w` or `c` for ACTIVE of that severity, `.` for CLEARED."""
    return [
        Finding(
            "scene",
            vehicle,
            frame,
            AnomalyType.DROPOUT_PROXY,
            AnomalyStatus.CLEARED if mark == "." else AnomalyStatus.ACTIVE,
            _SEVERITY.get(mark, Severity.INFO),
        )
        for frame, mark in marks
    ]


def opened_at(*marks: tuple[int, str], floor: Severity = Severity.INFO) -> list[int]:
    """Frames at which an alert opens."""
    return [each.frame_index for each in alerts_opened(timeline(*marks), floor)]


def test_an_escalation_is_no_second_alert() -> None:
    """A warning that becomes critical is the same alert, worse."""
    assert opened_at((5, "w"), (9, "c"), (20, ".")) == [5]


def test_an_alert_of_warning_opens_where_it_becomes_one() -> None:
    """Asked for warnings alone, an alert counts from the frame in which it escalates."""
    assert opened_at((5, "i"), (9, "w"), (20, "."), floor=Severity.WARNING) == [9]
    assert opened_at((5, "i"), (20, "."), floor=Severity.WARNING) == []


def test_a_condition_that_comes_back_soon_joins_the_live_alert() -> None:
    """Up to its resolution 30 s after the end, an alert takes in what follows; then there is a new one."""
    last = 20 + RESOLVE_FRAMES
    assert opened_at((5, "w"), (20, "."), (last - 1, "w")) == [5]
    assert opened_at((5, "w"), (20, "."), (last, "w")) == [5, last]


def test_a_critical_alert_waits_for_a_person() -> None:
    """Nobody acts here, so it is never resolved."""
    assert opened_at((5, "c"), (20, "."), (5000, "w")) == [5]


def test_vehicles_bear_alerts_of_their_own() -> None:
    """The same condition on two vehicles is two alerts, in whatever order they are told, and however often."""
    both = timeline((5, "w"), vehicle="a") + timeline((5, "w"), vehicle="b")
    assert len(alerts_opened([*reversed(both), *both])) == 2


@pytest.mark.parametrize(
    ("alerts", "rate", "band"),
    [
        (6, 1.0, "very likely acceptable"),
        (12, 2.0, "manageable"),
        (60, 10.0, "likely over-demanding"),
        (61, 61 / 6, "very likely unacceptable"),
    ],
)
def test_a_rate_has_the_name_that_eemua_gives_it(alerts: int, rate: float, band: str) -> None:
    """A hundred vehicles for an hour, so many alerts: per ten minutes, and what that is called."""
    load = Load(alerts, vehicle_hours=100.0)
    assert load.per_10_minutes == pytest.approx(rate)
    assert load.band == band


def test_nothing_watched_is_no_load() -> None:
    """No vehicle-hours, no division by zero."""
    assert Load(0, 0.0).per_10_minutes == 0
