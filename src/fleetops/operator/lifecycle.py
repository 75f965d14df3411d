"""The lifecycle of an alert, as one table: OPEN, then ACKNOWLEDGED, then RESOLVED. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from fleetops.contracts.vocabulary import ActionType, AlertStatus
from fleetops.errors import IllegalTransitionError

INTERVENTIONS = (ActionType.PULL_OVER_SIMULATED, ActionType.REQUEST_REMOTE_ASSIST)
"""Actions that begin something on the vehicle, which runs until it is ended or its session is."""

ENDS: dict[ActionType, frozenset[ActionType]] = {
    ActionType.RESUME_SIMULATION: frozenset(INTERVENTIONS),
    ActionType.CLOSE_REMOTE_ASSIST: frozenset({ActionType.REQUEST_REMOTE_ASSIST}),
}
"""By action: which interventions, begun through the same alert, it ends.

A vehicle that drives on needs no more help, so RESUME_SIMULATION closes a remote assist too.
"""

_OPEN, _ACKNOWLEDGED, _RESOLVED = AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED, AlertStatus.RESOLVED
_STAYS: dict[AlertStatus, AlertStatus] = {_OPEN: _OPEN, _ACKNOWLEDGED: _ACKNOWLEDGED}
_ALWAYS: dict[AlertStatus, AlertStatus] = {**_STAYS, _RESOLVED: _RESOLVED}

TRANSITIONS: dict[ActionType, dict[AlertStatus, AlertStatus]] = {
    ActionType.ACKNOWLEDGE: {_OPEN: _ACKNOWLEDGED},
    ActionType.UNACKNOWLEDGE: {_ACKNOWLEDGED: _OPEN},
    ActionType.ASSIGN_OPERATOR: _STAYS,
    ActionType.PULL_OVER_SIMULATED: _STAYS,  # the alert is resolved when the pull-over has completed
    ActionType.REQUEST_REMOTE_ASSIST: _STAYS,
    ActionType.PICK_UP_REMOTE_ASSIST: _ALWAYS,
    ActionType.CLOSE_REMOTE_ASSIST: _ALWAYS,
    ActionType.RESUME_SIMULATION: _ALWAYS,
    ActionType.RESOLVE: {_OPEN: _RESOLVED, _ACKNOWLEDGED: _RESOLVED},
    ActionType.SNOOZE: _STAYS,
    ActionType.UNSNOOZE: _STAYS,
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
    picked_up: bool = False
    """Somebody took up the remote assist that was requested through this alert."""
    snoozed: bool = False
    """It was put off until a time, which may have passed."""


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
    return list(_allowed(standing))


@cache  # a few hundred standings there are, and this is asked for every alert that is shown or told
def _allowed(standing: Standing) -> tuple[ActionType, ...]:
    return tuple(action for action in ActionType if _refusal(standing, action) is None)


def actions_on(intervention: ActionType, *, picked_up: bool) -> list[ActionType]:
    """What may be done about a running `intervention`, whatever has become of its alert."""
    begun = frozenset({intervention})
    standing = Standing(
        AlertStatus.RESOLVED, session_runs=True, begun_here=begun, on_vehicle=begun, picked_up=picked_up
    )
    return allowed_actions(standing)


def _refusal(standing: Standing, action: ActionType) -> str | None:
    if standing.status not in TRANSITIONS[action]:
        return f"the alert is {standing.status}"
    if action in INTERVENTIONS:
        return _no_beginning(standing, action)
    if action in ENDS and not ENDS[action] & standing.begun_here:
        return f"no {_either(ENDS[action])} begun through this alert is running"
    if action is ActionType.PICK_UP_REMOTE_ASSIST:
        return _no_picking_up(standing)
    if action is ActionType.UNSNOOZE and not standing.snoozed:
        return "the alert is not snoozed"
    return None


def _no_beginning(standing: Standing, action: ActionType) -> str | None:
    if not standing.session_runs:
        return "the replay session of this alert is over"
    if action in standing.on_vehicle:
        return "it is under way on this vehicle already"
    return None


def _no_picking_up(standing: Standing) -> str | None:
    if ActionType.REQUEST_REMOTE_ASSIST not in standing.begun_here:
        return "no remote assist requested through this alert is running"
    return "somebody has picked it up already" if standing.picked_up else None


def _either(actions: frozenset[ActionType]) -> str:
    return " or ".join(action for action in ActionType if action in actions)
