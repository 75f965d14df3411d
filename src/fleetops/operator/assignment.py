"""To whom an alert can be given."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.auth.roles import Role
from fleetops.db.access import OperatorAccount
from fleetops.errors import InvalidRequestError


async def require_assignable(session: AsyncSession, operator_ids: Collection[str]) -> None:
    """Return when all of these are people who can act on what they are given.

    Raises:
        InvalidRequestError: one is unknown, disabled, or may only look; says which.
    """
    if not operator_ids:
        return
    rows = await session.execute(
        select(OperatorAccount.operator_id, OperatorAccount.role).where(
            OperatorAccount.operator_id.in_(operator_ids), OperatorAccount.disabled_at.is_(None)
        )
    )
    able = {row.operator_id for row in rows if Role(row.role).covers(Role.OPERATOR)}
    unable = sorted(set(operator_ids) - able)
    if unable:
        raise InvalidRequestError(
            f"an alert can be assigned to an operator who may act; {', '.join(unable)} is none, or is disabled"
        )
