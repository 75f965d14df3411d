"""What commands need to let people and programs in: a one-time link, a token."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote

from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.auth.roles import Role
from fleetops.errors import ConfigurationError
from fleetops.settings import Settings

from . import people, tokens
from .commanding import in_database

NAME: Final = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
"""What operators' ids and tokens' names are made of."""


def make_login_link(settings: Settings, operator_id: str = "operator_001", role: Role = Role.OPERATOR) -> str:
    """The address that signs `operator_id` in: once, within ten minutes. Makes the operator if need be.

    Raises:
        ConfigurationError: no database is configured, or the id is not one.
        DatabaseError: it does not answer, or lacks our tables.
    """
    _check_name("operator id", operator_id)
    if people.is_ours(operator_id):
        raise ConfigurationError(f"{operator_id!r} is what the audit log calls FleetOps itself; choose another id")

    async def work(db: AsyncSession) -> str:
        now = datetime.now(UTC)
        await people.ensure_operator(db, operator_id, readable(operator_id), role, now)
        return await people.new_login_link(db, operator_id, now)

    return login_link(settings, in_database(settings, work))


def login_link(settings: Settings, secret: str) -> str:
    """The address that a browser opens to sign in with a link's secret."""
    return f"{console_url(settings)}/auth/link?token={quote(secret)}"


def readable(operator_id: str) -> str:
    """What to call an operator of whom nothing but the id is known: `operator_001` is Operator 001."""
    return operator_id.replace("_", " ").capitalize()


def create_token(settings: Settings, role: Role, name: str, life: timedelta | None = None) -> str:
    """A new API token. This is the only time that it is seen: what is stored is its hash.

    It holds for `life`, or until it is revoked.

    Raises:
        ConfigurationError: no database is configured, or the name cannot be one.
        ConflictError: the name is taken.
        DatabaseError: the database does not answer, or lacks our tables.
    """
    _check_name("token name", name)

    async def work(db: AsyncSession) -> str:
        now = datetime.now(UTC)
        _, secret = await tokens.create(db, people.COMMAND_LINE, role, name, None if life is None else now + life, now)
        return secret

    return in_database(settings, work)


def list_tokens(settings: Settings) -> list[tokens.Token]:
    """All tokens, newest first.

    Raises:
        ConfigurationError: no database is configured.
        DatabaseError: it does not answer, or lacks our tables.
    """
    return in_database(settings, lambda db: tokens.list_tokens(db, None, None))


def revoke_token(settings: Settings, name: str) -> None:
    """Let the token of this name in no more. Sockets that it opened are closed within 15 s.

    Raises:
        ConfigurationError: no database is configured.
        NotFoundError: no token in use has this name.
        DatabaseError: the database does not answer, or lacks our tables.
    """

    async def work(db: AsyncSession) -> None:
        await tokens.revoke(db, people.COMMAND_LINE, await tokens.in_use(db, name), datetime.now(UTC))

    in_database(settings, work)


def console_url(settings: Settings) -> str:
    """Where browsers find the console, without a slash at the end."""
    if settings.operator.public_url is not None:
        return settings.operator.public_url.rstrip("/")
    host = settings.operator.host
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - no address to bind, but one that a browser cannot open
        host = "127.0.0.1"
    return f"http://[{host}]:{settings.operator.port}" if ":" in host else f"http://{host}:{settings.operator.port}"


def _check_name(kind: str, name: str) -> None:
    if not re.fullmatch(NAME, name):
        raise ConfigurationError(f"{name!r} cannot be a {kind}: use up to 64 letters, digits, '_', '-' and '.'")
