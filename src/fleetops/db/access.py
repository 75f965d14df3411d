"""Who may come in: operators, their links and sessions, programs' tokens, and requests seen before.

Secrets are stored hashed only. Actions and alerts name operators without a foreign key:
programs act too (`token:NAME`), and history outlives both.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, JsonObject


class OperatorAccount(Base):
    """A person who may sign in."""

    __tablename__ = "operators"

    operator_id: Mapped[str] = mapped_column(primary_key=True)
    display_name: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str | None]
    """Argon2id; none where the operator signs in by links or by OpenID Connect alone."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    disabled_at: Mapped[datetime | None]


class OperatorIdentity(Base):
    """What an OpenID provider calls an operator. Issuer and subject together never change; names do."""

    __tablename__ = "operator_identities"

    issuer: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    operator_id: Mapped[str] = mapped_column(ForeignKey("operators.operator_id"), unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ApiToken(Base):
    """A program's credential."""

    __tablename__ = "api_tokens"
    __table_args__ = (
        Index("uq_api_tokens_token_hash", "token_hash", unique=True),
        Index("uq_api_tokens_name", "name", unique=True, postgresql_where=text("revoked_at IS NULL")),
    )

    token_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    role: Mapped[str]
    token_hash: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[str | None]
    """Who made it; none for one made by the command line."""
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class LoginLink(Base):
    """A link that signs an operator in, once."""

    __tablename__ = "login_links"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    operator_id: Mapped[str] = mapped_column(ForeignKey("operators.operator_id"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class WebSession(Base):
    """A signed-in browser."""

    __tablename__ = "web_sessions"
    __table_args__ = (UniqueConstraint("session_id"), Index(None, "operator_id"))

    session_hash: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(server_default=func.gen_random_uuid())
    """What it is called where it is listed and revoked: it opens nothing."""
    operator_id: Mapped[str] = mapped_column(ForeignKey("operators.operator_id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    address: Mapped[str | None]
    """Where it was opened from, as the server saw it."""
    user_agent: Mapped[str | None] = mapped_column(Text)
    """What the browser called itself."""
    provider_issuer: Mapped[str | None]
    """The OpenID provider that let it in; none for a session opened here."""
    provider_session: Mapped[str | None]
    """What that provider calls its own session (`sid`), where it says so."""


class IdempotencyKey(Base):
    """A request that was made under an `Idempotency-Key`, and what it was answered."""

    __tablename__ = "idempotency_keys"

    operator_id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[str] = mapped_column(Text)
    response: Mapped[JsonObject | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
