"""The sessions of signed-in browsers, as their owner and supervisors see and end them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.auth.roles import Principal, Role
from fleetops.db.access import WebSession
from fleetops.errors import NotFoundError

from .audit import SYSTEM, Entry, record


@dataclass(frozen=True, slots=True)
class SignIn:
    """A signed-in browser. `hash` is what its secret is stored as; it is not to be shown."""

    session_id: UUID
    hash: str
    operator_id: str
    created_at: datetime
    expires_at: datetime
    last_seen_at: datetime
    address: str | None
    user_agent: str | None
    provided: bool


async def list_signins(db: AsyncSession, operator_id: str, now: datetime) -> list[SignIn]:
    """The sessions of an operator that hold at `now`, newest first."""
    rows = await db.scalars(
        select(WebSession)
        .where(WebSession.operator_id == operator_id, WebSession.expires_at > now)
        .order_by(WebSession.created_at.desc(), WebSession.session_id)
    )
    return [
        SignIn(
            session_id=row.session_id,
            hash=row.session_hash,
            operator_id=row.operator_id,
            created_at=row.created_at,
            expires_at=row.expires_at,
            last_seen_at=row.last_seen_at,
            address=row.address,
            user_agent=row.user_agent,
            provided=row.provider_issuer is not None,
        )
        for row in rows
    ]


async def revoke(db: AsyncSession, by: Principal, session_id: UUID, now: datetime) -> str:
    """End a session, one's own or as a supervisor anyone's; the hash of what ended.

    Raises:
        NotFoundError: there is no such session, or it is another's and the caller is no supervisor.
    """
    ending = delete(WebSession).where(WebSession.session_id == session_id)
    if not by.role.covers(Role.SUPERVISOR):
        ending = ending.where(WebSession.operator_id == by.operator_id)
    row = (await db.execute(ending.returning(WebSession.session_hash, WebSession.operator_id))).one_or_none()
    if row is None:
        raise NotFoundError("session", session_id)
    session_hash, operator_id = row
    await record(db, _entry(by.operator_id, "session.revoked", str(session_id), now, operator_id=operator_id))
    return session_hash


async def end_provided(
    db: AsyncSession, issuer: str, operator_id: str | None, provider_session: str | None, now: datetime
) -> list[str]:
    """End what an OpenID provider let in: one of its sessions, or all of an operator; the hashes of what ended."""
    if operator_id is None and provider_session is None:
        return []
    ending = delete(WebSession).where(WebSession.provider_issuer == issuer)
    if operator_id is not None:
        ending = ending.where(WebSession.operator_id == operator_id)
    if provider_session is not None:
        ending = ending.where(WebSession.provider_session == provider_session)
    hashes = []
    rows = await db.execute(ending.returning(WebSession.session_hash, WebSession.session_id, WebSession.operator_id))
    for session_hash, session_id, whose in rows.all():
        hashes.append(session_hash)
        await record(db, _entry(SYSTEM, "session.signed_out", str(session_id), now, operator_id=whose, issuer=issuer))
    return hashes


def _entry(by: str, what: str, subject_id: str, now: datetime, **details: JsonValue) -> Entry:
    return Entry(
        at=now, who=by, what=what, subject_kind="session", subject_id=subject_id, version=None, details=details
    )
