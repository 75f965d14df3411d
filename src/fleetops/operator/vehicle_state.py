"""What a vehicle's state is, as a pure function of what is wrong with it and what is done about it."""

from __future__ import annotations

from collections.abc import Iterable

from fleetops.contracts.vocabulary import Severity, VehicleState


def vehicle_state(live_alerts: Iterable[Severity], *, intervention_running: bool) -> VehicleState:
    """The state that the severities of a vehicle's live alerts and its interventions give it.

    Both are those of the newest live replay session of its scene.
    """
    if intervention_running:
        return VehicleState.UNDER_INTERVENTION
    severities = set(live_alerts)
    if Severity.CRITICAL in severities:
        return VehicleState.ALERTING
    return VehicleState.DEGRADED if severities else VehicleState.NORMAL
