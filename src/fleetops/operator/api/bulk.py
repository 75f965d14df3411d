"""One action on many alerts: one request, one transaction, an answer for each."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.auth.roles import Role
from fleetops.db.transaction import transact
from fleetops.operator.actions import Outcome, Refusal, act_on
from fleetops.web import Problem, error_type, problems

from .callers import InRuntime, Operator
from .commands import command_of
from .idempotency import KeyHeader, once
from .schemas import BulkAnswer, BulkCommand, BulkResult

router = APIRouter(prefix="/alerts", tags=["alerts"])


@router.post("/bulk", responses=problems(401, 403, 422))
async def act_on_many(runtime: InRuntime, caller: Operator, body: BulkCommand, key: KeyHeader = None) -> BulkResult:
    """Do one action on each of these alerts. One that is refused stops no other.

    An alert that is assigned to somebody else, or acknowledged by them while it is nobody's,
    is refused to all but supervisors.
    """
    caller.require_self(body.operator_id)
    commands = [
        replace(
            command_of(caller, body, alert_id, body.versions.get(alert_id)),
            own_only=not caller.role.covers(Role.SUPERVISOR),
        )
        for alert_id in dict.fromkeys(body.alert_ids)
    ]

    async def work(db: AsyncSession) -> BulkResult:
        async def do() -> BulkResult:
            results = await act_on(db, commands, datetime.now(UTC), runtime.delays)
            return _summed([_answer(c.alert_id, r) for c, r in zip(commands, results, strict=True)])

        request = f"bulk {body.model_dump_json()}"
        return await once(db, operator_id=caller.operator_id, key=key, request=request, answer=BulkResult, work=do)

    return await transact(runtime.sessions, work)


def _summed(answers: list[BulkAnswer]) -> BulkResult:
    counts = Counter(answer.status for answer in answers)
    return BulkResult(
        executed=counts["executed"], unchanged=counts["unchanged"], refused=counts["refused"], results=answers
    )


def _answer(alert_id: UUID, result: Outcome | Refusal) -> BulkAnswer:
    if isinstance(result, Refusal):
        error, alert = result.error, result.alert
        return BulkAnswer(
            alert_id=alert_id,
            status="refused",
            action_id=None,
            alert_status=alert and alert.alert_status,
            version=alert and alert.version,
            alert=alert,
            problem=Problem(
                type=error_type(type(error)),
                title=HTTPStatus(error.status).phrase,
                status=error.status,
                detail=str(error),
            ),
        )
    return BulkAnswer(
        alert_id=alert_id,
        status="executed" if result.action else "unchanged",
        action_id=result.action and result.action.action_id,
        alert_status=result.record.alert_status,
        version=result.record.version,
        alert=None,
        problem=None,
    )
