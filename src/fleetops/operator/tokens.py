"""API tokens, with which programs come in. What is stored of one is its hash.

A name is held by one token at a time, the database sees to it; when it is revoked, a new
one may take the name, so that a program keeps what its actions are signed with.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from pydantic import JsonValue
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.auth.roles import Role
from fleetops.auth.secrets import new_secret, secret_hash
from fleetops.contracts.wire import format_utc_ms
from fleetops.db.access import ApiToken
from fleetops.errors import ConflictError, InvalidRequestError, NotFoundError

from .audit import Entry, record


@dataclass(frozen=True, slots=True)
class Token:
    """A program's credential, without the secret itself."""

    token_id: UUID
    name: str
    role: Role
    created_at: datetime
    created_by: str | None
    expires_at: datetime | None
    revoked_at: datetime | None


async def create(
    db: AsyncSession, by: str, role: Role, name: str, expires_at: datetime | None, now: datetime
) -> tuple[Token, str]:
    """A new token and its secret, which is seen this once. `name` is what its actions are signed with.

    Raises:
        ConflictError: a token of this name is in use.
        InvalidRequestError: it would have expired already.
    """
    if expires_at is not None and expires_at <= now:
        raise InvalidRequestError("expires_at has passed already; name a time to come, or none")
    secret = new_secret("flt")
    made = await db.scalar(
        insert(ApiToken)
        .values(
            token_id=uuid4(),
            name=name,
            role=role.value,
            token_hash=secret_hash(secret),
            created_at=now,
            created_by=by,
            expires_at=expires_at,
        )
        .on_conflict_do_nothing(index_elements=[ApiToken.name], index_where=ApiToken.revoked_at.is_(None))
        .returning(ApiToken)
    )
    if made is None:
        raise ConflictError(f"a token named {name!r} is in use; revoke it first, or give this one another name")
    until = None if expires_at is None else format_utc_ms(expires_at)
    entry = _entry(by, "token.created", str(made.token_id), now, name=name, role=role.value, expires_at=until)
    await record(db, entry)
    return _token(made), secret


async def list_tokens(db: AsyncSession, after: tuple[datetime, UUID] | None, limit: int | None) -> list[Token]:
    """Tokens, newest first, revoked ones too; those older than `after`."""
    query = select(ApiToken).order_by(ApiToken.created_at.desc(), ApiToken.token_id.desc()).limit(limit)
    if after is not None:
        at, token_id = after
        older = ApiToken.created_at < at
        query = query.where(older | ((ApiToken.created_at == at) & (ApiToken.token_id < token_id)))
    return [_token(row) for row in await db.scalars(query)]


async def revoke(db: AsyncSession, by: str, token_id: UUID, now: datetime) -> tuple[Token, str]:
    """Let a token in no more; it, and its hash. Doing it again changes nothing.

    Raises:
        NotFoundError: there is no such token.
    """
    token = await db.get(ApiToken, token_id, with_for_update=True)
    if token is None:
        raise NotFoundError("token", token_id)
    if token.revoked_at is None:
        token.revoked_at = now
        await record(db, _entry(by, "token.revoked", str(token_id), now, name=token.name))
        await db.flush()
    return _token(token), token.token_hash


async def in_use(db: AsyncSession, name: str) -> UUID:
    """The id of the token that holds `name`.

    Raises:
        NotFoundError: none does.
    """
    found = await db.scalar(select(ApiToken.token_id).where(ApiToken.name == name, ApiToken.revoked_at.is_(None)))
    if found is None:
        raise NotFoundError("token", name)
    return found


def _token(row: ApiToken) -> Token:
    return Token(
        token_id=row.token_id,
        name=row.name,
        role=Role(row.role),
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )


def _entry(by: str, what: str, subject_id: str, now: datetime, **details: JsonValue) -> Entry:
    return Entry(at=now, who=by, what=what, subject_kind="token", subject_id=subject_id, version=None, details=details)
