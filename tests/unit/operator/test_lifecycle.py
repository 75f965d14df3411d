"""What may be done to an alert, and where it leads."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from fleetops.contracts.vocabulary import ActionType as A
from fleetops.contracts.vocabulary import AlertStatus as S
from fleetops.contracts.vocabulary import Severity, VehicleState
from fleetops.errors import IllegalTransitionError
from fleetops.operator.lifecycle import INTERVENTIONS, TRANSITIONS, Standing, actions_on, advance, allowed_actions
from fleetops.operator.vehicle_state import vehicle_state

_BEGUN = st.frozensets(st.sampled_from(INTERVENTIONS))
STANDINGS = st.builds(
    lambda status, runs, here, elsewhere, picked_up, snoozed: Standing(
        status, runs, here, here | elsewhere, picked_up and A.REQUEST_REMOTE_ASSIST in here, snoozed
    ),
    st.sampled_from(S),
    st.booleans(),
    _BEGUN,
    _BEGUN,
    st.booleans(),
    st.booleans(),
)
ON_WHAT_RUNS = (A.RESUME_SIMULATION, A.PICK_UP_REMOTE_ASSIST, A.CLOSE_REMOTE_ASSIST)

AGREED = {
    (S.OPEN, A.ACKNOWLEDGE): S.ACKNOWLEDGED,
    (S.ACKNOWLEDGED, A.UNACKNOWLEDGE): S.OPEN,
    (S.OPEN, A.RESOLVE): S.RESOLVED,
    (S.ACKNOWLEDGED, A.RESOLVE): S.RESOLVED,
    **{
        (status, action): status
        for status in (S.OPEN, S.ACKNOWLEDGED)
        for action in (
            A.ASSIGN_OPERATOR,
            A.COMMENT,
            A.SNOOZE,
            A.UNSNOOZE,
            A.PULL_OVER_SIMULATED,
            A.REQUEST_REMOTE_ASSIST,
        )
    },
}


@pytest.mark.parametrize("status", S)
@pytest.mark.parametrize("action", [a for a in A if a not in ON_WHAT_RUNS])
def test_the_table_is_the_agreed_one(status: S, action: A) -> None:
    """Every pair of status and action leads where the design says, or nowhere."""
    standing = Standing(status, session_runs=True, snoozed=True)
    if (status, action) in AGREED:
        assert advance(standing, action) is AGREED[status, action]
    else:
        with pytest.raises(IllegalTransitionError, match=status):
            advance(standing, action)


@pytest.mark.parametrize("status", S)
def test_resume_ends_only_what_was_begun_here(status: S) -> None:
    """It is allowed in any status, RESOLVED included, while an intervention of this alert runs; else never."""
    pulled_over = frozenset({A.PULL_OVER_SIMULATED})
    assert A.RESUME_SIMULATION in allowed_actions(Standing(status, True, pulled_over, pulled_over))
    assert A.RESUME_SIMULATION not in allowed_actions(Standing(status, True, frozenset(), pulled_over))


@pytest.mark.parametrize("status", S)
def test_a_remote_assist_is_picked_up_once_and_closed_where_it_was_requested(status: S) -> None:
    """In any status, RESOLVED included, while it runs; a pull-over is none, and another alert's is another's."""
    assist, pull_over = frozenset({A.REQUEST_REMOTE_ASSIST}), frozenset({A.PULL_OVER_SIMULATED})
    requested = set(allowed_actions(Standing(status, True, assist, assist)))
    assert {A.PICK_UP_REMOTE_ASSIST, A.CLOSE_REMOTE_ASSIST, A.RESUME_SIMULATION} <= requested
    picked_up = set(allowed_actions(Standing(status, True, assist, assist, picked_up=True)))
    assert requested - picked_up == {A.PICK_UP_REMOTE_ASSIST}
    for standing in (Standing(status, True, frozenset(), assist), Standing(status, True, pull_over, pull_over)):
        assert not {A.PICK_UP_REMOTE_ASSIST, A.CLOSE_REMOTE_ASSIST} & set(allowed_actions(standing))


def test_what_is_offered_on_the_vehicle_is_what_its_intervention_allows() -> None:
    """A pull-over can be resumed; a remote assist picked up, closed, or resumed from."""
    assert actions_on(A.PULL_OVER_SIMULATED, picked_up=False) == [A.RESUME_SIMULATION]
    assert set(actions_on(A.REQUEST_REMOTE_ASSIST, picked_up=False)) == set(ON_WHAT_RUNS)
    assert A.PICK_UP_REMOTE_ASSIST not in actions_on(A.REQUEST_REMOTE_ASSIST, picked_up=True)


def test_only_what_is_snoozed_can_be_woken() -> None:
    """An alert that nobody put off has nothing to wake from."""
    assert A.UNSNOOZE in allowed_actions(Standing(S.OPEN, True, snoozed=True))
    assert A.UNSNOOZE not in allowed_actions(Standing(S.OPEN, True))


def test_a_vehicle_is_pulled_over_once_and_only_while_it_drives() -> None:
    """A second pull-over is refused, and so is one of a session that is over."""
    pulled_over = frozenset({A.PULL_OVER_SIMULATED})
    for standing in (Standing(S.OPEN, True, frozenset(), pulled_over), Standing(S.OPEN, False)):
        with pytest.raises(IllegalTransitionError):
            advance(standing, A.PULL_OVER_SIMULATED)
    assert advance(Standing(S.OPEN, True, frozenset(), pulled_over), A.REQUEST_REMOTE_ASSIST) is S.OPEN


@given(standing=STANDINGS)
def test_what_is_offered_is_what_is_done(standing: Standing) -> None:
    """`allowed_actions` and `advance` never disagree, whatever the standing."""
    offered = allowed_actions(standing)
    for action in A:
        if action in offered:
            assert advance(standing, action) in S
        else:
            with pytest.raises(IllegalTransitionError):
                advance(standing, action)


@given(standing=STANDINGS)
def test_nothing_leads_out_of_resolved(standing: Standing) -> None:
    """RESOLVED is final."""
    for action in allowed_actions(standing):
        if standing.status is S.RESOLVED:
            assert advance(standing, action) is S.RESOLVED


def test_every_action_is_in_the_table() -> None:
    """A new word in the vocabulary needs its row."""
    assert set(TRANSITIONS) == set(A)


@pytest.mark.parametrize(
    ("severities", "running", "state"),
    [
        ([], False, VehicleState.NORMAL),
        ([Severity.INFO], False, VehicleState.DEGRADED),
        ([Severity.WARNING, Severity.INFO], False, VehicleState.DEGRADED),
        ([Severity.INFO, Severity.CRITICAL], False, VehicleState.ALERTING),
        ([], True, VehicleState.UNDER_INTERVENTION),
        ([Severity.CRITICAL], True, VehicleState.UNDER_INTERVENTION),
    ],
)
def test_a_vehicles_state(severities: list[Severity], *, running: bool, state: VehicleState) -> None:
    """An intervention outranks a CRITICAL alert, which outranks any other, which outranks none."""
    assert vehicle_state(severities, intervention_running=running) is state
