"""What commands need to let people and programs in: a one-time link, a token."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.auth.roles import Role
from fleetops.db.engine import create_engine, session_factory, wait_until_up
from fleetops.db.migrate import require_schema
from fleetops.db.transaction import transact
from fleetops.errors import ConfigurationError
from fleetops.settings import Settings

from . import people

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def make_login_link(settings: Settings, operator_id: str = "operator_001", role: Role = Role.OPERATOR) -> str:
    """The address that signs `operator_id` in: once, within ten minutes. Makes the operator if need be.

    Raises:
        ConfigurationError: no database is configured, or the id is not one.
        DatabaseError: it does not answer, or lacks our tables.
    """
    _check_name("operator id", operator_id)

    async def work(db: AsyncSession) -> str:
        await people.ensure_operator(db, operator_id, operator_id.replace("_", " ").capitalize(), role)
        return await people.new_login_link(db, operator_id, datetime.now(UTC))

    return f"{console_url(settings)}/auth/link?token={quote(_in_database(settings, work))}"


def create_token(settings: Settings, role: Role, name: str) -> str:
    """A new API token. This is the only time that it is seen: what is stored is its hash.

    Raises:
        ConfigurationError: no database is configured, or the name cannot be one.
        ConflictError: the name is taken.
        DatabaseError: the database does not answer, or lacks our tables.
    """
    _check_name("token name", name)

    async def work(db: AsyncSession) -> str:
        return await people.new_token(db, role, name, datetime.now(UTC))

    return _in_database(settings, work)


def console_url(settings: Settings) -> str:
    """Where browsers find the console, without a slash at the end."""
    if settings.operator.public_url is not None:
        return settings.operator.public_url.rstrip("/")
    host = settings.operator.host
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - no address to bind, but one that a browser cannot open
        host = "127.0.0.1"
    return f"http://[{host}]:{settings.operator.port}" if ":" in host else f"http://{host}:{settings.operator.port}"


def _check_name(kind: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"{name!r} cannot be a {kind}: use up to 64 letters, digits, '_', '-' and '.'")


def _in_database(settings: Settings, work: Callable[[AsyncSession], Awaitable[str]]) -> str:
    async def run() -> str:
        engine = create_engine(settings, "fleetops", pool_size=1)
        try:
            await wait_until_up(engine, settings.operator.database_timeout_s)
            await require_schema(engine)
            return await transact(session_factory(engine), work)
        finally:
            await engine.dispose()

    return asyncio.run(run())
