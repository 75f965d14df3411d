"""Operators whom an OpenID provider lets in: found by what the provider calls them, made when they first come.

Functions take a session of the database and never commit.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from pydantic import JsonValue
from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.auth.oidc.claims import Ended, Identity
from fleetops.db.access import OperatorAccount, OperatorIdentity
from fleetops.errors import AuthenticationError

from . import people, signins
from .audit import SYSTEM, Entry, record

_NOT_IN_IDS: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST_ID: Final = 64


async def sign_in(db: AsyncSession, who: Identity, now: datetime, life: timedelta) -> str:
    """The secret of the session that the provider's word opens. Name and role are the provider's, each time anew.

    Raises:
        AuthenticationError: the operator is disabled here.
    """
    operator_id = await _known(db, who) or await _made(db, who, now)
    operator = await db.get_one(OperatorAccount, operator_id, with_for_update=True)
    if operator.disabled_at is not None:
        raise AuthenticationError(f"{operator_id} is disabled here; ask a supervisor")
    operator.display_name = who.display_name
    if operator.role != who.role.value:
        details: dict[str, JsonValue] = {"role": who.role.value, "before": operator.role, "issuer": who.issuer}
        operator.role = who.role.value
        await record(db, Entry(now, SYSTEM, "operator.role_changed", "operator", operator_id, details=details))
    provided = people.Provided(who.issuer, who.session)
    return await people.open_session(db, operator_id, "oidc", now, life, provided)


async def end(db: AsyncSession, ended: Ended, now: datetime) -> list[str]:
    """End the sessions that the provider says have ended; the hashes of what was open."""
    operator_id = None
    if ended.subject is not None:
        operator_id = await db.scalar(_operator_of(ended.issuer, ended.subject))
        if operator_id is None:
            return []
    return await signins.end_provided(db, ended.issuer, operator_id, ended.session, now)


async def _known(db: AsyncSession, who: Identity) -> str | None:
    return await db.scalar(_operator_of(who.issuer, who.subject))


async def _made(db: AsyncSession, who: Identity, now: datetime) -> str:
    """A new operator. One who is here already is never taken over, whatever the provider calls its people."""
    for operator_id in _ids(who):
        values = {"operator_id": operator_id, "display_name": who.display_name, "role": who.role.value}
        making = insert(OperatorAccount).values(values).on_conflict_do_nothing().returning(OperatorAccount.operator_id)
        if await db.scalar(making) is not None:
            break
    else:
        raise AuthenticationError(f"every id that {who.username!r} could have here is taken; ask a supervisor")
    # Where the same person comes twice at once, one of the two fails here, is begun anew, and finds the other's.
    db.add(OperatorIdentity(issuer=who.issuer, subject=who.subject, operator_id=operator_id))
    await db.flush()
    details: dict[str, JsonValue] = {"role": who.role.value, "issuer": who.issuer, "subject": who.subject}
    await record(db, Entry(now, SYSTEM, "operator.created", "operator", operator_id, details=details))
    return operator_id


def _ids(who: Identity) -> Iterator[str]:
    """What the operator could be called: as at the provider, else with something that only this person has."""
    name = _NOT_IN_IDS.sub("_", who.username).lstrip("_.-")[:_LONGEST_ID]
    if name and not people.is_ours(name):  # people choose their names at some providers
        yield name
    mark = hashlib.sha256(f"{who.issuer}\0{who.subject}".encode()).hexdigest()
    yield f"{name[: _LONGEST_ID - 9] or 'oidc'}-{mark[:8]}"
    yield mark


def _operator_of(issuer: str, subject: str) -> Select[str]:
    return select(OperatorIdentity.operator_id).where(
        OperatorIdentity.issuer == issuer, OperatorIdentity.subject == subject
    )
