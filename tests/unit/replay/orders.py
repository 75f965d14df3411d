"""What operators have vehicles do, made up for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from fleetops.contracts.operations import OperatorAction, VehicleCommand
from fleetops.contracts.vocabulary import ActionType
from fleetops.replay.interventions import Deed

PULL_OVER: Deed = ActionType.PULL_OVER_SIMULATED
RESUME: Deed = ActionType.RESUME_SIMULATION


def command(sequence: int, ended: list[ActionType] | None = None, session: str = "s") -> VehicleCommand:
    """What metadata says."""
    return VehicleCommand(sequence=sequence, replay_session_id=session, scene_id="scene_1", ended_interventions=ended)


def action_on(vehicle_id: str, action: ActionType = PULL_OVER) -> OperatorAction:
    """What an operator did to a vehicle."""
    return OperatorAction(
        action_id=uuid4(),
        alert_id=uuid4(),
        vehicle_id=vehicle_id,
        operator_id="operator_001",
        action_type=action,
        processing_time=datetime.now(UTC),
        metadata={},
    )
