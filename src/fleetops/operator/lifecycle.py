"""The lifecycle of an alert, as one table: OPEN, then ACKNOWLEDGED, then RESOLVED. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from fleetops.contracts.vocabulary import ActionType, AlertStatus
from fleetops.errors import IllegalTransitionError

INTERVENTIONS = (ActionType.PULL_OVER_SIMULATED, ActionType.REQUEST_REMOTE_ASSIST)
"""Actions that begin something on the vehicle, which runs until RESUME_SIMULATION."""

_OPEN, _ACKNOWLEDGED, _RESOLVED = AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED, AlertStatus.RESOLVED
_STAYS: dict[AlertStatus, AlertStatus] = {_OPEN: _OPEN, _ACKNOWLEDGED: _ACKNOWLEDGED}

TRANSITIONS: dict[ActionType, dict[AlertStatus, AlertStatus]] = {
    ActionType.ACKNOWLEDGE: {_OPEN: _ACKNOWLEDGED},
    ActionType.UNACKNOWLEDGE: {_ACKNOWLEDGED: _OPEN},
    ActionType.ASSIGN_OPERATOR: _STAYS,
    ActionType.PULL_OVER_SIMULATED: _STAYS,  # the alert is resolved when the pull-over has completed
    ActionType.REQUEST_REMOTE_ASSIST: _STAYS,
    ActionType.RESUME_SIMULATION: {**_STAYS, _RESOLVED: _RESOLVED},
    ActionType.RESOLVE: {_OPEN: _RESOLVED, _ACKNOWLEDGED: _RESOLVED},
    ActionType.SNOOZE: _STAYS,
    ActionType.COMMENT: _STAYS,
}
"""By action: from which status to which. What is not here is not allowed."""


@dataclass(frozen=True, slots=True)
class Standing:
    """All that decides what may be done to an alert now."""

    status: AlertStatus
    session_runs: bool
    """Its replay session is its scene's newest, and has not ended."""
    begun_here: frozenset[ActionType] = frozenset()
    """Running interventions that were begun through this very alert."""
    on_vehicle: frozenset[ActionType] = frozenset()
    """Running interventions of its vehicle in its session, through whichever alert."""


def advance(standing: Standing, action: ActionType) -> AlertStatus:
    """The status that `action` leads to.

    Raises:
        IllegalTransitionError: it is not allowed here; the message says why.
    """
    reason = _refusal(standing, action)
    if reason is not None:
        raise IllegalTransitionError(f"{action} is not possible: {reason}")
    return TRANSITIONS[action][standing.status]


def allowed_actions(standing: Standing) -> list[ActionType]:
    """What may be done now, so that no client guesses."""
    return [action for action in ActionType if _refusal(standing, action) is None]


def _refusal(standing: Standing, action: ActionType) -> str | None:
    if standing.status not in TRANSITIONS[action]:
        return f"the alert is {standing.status}"
    if action in INTERVENTIONS:
        if not standing.session_runs:
            return "the replay session of this alert is over"
        if action in standing.on_vehicle:
            return "it is under way on this vehicle already"
    if action is ActionType.RESUME_SIMULATION and not standing.begun_here:
        return "no intervention begun through this alert is running"
    return None
