"""Pull-overs that are done: what they were begun for is resolved."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.contracts.vocabulary import ActionType
from fleetops.db.models import Intervention

from . import incidents
from .outbox import Changes


async def complete(session: AsyncSession, changes: Changes, pull_overs: Sequence[Intervention]) -> None:
    """Resolve the alerts of `pull_overs`, whose vehicles are locked and not settled; one that is live no more stays."""
    for pull_over in pull_overs:
        pull_over.completed_at = changes.now
        alert = changes.fleet.live[pull_over.vehicle_id].get(pull_over.alert_id)
        if alert is not None:
            await incidents.resolve(
                session, changes, [alert], by=pull_over.operator_id, action_type=ActionType.PULL_OVER_SIMULATED
            )
