"""Passwords of local accounts: set by who is signed in, checked at the door. Argon2id, nothing else is kept.

Hashing takes tens of milliseconds and 64 MiB on purpose, so it is done in a thread, outside of
any transaction, and one at a time: guesses from many addresses cannot take the machine's memory.
"""

from __future__ import annotations

import asyncio
import threading
from datetime import datetime, timedelta
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from fleetops.db.access import OperatorAccount, OperatorIdentity, WebSession
from fleetops.db.transaction import transact
from fleetops.errors import AuthenticationError, ConflictError

from . import people
from .audit import Entry, record

SHORTEST: Final = 12
LONGEST: Final = 256

_hasher = PasswordHasher()  # RFC 9106's low-memory profile, the library's default
_NOBODYS: Final = _hasher.hash("no account has this password")
_one_at_a_time = threading.Lock()


async def sign_in(
    sessions: async_sessionmaker[AsyncSession], operator_id: str, password: str, now: datetime, life: timedelta
) -> str:
    """The secret of the session that an operator's password opens.

    An operator that does not exist takes as long as a wrong password, and gets the same answer.

    Raises:
        AuthenticationError: there is no such operator, it has no or another password, or it is disabled.
    """
    async with sessions() as db:
        stored = await db.scalar(
            select(OperatorAccount.password_hash).where(
                OperatorAccount.operator_id == operator_id, OperatorAccount.disabled_at.is_(None)
            )
        )
    if not await asyncio.to_thread(_matches, stored or _NOBODYS, password) or stored is None:
        raise AuthenticationError("operator and password do not match")

    async def work(db: AsyncSession) -> str:
        account = await db.get(OperatorAccount, operator_id, with_for_update=True)
        if account is None or account.password_hash != stored or account.disabled_at is not None:
            raise AuthenticationError("operator and password do not match")
        return await people.open_session(db, operator_id, "password", now, life)

    return await transact(sessions, work)


async def set_password(
    sessions: async_sessionmaker[AsyncSession],
    operator_id: str,
    current: str | None,
    new: str,
    now: datetime,
    keep_session: str,
) -> list[str]:
    """Give a signed-in operator a new password and end its other sessions; the hashes of what ended.

    Raises:
        AuthenticationError: there is a password already, and `current` is not it.
        ConflictError: an OpenID provider lets this operator in.
    """
    async with sessions() as db:
        stored = await db.scalar(
            select(OperatorAccount.password_hash).where(OperatorAccount.operator_id == operator_id)
        )
    if stored is not None and not await asyncio.to_thread(_matches, stored, current or ""):
        raise AuthenticationError("the current password is another; state it, or ask a supervisor for a reset")
    made = await asyncio.to_thread(_hash, new)

    async def work(db: AsyncSession) -> list[str]:
        if await db.scalar(select(OperatorIdentity.subject).where(OperatorIdentity.operator_id == operator_id)):
            raise ConflictError(f"{operator_id} signs in with the OpenID provider, and needs no password here")
        account = await db.get_one(OperatorAccount, operator_id, with_for_update=True)
        if account.password_hash != stored:
            raise ConflictError("the password was changed at the same moment; try again")
        account.password_hash = made
        ended = await db.scalars(
            delete(WebSession)
            .where(WebSession.operator_id == operator_id, WebSession.session_hash != keep_session)
            .returning(WebSession.session_hash)
        )
        await record(db, Entry(now, operator_id, "operator.password_set", "operator", operator_id))
        return list(ended)

    return await transact(sessions, work)


def _matches(stored: str, password: str) -> bool:
    with _one_at_a_time:
        try:
            return _hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def _hash(password: str) -> str:
    with _one_at_a_time:
        return _hasher.hash(password)
