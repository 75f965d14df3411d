"""One command on one alert: checked, done once, and answered with what holds afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Depends, Header
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.auth.roles import Principal, Role
from fleetops.contracts.vocabulary import ActionType
from fleetops.db.models import Disposition
from fleetops.db.transaction import transact
from fleetops.errors import ConflictError, InvalidRequestError
from fleetops.operator.actions import Command, Outcome, act
from fleetops.operator.alerts import get_alert

from .callers import InRuntime, Operator
from .conflicts import AlertConflictError
from .idempotency import KeyHeader, once
from .schemas import ActionCommand, ActionDetails, AssignCommand, OperatorCommand

A = TypeVar("A", bound=BaseModel)

IfMatch = Annotated[
    str | None, Header(alias="If-Match", max_length=50, description="the alert's version that the caller saw")
]


class Commands:
    """Does commands for one caller."""

    def __init__(self, runtime: InRuntime, caller: Operator, key: KeyHeader = None, if_match: IfMatch = None) -> None:
        self._runtime, self._caller, self._key = runtime, caller, key
        self._seen = None if if_match is None else _version(if_match)

    async def perform(
        self,
        alert_id: UUID,
        action_type: ActionType,
        body: OperatorCommand,
        answer: type[A],
        describe: Callable[[Outcome], A],
    ) -> A:
        """Do `action_type` on an alert in one transaction, which is committed when this returns.

        Raises:
            PermissionDeniedError: the body names another operator than the caller, or assigns to one.
            NotFoundError: there is no such alert.
            AlertConflictError: it cannot be done now; carries the alert as it is.
            InvalidRequestError: the action lacks what it needs.
        """
        self._caller.require_self(body.operator_id)
        command = self._command(alert_id, action_type, body)
        request = f"{alert_id} {action_type} {command.expected_version} {body.model_dump_json()}"

        async def work(db: AsyncSession) -> A:
            async def do() -> A:
                return describe(await act(db, command, datetime.now(UTC), self._runtime.delays))

            return await once(
                db,
                operator_id=self._caller.operator_id,
                key=self._key,
                request=request,
                answer=answer,
                work=do,
            )

        try:
            return await transact(self._runtime.sessions, work)
        except ConflictError as conflict:
            async with self._runtime.sessions() as db, db.begin():
                raise AlertConflictError(conflict, await get_alert(db, alert_id)) from conflict

    def _command(self, alert_id: UUID, action_type: ActionType, body: OperatorCommand) -> Command:
        if self._seen is not None and body.version is not None and self._seen != body.version:
            raise InvalidRequestError(f"If-Match says version {self._seen}, the body says {body.version}")
        if isinstance(body, ActionCommand):
            details: ActionDetails = body
        else:
            assignee = body.assignee_id if isinstance(body, AssignCommand) else None
            details = ActionDetails(action_type=action_type, assignee_id=assignee)
        return command_of(self._caller, details, alert_id, self._seen if body.version is None else body.version)


def command_of(caller: Principal, details: ActionDetails, alert_id: UUID, version: int | None) -> Command:
    """What `caller` wants done to an alert.

    Raises:
        PermissionDeniedError: it would be assigned to another by one who is no supervisor.
    """
    command = Command(
        action_type=details.action_type,
        alert_id=alert_id,
        operator_id=caller.operator_id,
        comment=details.comment,
        assignee=details.assignee_id,
        disposition=Disposition(details.disposition) if details.disposition else None,
        snoozed_until=details.snoozed_until,
        expected_version=version,
    )
    if command.assigned_to_another:
        caller.require(Role.SUPERVISOR)
    return command


Commanding = Annotated[Commands, Depends(Commands)]


def _version(if_match: str) -> int:
    stated = if_match.strip().removeprefix("W/").strip('"')
    if not stated.isascii() or not stated.isdigit():
        raise InvalidRequestError(f'If-Match is {if_match!r}; expected the alert\'s version, like "3"')
    return int(stated)
