"""Who may come in: operators, their one-time links and sessions, programs by their tokens.

Functions take a session of the database and never commit. A secret leaves only as the
return value of the function that made it; what is stored is its hash.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from pydantic import JsonValue
from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.auth.roles import Principal, Role
from fleetops.auth.secrets import new_secret, secret_hash
from fleetops.db.access import ApiToken, IdempotencyKey, LoginLink, OperatorAccount, WebSession
from fleetops.errors import AuthenticationError

from .audit import SYSTEM, Entry, record
from .origin import current_origin

LINK_LIFE: Final = timedelta(minutes=10)
_SEEN_EVERY: Final = timedelta(minutes=1)
_KEYS_KEPT: Final = timedelta(hours=24)
COMMAND_LINE: Final = "command-line"
"""Who acts where someone who holds the database's password uses `fleetops`."""
PROGRAM: Final = "token:"
"""How the operator ids of programs begin, which no person's does."""
_OURS: Final = frozenset({SYSTEM, COMMAND_LINE})


@dataclass(frozen=True, slots=True)
class Credential:
    """A valid credential: who shows it, what it is stored as, and until when it holds."""

    principal: Principal
    hash: str
    expires_at: datetime | None
    by_cookie: bool


@dataclass(frozen=True, slots=True)
class Provided:
    """The OpenID provider that lets an operator in, and what it calls its own session, where it says so."""

    issuer: str
    session: str | None


def is_ours(operator_id: str) -> bool:
    """Whether the audit log says `operator_id` of what no person did, so that none may be called that."""
    return operator_id.casefold() in _OURS


async def ensure_operator(db: AsyncSession, operator_id: str, display_name: str, role: Role, now: datetime) -> None:
    """Make an operator, or leave the one there is as it is."""
    values = {"operator_id": operator_id, "display_name": display_name, "role": role.value}
    made = insert(OperatorAccount).values(values).on_conflict_do_nothing().returning(OperatorAccount.operator_id)
    if await db.scalar(made) is not None:
        details: dict[str, JsonValue] = {"role": role.value}
        await record(db, _entry(COMMAND_LINE, "operator.created", "operator", operator_id, now, details))


async def new_login_link(db: AsyncSession, operator_id: str, now: datetime) -> str:
    """A secret that signs `operator_id` in once, within ten minutes."""
    secret = new_secret("fll")
    db.add(LoginLink(token_hash=secret_hash(secret), operator_id=operator_id, expires_at=now + LINK_LIFE))
    await db.flush()
    return secret


async def sign_in(db: AsyncSession, link: str, now: datetime, life: timedelta) -> str:
    """Use up a login link; the secret of the session it opens.

    Raises:
        AuthenticationError: it was used, has expired, never was, or its operator is disabled.
    """
    used = await db.scalar(
        update(LoginLink)
        .where(LoginLink.token_hash == secret_hash(link), LoginLink.used_at.is_(None), LoginLink.expires_at > now)
        .where(LoginLink.operator_id == OperatorAccount.operator_id, OperatorAccount.disabled_at.is_(None))
        .values(used_at=now)
        .returning(LoginLink.operator_id)
    )
    if used is None:
        raise AuthenticationError("this login link was used already, or is too old; ask for a new one")
    return await open_session(db, used, "link", now, life)


async def open_session(
    db: AsyncSession,
    operator_id: str,
    by_what: str,
    now: datetime,
    life: timedelta,
    provided: Provided | None = None,
) -> str:
    """The secret of a new session of an operator who proved who it is `by_what`."""
    secret, origin = new_secret("fls"), current_origin()
    session = WebSession(
        session_hash=secret_hash(secret),
        session_id=uuid4(),
        operator_id=operator_id,
        created_at=now,
        expires_at=now + life,
        last_seen_at=now,
        address=origin.address,
        user_agent=origin.client,
        provider_issuer=provided and provided.issuer,
        provider_session=provided and provided.session,
    )
    db.add(session)
    await db.flush()
    details: dict[str, JsonValue] = {"operator_id": operator_id, "by": by_what}
    await record(db, _entry(operator_id, "session.signed_in", "session", str(session.session_id), now, details))
    return secret


async def by_session(db: AsyncSession, secret: str, now: datetime) -> Credential:
    """Whose session it is.

    Raises:
        AuthenticationError: it ended, never was, or its operator is disabled.
    """
    row = (
        await db.execute(
            select(WebSession, OperatorAccount)
            .join(OperatorAccount, OperatorAccount.operator_id == WebSession.operator_id)
            .where(WebSession.session_hash == secret_hash(secret), WebSession.expires_at > now)
            .where(OperatorAccount.disabled_at.is_(None))
        )
    ).one_or_none()
    if row is None:
        raise AuthenticationError("the session has ended; sign in again")
    session, operator = row
    if now - session.last_seen_at >= _SEEN_EVERY:
        session.last_seen_at = now
    principal = Principal(operator.operator_id, operator.display_name, Role(operator.role))
    return Credential(principal, session.session_hash, session.expires_at, by_cookie=True)


async def by_token(db: AsyncSession, secret: str, now: datetime) -> Credential:
    """Which program's API token it is; it acts as `token:NAME`.

    Raises:
        AuthenticationError: it expired, was revoked, or never was.
    """
    token = await db.scalar(
        select(ApiToken)
        .where(ApiToken.token_hash == secret_hash(secret), ApiToken.revoked_at.is_(None))
        .where(or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now))
    )
    if token is None:
        raise AuthenticationError("the token is not valid; make one with `fleetops token create --role ROLE`")
    principal = Principal(PROGRAM + token.name, token.name, Role(token.role))
    return Credential(principal, token.token_hash, token.expires_at, by_cookie=False)


async def sign_out(db: AsyncSession, session_hash: str, now: datetime) -> str | None:
    """End a session. One that has ended already stays ended.

    Returns:
        The issuer of the OpenID provider that had let it in, if one had.
    """
    ended = await db.execute(
        delete(WebSession)
        .where(WebSession.session_hash == session_hash)
        .returning(WebSession.operator_id, WebSession.session_id, WebSession.provider_issuer)
    )
    row = ended.one_or_none()
    if row is None:
        return None
    operator_id, session_id, issuer = row
    await record(db, _entry(operator_id, "session.signed_out", "session", str(session_id), now, {}))
    return issuer


async def still_valid(db: AsyncSession, hashes: list[str], now: datetime) -> set[str]:
    """Those of `hashes` whose session or token still holds."""
    sessions = (
        select(WebSession.session_hash)
        .join(OperatorAccount, OperatorAccount.operator_id == WebSession.operator_id)
        .where(WebSession.session_hash.in_(hashes), WebSession.expires_at > now)
        .where(OperatorAccount.disabled_at.is_(None))
    )
    tokens = (
        select(ApiToken.token_hash)
        .where(ApiToken.token_hash.in_(hashes), ApiToken.revoked_at.is_(None))
        .where(or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now))
    )
    return set(await db.scalars(sessions.union(tokens)))


async def prune(db: AsyncSession, now: datetime) -> None:
    """Forget links, sessions and idempotency keys that no longer mean anything."""
    await db.execute(delete(LoginLink).where(LoginLink.expires_at < now))
    await db.execute(delete(WebSession).where(WebSession.expires_at < now))
    await db.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < now - _KEYS_KEPT))


def _entry(who: str, what: str, kind: str, subject_id: str, now: datetime, details: Mapping[str, JsonValue]) -> Entry:
    return Entry(at=now, who=who, what=what, subject_kind=kind, subject_id=subject_id, version=None, details=details)
