"""Operators as supervisors manage them: made, given a role, let out and in again.

Functions take a session of the database and never commit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue
from sqlalchemy import delete, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.auth.roles import Role
from fleetops.db.access import LoginLink, OperatorAccount, OperatorIdentity, WebSession
from fleetops.errors import ConflictError, NotFoundError, PermissionDeniedError

from . import people
from .audit import Entry, record


@dataclass(frozen=True, slots=True)
class Account:
    """An operator. `provided`: an OpenID provider says who it is and what it may do."""

    operator_id: str
    display_name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None
    has_password: bool
    provided: bool


async def list_accounts(db: AsyncSession, after: str | None, limit: int) -> list[Account]:
    """Operators by id, from the one after `after`."""
    query = select(OperatorAccount, _PROVIDED).order_by(OperatorAccount.operator_id).limit(limit)
    if after is not None:
        query = query.where(OperatorAccount.operator_id > after)
    return [_account(operator, provided) for operator, provided in (await db.execute(query))]


async def create(
    db: AsyncSession, by: str, operator_id: str, display_name: str, role: Role, now: datetime
) -> tuple[Account, str]:
    """Make an operator; the account, and the secret of a link that signs it in once.

    Raises:
        ConflictError: there is one of this id, or the id stands for no person.
    """
    if people.is_ours(operator_id):
        raise ConflictError(f"{operator_id!r} is what the audit log calls FleetOps itself; choose another id")
    values = {"operator_id": operator_id, "display_name": display_name, "role": role.value}
    made = await db.scalar(
        insert(OperatorAccount).values(values).on_conflict_do_nothing().returning(OperatorAccount.operator_id)
    )
    if made is None:
        raise ConflictError(f"there is an operator {operator_id!r} already; choose another id")
    await record(db, _entry(by, "operator.created", operator_id, now, role=role.value))
    link = await people.new_login_link(db, operator_id, now)
    return await get(db, operator_id), link


async def get(db: AsyncSession, operator_id: str) -> Account:
    """One operator.

    Raises:
        NotFoundError: there is none of this id.
    """
    query = select(OperatorAccount, _PROVIDED).where(OperatorAccount.operator_id == operator_id)
    row = (await db.execute(query)).one_or_none()
    if row is None:
        raise NotFoundError("operator", operator_id)
    return _account(*row)


async def change_role(db: AsyncSession, by: str, operator_id: str, role: Role, now: datetime) -> Account:
    """Give an operator another role. It holds from the next request on, in sessions that are open too.

    Raises:
        NotFoundError: there is no such operator.
        ConflictError: it is the caller itself, or an OpenID provider gives this operator its role.
    """
    operator = await _other(db, by, operator_id)
    if await _is_provided(db, operator_id):
        raise ConflictError(f"the OpenID provider gives {operator_id} its role; change it there")
    if operator.role != role.value:
        entry = _entry(by, "operator.role_changed", operator_id, now, role=role.value, before=operator.role)
        await record(db, entry)
        operator.role = role.value
        await db.flush()
    return await get(db, operator_id)


async def disable(db: AsyncSession, by: str, operator_id: str, now: datetime) -> tuple[Account, list[str]]:
    """Let an operator in no more, and end what it has open; the account, and the hashes of the sessions ended.

    Raises:
        NotFoundError: there is no such operator.
        ConflictError: it is the caller itself.
    """
    operator = await _other(db, by, operator_id)
    ended = await _shut(db, operator_id)
    if operator.disabled_at is None:
        operator.disabled_at = now
        await record(db, _entry(by, "operator.disabled", operator_id, now))
        await db.flush()
    return await get(db, operator_id), ended


async def enable(db: AsyncSession, by: str, operator_id: str, now: datetime) -> Account:
    """Let a disabled operator in again; it needs a new link, or its password.

    Raises:
        NotFoundError: there is no such operator.
        ConflictError: it is the caller itself.
    """
    operator = await _other(db, by, operator_id)
    if operator.disabled_at is not None:
        operator.disabled_at = None
        await record(db, _entry(by, "operator.enabled", operator_id, now))
        await db.flush()
    return await get(db, operator_id)


async def reset(db: AsyncSession, by: str, operator_id: str, now: datetime) -> tuple[Account, str, list[str]]:
    """Forget an operator's password, links and sessions.

    Returns:
        The account, the secret of a new link, and the hashes of the sessions that ended.

    Raises:
        NotFoundError: there is no such operator.
        ConflictError: it is the caller itself, it is disabled, or an OpenID provider lets it in.
    """
    operator = await _other(db, by, operator_id)
    if operator.disabled_at is not None:
        raise ConflictError(f"{operator_id} is disabled; enable it first")
    if await _is_provided(db, operator_id):
        raise ConflictError(f"{operator_id} signs in with the OpenID provider; end its sessions instead")
    ended = await _shut(db, operator_id)
    operator.password_hash = None
    await record(db, _entry(by, "operator.reset", operator_id, now))
    link = await people.new_login_link(db, operator_id, now)
    return await get(db, operator_id), link, ended


async def _other(db: AsyncSession, by: str, operator_id: str) -> OperatorAccount:
    """The operator, locked together with the caller, who must still be what the request was let in as.

    Two supervisors who demote or disable each other at the same moment would else both succeed,
    and nobody be left who could mend it.
    """
    ids = sorted({by, operator_id})
    query = select(OperatorAccount).where(OperatorAccount.operator_id.in_(ids)).order_by(OperatorAccount.operator_id)
    # What this transaction read before may be old: another had the lock meanwhile.
    rows = await db.scalars(query.with_for_update(), execution_options={"populate_existing": True})
    locked = {row.operator_id: row for row in rows}
    if operator_id not in locked:
        raise NotFoundError("operator", operator_id)
    if operator_id == by:
        raise ConflictError("nobody changes their own account's standing; ask another supervisor")
    caller = locked.get(by)  # none for programs and the command line
    if caller is not None and (caller.disabled_at is not None or caller.role != Role.SUPERVISOR.value):
        raise PermissionDeniedError(f"{by} is no supervisor any more")
    return locked[operator_id]


async def _shut(db: AsyncSession, operator_id: str) -> list[str]:
    await db.execute(delete(LoginLink).where(LoginLink.operator_id == operator_id, LoginLink.used_at.is_(None)))
    ended = await db.scalars(
        delete(WebSession).where(WebSession.operator_id == operator_id).returning(WebSession.session_hash)
    )
    return list(ended)


_PROVIDED = exists().where(OperatorIdentity.operator_id == OperatorAccount.operator_id)


async def _is_provided(db: AsyncSession, operator_id: str) -> bool:
    return bool(await db.scalar(select(exists().where(OperatorIdentity.operator_id == operator_id))))


def _account(operator: OperatorAccount, provided: bool) -> Account:
    return Account(
        operator_id=operator.operator_id,
        display_name=operator.display_name,
        role=Role(operator.role),
        created_at=operator.created_at,
        disabled_at=operator.disabled_at,
        has_password=operator.password_hash is not None,
        provided=provided,
    )


def _entry(by: str, what: str, subject_id: str, now: datetime, **details: JsonValue) -> Entry:
    return Entry(
        at=now, who=by, what=what, subject_kind="operator", subject_id=subject_id, version=None, details=details
    )
