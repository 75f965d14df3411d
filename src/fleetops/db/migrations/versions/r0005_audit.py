"""The audit log: append-only, sealed into a chain of hashes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_LOG_GUARD = """
CREATE FUNCTION audit_log_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    unsealed audit_log;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.number IS NULL THEN
            RETURN NEW;
        END IF;
    ELSIF TG_OP = 'UPDATE' THEN
        unsealed := NEW;
        unsealed.number := NULL;
        unsealed.hash := NULL;
        IF NEW.number IS NOT NULL AND unsealed IS NOT DISTINCT FROM OLD THEN
            RETURN NEW;
        END IF;
    ELSIF TG_OP = 'DELETE' THEN
        IF OLD.number <= (SELECT max(number) FROM audit_anchors) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$
"""

_ANCHORS_GUARD = """
CREATE FUNCTION audit_anchors_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$
"""

_HEAD_GUARD = """
CREATE FUNCTION audit_head_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.number > OLD.number THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$
"""

_TRIGGERS = {
    "audit_log": "BEFORE INSERT OR UPDATE OR DELETE",
    "audit_anchors": "BEFORE UPDATE OR DELETE",
    "audit_head": "BEFORE UPDATE OR DELETE",
}


def upgrade() -> None:
    """Make the log, the head of its chain and its anchors, and what keeps them append-only."""
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.String(length=255), nullable=False),
        sa.Column("what", sa.String(length=100), nullable=False),
        sa.Column("subject_kind", sa.String(length=50), nullable=False),
        sa.Column("subject_id", sa.String(length=255), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("address", sa.String(length=255), nullable=True),
        sa.Column("client", sa.String(length=255), nullable=True),
        sa.Column("details", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("hash", sa.String(length=64), nullable=True),
        sa.CheckConstraint("(number IS NULL) = (hash IS NULL)", name=op.f("ck_audit_log_sealed")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_index("uq_audit_log_number", "audit_log", ["number"], unique=True)
    op.create_index("idx_audit_log_unsealed", "audit_log", ["id"], postgresql_where=sa.text("number IS NULL"))
    op.create_index("idx_audit_log_subject", "audit_log", ["subject_kind", "subject_id", "id"])
    op.create_index("idx_audit_log_who", "audit_log", ["who", "id"])
    op.create_index("idx_audit_log_at", "audit_log", ["at", "id"])
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.execute("INSERT INTO audit_head (id, number, hash) VALUES (1, 0, repeat('0', 64))")
    op.create_table(
        "audit_anchors",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_anchors")),
    )
    for function in (_LOG_GUARD, _ANCHORS_GUARD, _HEAD_GUARD):
        op.execute(function)
    for table, events in _TRIGGERS.items():
        guard = f"EXECUTE FUNCTION {table}_guard()"
        op.execute(f"CREATE TRIGGER {table}_guard {events} ON {table} FOR EACH ROW {guard}")
        op.execute(f"CREATE TRIGGER {table}_kept BEFORE TRUNCATE ON {table} {guard}")


def downgrade() -> None:
    """Forget who changed what."""
    for table in ("audit_log", "audit_head", "audit_anchors"):
        op.drop_table(table)
        op.execute(f"DROP FUNCTION {table}_guard()")
