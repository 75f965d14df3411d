"""Webhooks over REST, for supervisors."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.contracts.wire import UtcMs
from fleetops.db.models import OutboxKind
from fleetops.db.noise import Webhook
from fleetops.db.transaction import transact
from fleetops.operator import webhooks
from fleetops.operator.outbox import last_seq
from fleetops.operator.runtime import Runtime
from fleetops.operator.views import View
from fleetops.operator.webhook_targets import find_target
from fleetops.web import problems

from .callers import InRuntime, InTransaction, Supervisor
from .schemas import STORABLE, Command

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

Url = Annotated[
    str,
    Field(
        min_length=10,
        max_length=2000,
        pattern=STORABLE,
        description="https; http and private addresses only in networks that the settings allow",
        examples=["https://example.com/fleetops"],
    ),
]
Description = Annotated[str, Field(max_length=500, pattern=STORABLE)]
Events = Annotated[list[OutboxKind], Field(min_length=1, max_length=10, description="which events it is told of")]


class NewWebhook(Command):
    """An address to be told of events."""

    url: Url
    description: Description = ""
    events: Events = Field(
        default_factory=lambda: [OutboxKind.ALERT_CREATED, OutboxKind.ALERT_UPDATED, OutboxKind.ACTION_EXECUTED]
    )


class WebhookChange(Command):
    """What is given is changed; failures are forgotten, and the next attempt comes at once."""

    url: Url | None = None
    description: Description | None = None
    events: Events | None = None
    enabled: Annotated[
        bool | None, Field(description="one that is enabled again is told of what happens from then on")
    ] = None


class SkippedEvent(Command):
    """The event behind this place need not come any more."""

    place: Annotated[int, Field(ge=0, lt=2**63, description="the webhook's `place`, as it was seen")]


class WebhookView(View):
    """A webhook and how it goes with it."""

    webhook_id: UUID
    url: str
    description: str
    events: list[OutboxKind]
    created_at: UtcMs
    created_by: str
    disabled_at: UtcMs | None
    disabled_by: Annotated[str | None, Field(description="who did; `system` where it failed for too long")]
    version: int
    place: Annotated[int, Field(description="the `seq` up to which it was told, or had not asked for")]
    waiting: Annotated[int, Field(description="how many events of the outbox lie behind its place")]
    last_delivered_at: UtcMs | None
    failures: Annotated[int, Field(description="attempts in a row that failed")]
    failing_since: UtcMs | None
    next_attempt_at: UtcMs | None
    last_error: str | None


class WebhookSecret(View):
    """A webhook, with what its events are signed with: shown this once."""

    webhook: WebhookView
    secret: Annotated[str, Field(description="`whsec_…`, as Standard Webhooks has it")]


class WebhookList(View):
    """All webhooks, the oldest first."""

    webhooks: list[WebhookView]


@router.get("", responses=problems(401, 403))
async def list_webhooks(_: Supervisor, db: InTransaction) -> WebhookList:
    """All webhooks."""
    seq = await last_seq(db)
    return WebhookList(webhooks=[_view(webhook, seq) for webhook in await webhooks.list_webhooks(db)])


@router.post("", status_code=201, responses=problems(401, 403, 409, 422))
async def create_webhook(caller: Supervisor, runtime: InRuntime, wanted: NewWebhook) -> WebhookSecret:
    """Have an address told of what happens from now on."""
    await _check(runtime, wanted.url)

    async def work(db: AsyncSession) -> WebhookSecret:
        made = await webhooks.create(
            db,
            uuid4(),
            url=wanted.url,
            description=wanted.description,
            events=wanted.events,
            by=caller.operator_id,
            now=datetime.now(UTC),
        )
        return WebhookSecret(webhook=_view(made, made.delivered_seq), secret=made.secret)

    return await transact(runtime.sessions, work)


@router.get("/{webhook_id}", responses=problems(401, 403, 404, 422))
async def get_webhook(_: Supervisor, db: InTransaction, webhook_id: UUID) -> WebhookView:
    """One webhook."""
    return _view(await webhooks.get(db, webhook_id), await last_seq(db))


@router.patch("/{webhook_id}", responses=problems(401, 403, 404, 422))
async def change_webhook(
    caller: Supervisor, runtime: InRuntime, webhook_id: UUID, wanted: WebhookChange
) -> WebhookView:
    """Change its address, what it is told of, or whether it is told at all."""
    if wanted.url is not None:
        await _check(runtime, wanted.url)

    async def work(db: AsyncSession) -> WebhookView:
        changed = await webhooks.change(
            db,
            webhook_id,
            url=wanted.url,
            description=wanted.description,
            events=wanted.events,
            enabled=wanted.enabled,
            by=caller.operator_id,
            now=datetime.now(UTC),
        )
        return _view(changed, await last_seq(db))

    return await transact(runtime.sessions, work)


@router.post("/{webhook_id}/skip", responses=problems(401, 403, 404, 409, 422))
async def skip_webhook_event(
    caller: Supervisor, runtime: InRuntime, webhook_id: UUID, skipped: SkippedEvent
) -> WebhookView:
    """Let the event go that its receiver does not take and that holds up all others; the audit log says which."""

    async def work(db: AsyncSession) -> WebhookView:
        now = datetime.now(UTC)
        webhook = await webhooks.skip(db, webhook_id, place=skipped.place, by=caller.operator_id, now=now)
        return _view(webhook, await last_seq(db))

    return await transact(runtime.sessions, work)


@router.post("/{webhook_id}/secret", responses=problems(401, 403, 404, 422))
async def renew_webhook_secret(caller: Supervisor, runtime: InRuntime, webhook_id: UUID) -> WebhookSecret:
    """Sign with a new secret from now on; the old one is worth nothing any more."""

    async def work(db: AsyncSession) -> WebhookSecret:
        renewed = await webhooks.renew_secret(db, webhook_id, by=caller.operator_id, now=datetime.now(UTC))
        return WebhookSecret(webhook=_view(renewed, await last_seq(db)), secret=renewed.secret)

    return await transact(runtime.sessions, work)


@router.delete("/{webhook_id}", status_code=204, responses=problems(401, 403, 404, 422))
async def delete_webhook(caller: Supervisor, runtime: InRuntime, webhook_id: UUID) -> Response:
    """Tell it no more."""
    await transact(
        runtime.sessions,
        lambda db: webhooks.remove(db, webhook_id, by=caller.operator_id, now=datetime.now(UTC)),
    )
    return Response(status_code=204)


async def _check(runtime: Runtime, url: str) -> None:
    await find_target(url, runtime.settings.operator.webhook_networks)


def _view(webhook: Webhook, seq: int) -> WebhookView:
    return WebhookView(
        webhook_id=webhook.webhook_id,
        url=webhook.url,
        description=webhook.description,
        events=[OutboxKind(kind) for kind in webhook.events],
        created_at=webhook.created_at,
        created_by=webhook.created_by,
        disabled_at=webhook.disabled_at,
        disabled_by=webhook.disabled_by,
        version=webhook.version,
        place=webhook.delivered_seq,
        waiting=max(0, seq - webhook.delivered_seq),
        last_delivered_at=webhook.last_delivered_at,
        failures=webhook.failures,
        failing_since=webhook.failing_since,
        next_attempt_at=webhook.next_attempt_at,
        last_error=webhook.last_error,
    )
