"""Silences, webhooks, and alerts that another one explains."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TEXT = sa.String(length=255)
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add them. What an alert repeats or is explained by may be pruned before it, so it is named without a key."""
    op.create_table(
        "silences",
        sa.Column("silence_id", sa.Uuid(), nullable=False),
        sa.Column("vehicle_id", _TEXT, nullable=True),
        sa.Column("scene_id", _TEXT, nullable=True),
        sa.Column(
            "anomaly_type",
            sa.Enum(
                "sudden_deceleration",
                "perception_instability",
                "dropout_proxy",
                name="anomaly_type",
                native_enum=False,
                create_constraint=True,
                length=100,
            ),
            nullable=True,
        ),
        sa.Column("triggered_rule", _TEXT, nullable=True),
        sa.Column(
            "severity_up_to",
            sa.Enum(
                "INFO", "WARNING", "CRITICAL", name="severity", native_enum=False, create_constraint=True, length=50
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("created_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", _TEXT, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.Column("ended_by", _TEXT, nullable=True),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "num_nonnulls(vehicle_id, scene_id, anomaly_type, triggered_rule) > 0", name=op.f("ck_silences_matcher")
        ),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name=op.f("ck_silences_ended")),
        sa.PrimaryKeyConstraint("silence_id", name=op.f("pk_silences")),
    )
    op.create_index("idx_silences_running", "silences", ["expires_at"], postgresql_where=sa.text("ended_at IS NULL"))
    op.create_index("idx_silences_created_at", "silences", ["created_at", "silence_id"])
    op.create_table(
        "webhooks",
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("description", sa.String(length=500), server_default="", nullable=False),
        sa.Column("events", sa.ARRAY(sa.String(length=50)), nullable=False),
        sa.Column("secret", _TEXT, nullable=False),
        sa.Column("created_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", _TEXT, nullable=False),
        sa.Column("disabled_at", _TIME, nullable=True),
        sa.Column("disabled_by", _TEXT, nullable=True),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("delivered_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_delivered_at", _TIME, nullable=True),
        sa.Column("failures", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("failing_since", _TIME, nullable=True),
        sa.Column("next_attempt_at", _TIME, nullable=True),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.CheckConstraint("(disabled_at IS NULL) = (disabled_by IS NULL)", name=op.f("ck_webhooks_disabled")),
        sa.PrimaryKeyConstraint("webhook_id", name=op.f("pk_webhooks")),
    )
    op.add_column("alerts", sa.Column("silence_id", sa.Uuid(), nullable=True))
    op.add_column("alerts", sa.Column("explained_by_alert_id", sa.Uuid(), nullable=True))
    op.create_index(
        "idx_alerts_silence_id",
        "alerts",
        ["silence_id"],
        postgresql_where=sa.text("alert_status <> 'RESOLVED' AND silence_id IS NOT NULL"),
    )
    op.create_index(
        "idx_alerts_resolved_at", "alerts", ["resolved_at"], postgresql_where=sa.text("resolved_at IS NOT NULL")
    )
    op.drop_constraint(op.f("fk_alerts_repeats_alert_id"), "alerts", type_="foreignkey")


def downgrade() -> None:
    """Remove them."""
    op.create_foreign_key(op.f("fk_alerts_repeats_alert_id"), "alerts", "alerts", ["repeats_alert_id"], ["alert_id"])
    op.drop_index("idx_alerts_resolved_at", "alerts")
    op.drop_index("idx_alerts_silence_id", "alerts")
    op.drop_column("alerts", "explained_by_alert_id")
    op.drop_column("alerts", "silence_id")
    op.drop_table("webhooks")
    op.drop_table("silences")
