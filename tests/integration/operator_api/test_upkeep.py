"""Credentials that ended elsewhere, and what access leaves behind, against the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from fleetops.auth.roles import Role
from fleetops.auth.secrets import secret_hash
from fleetops.db.access import ApiToken, IdempotencyKey, LoginLink, WebSession
from fleetops.db.transaction import transact
from fleetops.operator import people, tokens
from fleetops.operator.live.events import CloseCode
from fleetops.operator.live.hub import Console, Hub
from fleetops.operator.upkeep import Upkeep

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)

Sessions = async_sessionmaker[AsyncSession]


async def signed_in(sessions: Sessions, operator_id: str, now: datetime) -> str:
    """The hash of a new session of an operator, which lasts an hour."""

    async def work(db: AsyncSession) -> str:
        await people.ensure_operator(db, operator_id, operator_id, Role.OPERATOR, now)
        return await people.sign_in(db, await people.new_login_link(db, operator_id, now), now, HOUR)

    return secret_hash(await transact(sessions, work))


async def test_sockets_end_with_what_opened_them_on_any_replica(sessions: Sessions) -> None:
    """A session that expired, one that was signed out elsewhere, a revoked token: closed; the others stay."""
    expired = Console(await signed_in(sessions, "one", NOW - 2 * HOUR))
    elsewhere = Console(await signed_in(sessions, "two", NOW))
    here = Console(await signed_in(sessions, "three", NOW))
    _, token = await transact(sessions, lambda db: tokens.create(db, "jo", Role.VIEWER, "nightly", None, NOW))
    revoked, kept = Console(secret_hash(token)), Console(here.credential)
    hub = Hub()
    hub.consoles |= {expired, elsewhere, here, revoked, kept}
    await transact(sessions, lambda db: people.sign_out(db, elsewhere.credential, NOW))
    async with sessions() as db, db.begin():
        await db.execute(update(ApiToken).values(revoked_at=NOW))
    await Upkeep(sessions, hub).check_credentials(NOW)
    assert [console.closing for console in (expired, elsewhere, revoked)] == [CloseCode.SIGNED_OUT] * 3
    assert [console.closing for console in (here, kept)] == [None, None]


async def test_what_means_nothing_any_more_is_pruned(sessions: Sessions) -> None:
    """Old links, sessions and keys go; what still holds stays."""
    await signed_in(sessions, "old", NOW - 30 * HOUR)
    await signed_in(sessions, "new", NOW)
    async with sessions() as db, db.begin():
        for key, age in (("old", 25), ("new", 23)):
            db.add(IdempotencyKey(operator_id="o", key=key, request_hash="", created_at=NOW - age * HOUR))
    await transact(sessions, lambda db: people.prune(db, NOW))
    async with sessions() as db:
        for table in (LoginLink, WebSession, IdempotencyKey):
            assert await db.scalar(select(func.count()).select_from(table)) == 1, table.__tablename__


async def test_a_session_says_when_it_was_last_seen_but_does_not_write_each_time(sessions: Sessions) -> None:
    """Once a minute is enough for a list of sessions, and spares a write per request."""

    async def enter(db: AsyncSession) -> str:
        await people.ensure_operator(db, "jo", "Jo", Role.VIEWER, NOW)
        return await people.sign_in(db, await people.new_login_link(db, "jo", NOW), NOW, HOUR)

    secret = await transact(sessions, enter)
    for seconds, expected in ((30, 0), (61, 61), (90, 61)):
        at = NOW + timedelta(seconds=seconds)
        async with sessions() as db, db.begin():
            await people.by_session(db, secret, at)
        async with sessions() as db:
            assert await db.scalar(select(WebSession.last_seen_at)) == NOW + timedelta(seconds=expected)
