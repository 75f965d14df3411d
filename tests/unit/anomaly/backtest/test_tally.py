"""The figures of a scene: what was raised, how bad, by which rule, and how many alerts that would be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fleetops.anomaly.backtest.tally import Tally, Volume
from fleetops.anomaly.backtest.told import Told
from fleetops.anomaly.digest import Finding
from fleetops.anomaly.load import alerts_opened
from fleetops.contracts.vocabulary import AnomalyStatus, AnomalyType, Severity

TOLD = st.builds(
    Told,
    st.builds(
        Finding,
        st.just("scene_1"),
        st.sampled_from(["car", "bus"]),
        st.integers(0, 900),
        st.sampled_from(AnomalyType),
        st.sampled_from(AnomalyStatus),
        st.sampled_from(Severity),
    ),
    st.sampled_from(["hard_braking", "position_residual"]),
    st.just(0),
    st.none(),
)


@given(st.lists(TOLD, max_size=25))
def test_alerts_are_counted_as_for_one_floor_at_a_time(told: list[Told]) -> None:
    """Leaving out what never comes to a severity changes no count of it."""
    findings = [each.finding for each in told]
    alerts = Tally.of_scene("scene_1", told).alerts
    assert [alerts.get(floor, 0) for floor in Severity] == [len(alerts_opened(findings, floor)) for floor in Severity]


@given(st.lists(TOLD, max_size=25))
def test_only_what_is_raised_counts_and_each_once(told: list[Told]) -> None:
    """By type and severity as by rule; an end is no anomaly, but part of the digest."""
    tally = Tally.of_scene("scene_1", told)
    raised = sum(each.finding.status is AnomalyStatus.ACTIVE for each in told)
    assert sum(tally.anomalies.values()) == sum(tally.rules.values()) == raised
    assert bool(tally.scene_digests) == bool(told)


def test_an_hour_of_one_vehicle_is_36000_rows() -> None:
    """Ten a second."""
    assert (Volume(1, 18_000, 18_000) + Volume(1, 18_000, 18_000)).vehicle_hours == 1.0
