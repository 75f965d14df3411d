"""What an operator is called whom an OpenID provider lets in, against the database."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from fleetops.auth.oidc.claims import Identity
from fleetops.auth.roles import Role
from fleetops.db.access import OperatorAccount
from fleetops.db.transaction import transact
from fleetops.errors import ConfigurationError, ConflictError
from fleetops.operator import access, accounts, identities
from fleetops.operator.audit import SYSTEM
from fleetops.operator.people import COMMAND_LINE
from fleetops.settings import Settings

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

Sessions = async_sessionmaker[AsyncSession]


def somebody(username: str) -> Identity:
    """One person of the company, who chose this name there."""
    return Identity("https://id.example", f"subject of {username}", username, "Jo", Role.OPERATOR, None)


async def comes_in(sessions: Sessions, who: Identity) -> str:
    """The secret of their new session."""
    return await transact(sessions, lambda db: identities.sign_in(db, who, NOW, timedelta(hours=1)))


async def everyone(sessions: Sessions) -> list[str]:
    """The ids of all operators."""
    async with sessions() as db:
        return list(await db.scalars(select(OperatorAccount.operator_id)))


@pytest.mark.parametrize("name", [SYSTEM, COMMAND_LINE, "System"])
async def test_nobody_is_called_what_the_audit_log_calls_us(sessions: Sessions, name: str) -> None:
    """Whoever names themselves so at the company, or is so named here, could else act and it would be nobody."""
    await comes_in(sessions, somebody(name))
    [operator_id] = await everyone(sessions)
    assert operator_id.startswith(f"{name}-")
    with pytest.raises(ConflictError, match="another id"):
        await transact(sessions, lambda db: accounts.create(db, "boss", name, "Jo", Role.OPERATOR, NOW))
    with pytest.raises(ConfigurationError, match="another id"):
        access.make_login_link(Settings(), name)


async def test_who_comes_for_the_first_time_twice_at_once_is_one_operator(sessions: Sessions) -> None:
    """Two tabs, one person: each gets a session of the same operator."""
    who = somebody("jo")
    secrets = await asyncio.gather(*(comes_in(sessions, who) for _ in range(4)))
    assert len(set(secrets)) == 4
    assert await everyone(sessions) == ["jo"]
