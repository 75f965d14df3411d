"""API tokens, managed by supervisors."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.auth.roles import Role
from fleetops.contracts.wire import Moment, UtcMs
from fleetops.db.transaction import transact
from fleetops.operator import access, tokens
from fleetops.operator.tokens import Token
from fleetops.operator.views import View
from fleetops.web import problems

from .callers import InRuntime, InTransaction, Supervisor
from .paging import decode_moment, encode_moment
from .schemas import Command, Cursor

router = APIRouter(prefix="/tokens", tags=["tokens"])


class TokenView(View):
    """A program's credential, without the secret."""

    token_id: UUID
    name: Annotated[str, Field(description="its actions are signed `token:NAME`")]
    role: Role
    created_at: UtcMs
    created_by: str | None
    expires_at: Annotated[UtcMs | None, Field(description="null = it holds until it is revoked")]
    revoked_at: UtcMs | None


class TokenPage(View):
    """Tokens, newest first, revoked and expired ones too."""

    tokens: list[TokenView]
    next: Cursor


class NewToken(Command):
    """A token to be made."""

    name: Annotated[str, Field(pattern=f"^{access.NAME}$", examples=["nightly-export"])]
    role: Role
    expires_at: Annotated[Moment | None, Field(description="null = it holds until it is revoked")] = None


class MadeToken(View):
    """A new token, and its secret, which is seen this once."""

    token: TokenView
    secret: Annotated[str, Field(description="show it as `Authorization: Bearer SECRET`")]


@router.get("", responses=problems(401, 403, 422))
async def list_tokens(
    _: Supervisor,
    db: InTransaction,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> TokenPage:
    """The tokens that were made."""
    found = await tokens.list_tokens(db, None if cursor is None else decode_moment(cursor), limit + 1)
    page = found[:limit]
    return TokenPage(
        tokens=[_view(token) for token in page],
        next=encode_moment(page[-1].created_at, page[-1].token_id) if len(found) > limit else None,
    )


@router.post("", status_code=201, responses=problems(401, 403, 409, 422))
async def create_token(caller: Supervisor, runtime: InRuntime, body: NewToken) -> MadeToken:
    """Make a token. No two in use have one name."""
    now = datetime.now(UTC)

    async def work(db: AsyncSession) -> tuple[Token, str]:
        return await tokens.create(db, caller.operator_id, body.role, body.name, body.expires_at, now)

    token, secret = await transact(runtime.sessions, work)
    return MadeToken(token=_view(token), secret=secret)


@router.delete("/{token_id}", responses=problems(401, 403, 404, 422))
async def revoke_token(caller: Supervisor, runtime: InRuntime, token_id: UUID) -> TokenView:
    """Let a token in no more, and close its sockets. Doing it again changes nothing."""
    now = datetime.now(UTC)
    token, ended = await transact(runtime.sessions, lambda db: tokens.revoke(db, caller.operator_id, token_id, now))
    runtime.hub.sign_out(ended)
    return _view(token)


def _view(token: Token) -> TokenView:
    return TokenView(
        token_id=token.token_id,
        name=token.name,
        role=token.role,
        created_at=token.created_at,
        created_by=token.created_by,
        expires_at=token.expires_at,
        revoked_at=token.revoked_at,
    )
