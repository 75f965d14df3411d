"""What keeps noise from people: silences; and who else is told: webhooks."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Index, String, func, text
from sqlalchemy.orm import Mapped, mapped_column

from fleetops.contracts.vocabulary import AnomalyType, Severity

from .base import Base, words


class Silence(Base):
    """Alerts that match are hidden until it ends. What is left empty matches everything."""

    __tablename__ = "silences"
    __table_args__ = (
        Index("idx_silences_running", "expires_at", postgresql_where=text("ended_at IS NULL")),
        Index("idx_silences_created_at", "created_at", "silence_id"),
        CheckConstraint(
            "num_nonnulls(vehicle_id, scene_id, anomaly_type, triggered_rule) > 0",
            name="matcher",
        ),
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended"),
    )

    silence_id: Mapped[UUID] = mapped_column(primary_key=True)
    vehicle_id: Mapped[str | None]
    scene_id: Mapped[str | None]
    anomaly_type: Mapped[AnomalyType | None] = mapped_column(words(AnomalyType, 100))
    triggered_rule: Mapped[str | None]
    severity_up_to: Mapped[Severity] = mapped_column(words(Severity))
    """The highest severity it hides; CRITICAL only where it says so."""
    reason: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[str]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    """Who lifted it; `system` where it expired."""
    version: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))


class Webhook(Base):
    """An address of another program that is told of events, in the order of the outbox."""

    __tablename__ = "webhooks"
    __table_args__ = (CheckConstraint("(disabled_at IS NULL) = (disabled_by IS NULL)", name="disabled"),)

    webhook_id: Mapped[UUID] = mapped_column(primary_key=True)
    url: Mapped[str] = mapped_column(String(2000))
    description: Mapped[str] = mapped_column(String(500), server_default="")
    events: Mapped[list[str]] = mapped_column(ARRAY(String(50)))
    """Which kinds of event it is told of."""
    secret: Mapped[str]
    """What events are signed with; kept as it is, since a signature needs it."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[str]
    disabled_at: Mapped[datetime | None]
    disabled_by: Mapped[str | None]
    """Who did; `system` where it failed for too long."""
    version: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    delivered_seq: Mapped[int] = mapped_column(BigInteger)
    """Everything of the outbox up to here was delivered, or is none of its events."""
    last_delivered_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    """Attempts in a row that failed."""
    failing_since: Mapped[datetime | None]
    next_attempt_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(String(500))
