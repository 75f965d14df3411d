"""Whether a command asks for what the same operator has brought about already."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.contracts.vocabulary import ActionType, AlertStatus
from fleetops.db.models import ActionRecord, Alert
from fleetops.db.queries import among

from .commands import Command
from .lifecycle import ENDS, INTERVENTIONS, Standing


@dataclass(frozen=True, slots=True)
class Past:
    """By alert and kind of action, when (as its number) and by whom it was done last."""

    last: Mapping[tuple[UUID, ActionType], tuple[int, str]]

    def was_last(self, wish: Command, *kinds: ActionType) -> bool:
        """Whether the last action of `kinds` (of the wish's own, when none) on the alert was this very one."""
        done = ((self.last.get((wish.alert_id, kind), (0, "")), kind) for kind in kinds or (wish.action_type,))
        (number, operator_id), kind = max(done)
        return number > 0 and (kind, operator_id) == (wish.action_type, wish.operator_id)


async def read_past(session: AsyncSession, alert_ids: Collection[UUID]) -> Past:
    """What was done last to each of these alerts, whose vehicles are locked."""
    rows = await session.execute(
        select(ActionRecord.alert_id, ActionRecord.action_type, ActionRecord.number, ActionRecord.operator_id)
        .ext(distinct_on(ActionRecord.alert_id, ActionRecord.action_type))
        .where(among(ActionRecord.alert_id, alert_ids))
        .order_by(ActionRecord.alert_id, ActionRecord.action_type, ActionRecord.number.desc())
    )
    return Past({(row.alert_id, row.action_type): (row.number, row.operator_id) for row in rows})


def already_holds(  # noqa: PLR0911 - one return per action reads as the table it is
    past: Past, wish: Command, alert: Alert, standing: Standing
) -> bool:
    """Whether what `wish` asks for holds, through the same operator; a lost answer may be asked for again."""
    match wish.action_type:
        case ActionType.ACKNOWLEDGE:
            return alert.alert_status is AlertStatus.ACKNOWLEDGED and alert.acknowledged_by == wish.operator_id
        case ActionType.UNACKNOWLEDGE:
            return alert.alert_status is AlertStatus.OPEN and past.was_last(
                wish, ActionType.ACKNOWLEDGE, ActionType.UNACKNOWLEDGE
            )
        case ActionType.ASSIGN_OPERATOR:
            return alert.assigned_operator_id == wish.wanted_operator and past.was_last(wish)
        case ActionType.SNOOZE:
            return alert.snoozed_until == wish.snoozed_until and past.was_last(wish)
        case ActionType.UNSNOOZE:
            return not standing.snoozed and past.was_last(wish, ActionType.SNOOZE, ActionType.UNSNOOZE)
        case ActionType.RESOLVE:
            return (
                alert.alert_status is AlertStatus.RESOLVED
                and alert.resolved_action_type == ActionType.RESOLVE
                and alert.resolved_by == wish.operator_id
                and alert.disposition == wish.disposition
            )
        case ActionType.PULL_OVER_SIMULATED | ActionType.REQUEST_REMOTE_ASSIST:
            return wish.action_type in standing.begun_here and past.was_last(wish)
        case ActionType.PICK_UP_REMOTE_ASSIST:
            return standing.picked_up and past.was_last(wish)
        case ActionType.CLOSE_REMOTE_ASSIST:
            return not ENDS[wish.action_type] & standing.begun_here and past.was_last(
                wish, ActionType.REQUEST_REMOTE_ASSIST, *ENDS
            )
        case ActionType.RESUME_SIMULATION:
            return not standing.begun_here and past.was_last(wish, *INTERVENTIONS, wish.action_type)
        case ActionType.COMMENT:
            return False
