"""Who changed what: append-only rows, sealed into a chain of hashes.

Triggers refuse every change but sealing a row once, and every removal but that of rows
that an anchor stands for. They keep accidents out; whoever may switch triggers off is found
by the chain (`operator/audit_chain.py`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, String, func, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, JsonObject


class AuditRow(Base):
    """One change by a person, a program or the system.

    `id` says in which order rows were written, not committed. `number` is given by the one
    relay after commit: gapless, and the order of the chain.
    """

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("uq_audit_log_number", "number", unique=True),
        Index("idx_audit_log_unsealed", "id", postgresql_where=text("number IS NULL")),
        Index("idx_audit_log_subject", "subject_kind", "subject_id", "id"),
        Index("idx_audit_log_who", "who", "id"),
        Index("idx_audit_log_at", "at", "id"),
        CheckConstraint("(number IS NULL) = (hash IS NULL)", name="sealed"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    who: Mapped[str]
    what: Mapped[str] = mapped_column(String(100))
    subject_kind: Mapped[str] = mapped_column(String(50))
    subject_id: Mapped[str]
    version: Mapped[int | None] = mapped_column(BigInteger)
    """The subject's version that the change made, where it has versions."""
    address: Mapped[str | None]
    client: Mapped[str | None]
    details: Mapped[JsonObject]
    number: Mapped[int | None] = mapped_column(BigInteger)
    hash: Mapped[str | None] = mapped_column(String(64))


class AuditHead(Base):
    """The newest sealed row. One row: without it, rows missing at the end would go unnoticed."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))


class AuditAnchor(Base):
    """Rows up to `number` were pruned on purpose; the chain goes on from the `hash` of the last of them."""

    __tablename__ = "audit_anchors"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
