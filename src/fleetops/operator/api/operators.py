"""Operators, managed by supervisors: make one, change its role, disable it, reset it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.auth.roles import Role
from fleetops.contracts.wire import UtcMs
from fleetops.db.transaction import transact
from fleetops.operator import access, accounts, people
from fleetops.operator.accounts import Account
from fleetops.operator.views import View
from fleetops.settings import Settings
from fleetops.web import problems

from .callers import InRuntime, InTransaction, Supervisor
from .paging import decode_cursor, encode_cursor
from .schemas import STORABLE, Command, Cursor

router = APIRouter(prefix="/operators", tags=["operators"])

Id = Annotated[str, Path(max_length=255, pattern=STORABLE)]


class OperatorView(View):
    """A person who may sign in, or might."""

    operator_id: str
    display_name: str
    role: Role
    created_at: UtcMs
    disabled_at: Annotated[UtcMs | None, Field(description="since when it may not sign in; null = it may")]
    has_password: bool
    provided: Annotated[bool, Field(description="an OpenID provider lets it in, and gives it its role")]


class OperatorPage(View):
    """Operators by id."""

    operators: list[OperatorView]
    next: Cursor


class NewOperator(Command):
    """An operator to be made."""

    operator_id: Annotated[str, Field(pattern=f"^{access.NAME}$", examples=["operator_007"])]
    display_name: Annotated[
        str | None, Field(min_length=1, max_length=200, pattern=STORABLE, description="made of the id when left out")
    ] = None
    role: Role


class RoleCommand(Command):
    """The role to be given."""

    role: Role


class Invited(View):
    """An operator, and the link that signs it in. It is seen this once: hand it over."""

    operator: OperatorView
    login_link: Annotated[str, Field(description="works once, until `link_expires_at`")]
    link_expires_at: UtcMs


@router.get("", responses=problems(401, 403, 422))
async def list_operators(
    _: Supervisor,
    db: InTransaction,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> OperatorPage:
    """Everyone who may sign in, or might once."""
    after = None if cursor is None else decode_cursor(cursor, 1)[0]
    found = await accounts.list_accounts(db, after, limit + 1)
    page = found[:limit]
    return OperatorPage(
        operators=[_view(account) for account in page],
        next=encode_cursor(page[-1].operator_id) if len(found) > limit else None,
    )


@router.post("", status_code=201, responses=problems(401, 403, 409, 422))
async def create_operator(caller: Supervisor, runtime: InRuntime, body: NewOperator) -> Invited:
    """Make an operator, with a link to sign in by, once."""
    now = datetime.now(UTC)
    name = body.display_name or access.readable(body.operator_id)

    async def work(db: AsyncSession) -> tuple[Account, str]:
        return await accounts.create(db, caller.operator_id, body.operator_id, name, body.role, now)

    account, link = await transact(runtime.sessions, work)
    return _invited(runtime.settings, account, link, now)


@router.post("/{operator_id}/role", responses=problems(401, 403, 404, 409, 422))
async def change_operator_role(
    caller: Supervisor, runtime: InRuntime, operator_id: Id, body: RoleCommand
) -> OperatorView:
    """Give an operator another role, from its next request on. Nobody changes their own."""
    now = datetime.now(UTC)
    return _view(
        await transact(
            runtime.sessions,
            lambda db: accounts.change_role(db, caller.operator_id, operator_id, body.role, now),
        )
    )


@router.post("/{operator_id}/disable", responses=problems(401, 403, 404, 409, 422))
async def disable_operator(caller: Supervisor, runtime: InRuntime, operator_id: Id) -> OperatorView:
    """Let an operator in no more: its sessions, sockets and links end now."""
    now = datetime.now(UTC)
    account, ended = await transact(
        runtime.sessions, lambda db: accounts.disable(db, caller.operator_id, operator_id, now)
    )
    runtime.hub.sign_out(*ended)
    return _view(account)


@router.post("/{operator_id}/enable", responses=problems(401, 403, 404, 409, 422))
async def enable_operator(caller: Supervisor, runtime: InRuntime, operator_id: Id) -> OperatorView:
    """Let a disabled operator in again."""
    now = datetime.now(UTC)
    return _view(await transact(runtime.sessions, lambda db: accounts.enable(db, caller.operator_id, operator_id, now)))


@router.post("/{operator_id}/reset", responses=problems(401, 403, 404, 409, 422))
async def reset_operator(caller: Supervisor, runtime: InRuntime, operator_id: Id) -> Invited:
    """Forget an operator's password, sessions and links; it signs in anew by the link in the answer."""
    now = datetime.now(UTC)
    account, link, ended = await transact(
        runtime.sessions, lambda db: accounts.reset(db, caller.operator_id, operator_id, now)
    )
    runtime.hub.sign_out(*ended)
    return _invited(runtime.settings, account, link, now)


def _invited(settings: Settings, account: Account, link: str, now: datetime) -> Invited:
    return Invited(
        operator=_view(account),
        login_link=access.login_link(settings, link),
        link_expires_at=now + people.LINK_LIFE,
    )


def _view(account: Account) -> OperatorView:
    return OperatorView(
        operator_id=account.operator_id,
        display_name=account.display_name,
        role=account.role,
        created_at=account.created_at,
        disabled_at=account.disabled_at,
        has_password=account.has_password,
        provided=account.provided,
    )
