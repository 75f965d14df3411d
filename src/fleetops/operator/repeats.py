"""Whether a command asks for what the same operator has brought about already."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.contracts.vocabulary import ActionType, AlertStatus
from fleetops.db.models import ActionRecord, Alert, Intervention, InterventionEnd

from .commands import Command
from .lifecycle import Standing


async def already_holds(  # noqa: PLR0911 - one return per action reads as the table it is
    session: AsyncSession, wish: Command, alert: Alert, standing: Standing
) -> bool:
    """Whether what `wish` asks for holds, through the same operator; a lost answer may be asked for again."""
    match wish.action_type:
        case ActionType.ACKNOWLEDGE:
            return alert.alert_status is AlertStatus.ACKNOWLEDGED and alert.acknowledged_by == wish.operator_id
        case ActionType.UNACKNOWLEDGE:
            return alert.alert_status is AlertStatus.OPEN and await _was_last(
                session, wish, alert, ActionType.ACKNOWLEDGE, ActionType.UNACKNOWLEDGE
            )
        case ActionType.ASSIGN_OPERATOR:
            return alert.assigned_operator_id == wish.wanted_operator and await _was_last(session, wish, alert)
        case ActionType.SNOOZE:
            return alert.snoozed_until == wish.snoozed_until and await _was_last(session, wish, alert)
        case ActionType.RESOLVE:
            return (
                alert.alert_status is AlertStatus.RESOLVED
                and alert.resolved_action_type == ActionType.RESOLVE
                and alert.resolved_by == wish.operator_id
                and alert.disposition == wish.disposition
            )
        case ActionType.PULL_OVER_SIMULATED | ActionType.REQUEST_REMOTE_ASSIST:
            return wish.action_type in standing.begun_here and await _was_last(session, wish, alert)
        case ActionType.RESUME_SIMULATION:
            return not standing.begun_here and await _resumed(session, wish, alert.alert_id)
        case ActionType.COMMENT:
            return False


async def _was_last(session: AsyncSession, wish: Command, alert: Alert, *kinds: ActionType) -> bool:
    """Whether the last action of `kinds` (of the wish's own, when none) on `alert` was this very one."""
    last = await session.execute(
        select(ActionRecord.action_type, ActionRecord.operator_id)
        .where(ActionRecord.alert_id == alert.alert_id, ActionRecord.action_type.in_(kinds or (wish.action_type,)))
        .order_by(ActionRecord.number.desc())
        .limit(1)
    )
    return last.first() == (wish.action_type, wish.operator_id)


async def _resumed(session: AsyncSession, wish: Command, alert_id: UUID) -> bool:
    last = await session.execute(
        select(Intervention.end_reason, Intervention.ended_by)
        .where(Intervention.alert_id == alert_id)
        .order_by(Intervention.sequence.desc())
        .limit(1)
    )
    return last.first() == (InterventionEnd.RESUMED, wish.operator_id)
