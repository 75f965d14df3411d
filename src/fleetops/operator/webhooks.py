"""Webhooks: who else is told of events, and how far each has been told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.contracts.wire import format_utc_ms
from fleetops.db.models import OutboxCounter, OutboxKind, OutboxRow
from fleetops.db.noise import Webhook
from fleetops.errors import ConflictError, NotFoundError

from . import audit
from .outbox import last_seq
from .webhook_signature import new_webhook_secret

MOST: Final = 50
"""Each has a request of its own under way."""

_LONGEST_PAUSE_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Due:
    """A webhook that has something coming, as it is to be called now."""

    webhook_id: UUID
    url: str
    secret: str
    events: frozenset[OutboxKind]
    delivered_seq: int
    version: int


def pause_s(failures: int) -> float:
    """How long to wait after so many failures in a row: 1 s, doubled each time, at most 5 minutes."""
    return min(2.0 ** min(failures - 1, 20), _LONGEST_PAUSE_S)


async def create(
    db: AsyncSession,
    webhook_id: UUID,
    *,
    url: str,
    description: str,
    events: Sequence[OutboxKind],
    by: str,
    now: datetime,
) -> Webhook:
    """A webhook that is told of what happens from now on; its address must have been checked.

    Raises:
        ConflictError: there are as many as there may be.
    """
    if (await db.scalar(select(func.count()).select_from(Webhook)) or 0) >= MOST:
        raise ConflictError(f"there are {MOST} webhooks already; delete one that nobody needs")
    webhook = Webhook(
        webhook_id=webhook_id,
        url=url,
        description=description,
        events=[str(kind) for kind in events],
        secret=new_webhook_secret(),
        created_at=now,
        created_by=by,
        delivered_seq=await last_seq(db),
        failures=0,
        version=1,
    )
    db.add(webhook)
    await db.flush()
    await _note(db, webhook, "created", by, now)
    return webhook


async def change(
    db: AsyncSession,
    webhook_id: UUID,
    *,
    url: str | None,
    description: str | None,
    events: Sequence[OutboxKind] | None,
    enabled: bool | None,
    by: str,
    now: datetime,
) -> Webhook:
    """Change what is given. One that is enabled again goes on with what happens then; a new attempt is made at once.

    Raises:
        NotFoundError: there is none of this id.
    """
    webhook = await _locked(db, webhook_id)
    webhook.url = url or webhook.url
    webhook.description = webhook.description if description is None else description
    webhook.events = webhook.events if events is None else [str(kind) for kind in events]
    if enabled is False and webhook.disabled_at is None:
        webhook.disabled_at, webhook.disabled_by = now, by
    if enabled is True and webhook.disabled_at is not None:
        webhook.disabled_at = webhook.disabled_by = None
        webhook.delivered_seq = await last_seq(db)
    _begin_anew(webhook)
    webhook.version += 1
    await db.flush()
    await _note(db, webhook, "changed", by, now)
    return webhook


async def skip(db: AsyncSession, webhook_id: UUID, *, place: int, by: str, now: datetime) -> Webhook:
    """Let the event go that is not taken, the one behind `place`, so that those behind it come at once.

    Raises:
        NotFoundError: there is none of this id.
        ConflictError: it is disabled, or none of its events fails behind `place` any more.
    """
    webhook = await _locked(db, webhook_id)
    query = select(func.min(OutboxRow.seq)).where(
        OutboxRow.seq > webhook.delivered_seq, OutboxRow.kind.in_([OutboxKind(kind) for kind in webhook.events])
    )
    refused = await db.scalar(query)
    if webhook.disabled_at is not None or not webhook.failures or webhook.delivered_seq != place or refused is None:
        raise ConflictError(f"no event fails behind {place}: look at the webhook again")
    webhook.version += 1
    await _note(db, webhook, "event_skipped", by, now, seq=refused)
    webhook.delivered_seq = refused
    _begin_anew(webhook)
    await db.flush()
    return webhook


async def renew_secret(db: AsyncSession, webhook_id: UUID, *, by: str, now: datetime) -> Webhook:
    """Sign with another secret from now on.

    Raises:
        NotFoundError: there is none of this id.
    """
    webhook = await _locked(db, webhook_id)
    webhook.secret = new_webhook_secret()
    webhook.version += 1
    await db.flush()
    await _note(db, webhook, "secret_renewed", by, now)
    return webhook


async def remove(db: AsyncSession, webhook_id: UUID, *, by: str, now: datetime) -> None:
    """Tell this address no more.

    Raises:
        NotFoundError: there is none of this id.
    """
    webhook = await _locked(db, webhook_id)
    await _note(db, webhook, "deleted", by, now)
    await db.delete(webhook)
    await db.flush()


async def get(db: AsyncSession, webhook_id: UUID) -> Webhook:
    """One webhook.

    Raises:
        NotFoundError: there is none of this id.
    """
    webhook = await db.get(Webhook, webhook_id)
    if webhook is None:
        raise NotFoundError("webhook", webhook_id)
    return webhook


async def list_webhooks(db: AsyncSession) -> list[Webhook]:
    """All of them, the oldest first."""
    return list(await db.scalars(select(Webhook).order_by(Webhook.created_at, Webhook.webhook_id)))


async def due(db: AsyncSession, now: datetime) -> list[Due]:
    """The webhooks that something is to be sent to at `now`."""
    found = await db.scalars(
        select(Webhook).where(
            Webhook.disabled_at.is_(None),
            Webhook.delivered_seq < select(OutboxCounter.last_seq).scalar_subquery(),
            Webhook.next_attempt_at.is_(None) | (Webhook.next_attempt_at <= now),
        )
    )
    return [
        Due(
            webhook_id=row.webhook_id,
            url=row.url,
            secret=row.secret,
            events=frozenset(map(OutboxKind, row.events)),
            delivered_seq=row.delivered_seq,
            version=row.version,
        )
        for row in found
    ]


async def delivered(db: AsyncSession, webhook: Due, seq: int, now: datetime | None) -> bool:
    """Everything up to `seq` was delivered at `now`; or, without a time, was none of its events.

    Whether it is still as `due` said; otherwise nothing more may be sent to it as it was then.
    """
    values: dict[str, object] = {"delivered_seq": seq}
    if now is not None:
        values |= {
            "last_delivered_at": now,
            "failures": 0,
            "failing_since": None,
            "next_attempt_at": None,
            "last_error": None,
        }
    version = await db.scalar(
        update(Webhook)
        .where(Webhook.webhook_id == webhook.webhook_id, Webhook.delivered_seq <= seq)
        .values(values)
        .returning(Webhook.version)
        .execution_options(synchronize_session=False)
    )
    return version == webhook.version


async def failed(db: AsyncSession, tried: Due, error: str, now: datetime, give_up: timedelta) -> None:
    """An attempt failed: the next one comes later, or, after `give_up` of nothing but failures, never.

    One that was changed meanwhile has a new beginning, which an attempt before says nothing about.
    Time in which nobody tried, since the service was down, is none of failures.
    """
    webhook = await db.get(Webhook, tried.webhook_id, with_for_update=True, populate_existing=True)
    if webhook is None or webhook.version != tried.version:
        return
    due_at = webhook.next_attempt_at or now
    if webhook.failing_since is None or (now - due_at).total_seconds() > _LONGEST_PAUSE_S:
        webhook.failing_since = now
    webhook.failures += 1
    webhook.next_attempt_at = now + timedelta(seconds=pause_s(webhook.failures))
    webhook.last_error = error
    if now - webhook.failing_since >= give_up:
        webhook.disabled_at, webhook.disabled_by = now, audit.SYSTEM
        webhook.version += 1
        await db.flush()
        await _note(db, webhook, "given_up", audit.SYSTEM, now)


async def _locked(db: AsyncSession, webhook_id: UUID) -> Webhook:
    webhook = await db.get(Webhook, webhook_id, with_for_update=True, populate_existing=True)
    if webhook is None:
        raise NotFoundError("webhook", webhook_id)
    return webhook


def _begin_anew(webhook: Webhook) -> None:
    """Forget what failed; the next attempt is made at once."""
    webhook.failures, webhook.failing_since, webhook.next_attempt_at, webhook.last_error = 0, None, None, None


async def _note(db: AsyncSession, webhook: Webhook, what: str, by: str, now: datetime, **more: JsonValue) -> None:
    # The host alone: paths of such addresses are often secrets.
    details: dict[str, JsonValue] = {
        "host": urlsplit(webhook.url).netloc,
        "events": list(webhook.events),
        "enabled": webhook.disabled_at is None,
        **more,
    }
    if webhook.failing_since is not None:
        details |= {"failing_since": format_utc_ms(webhook.failing_since), "last_error": webhook.last_error}
    await audit.record(
        db, audit.Entry(now, by, f"webhook.{what}", "webhook", str(webhook.webhook_id), webhook.version, details)
    )
