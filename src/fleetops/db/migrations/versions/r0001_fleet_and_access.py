"""The fleet and who may come in: everything as it first was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The fleet and who may come in: everything as it first was."""
    op.create_table(
        "anomalies",
        sa.Column("anomaly_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("vehicle_id", sa.String(length=255), nullable=False),
        sa.Column("replay_session_id", sa.String(length=255), nullable=False),
        sa.Column("scene_id", sa.String(length=255), nullable=False),
        sa.Column("frame_index", sa.BigInteger(), nullable=False),
        sa.Column("event_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("processing_time", sa.DateTime(timezone=True), nullable=False),
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
            nullable=False,
        ),
        sa.Column(
            "severity",
            sa.Enum(
                "INFO", "WARNING", "CRITICAL", name="severity", native_enum=False, create_constraint=True, length=50
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum("ACTIVE", "CLEARED", name="anomaly_status", native_enum=False, create_constraint=True, length=50),
            nullable=False,
        ),
        sa.Column("message", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("anomaly_id", name=op.f("pk_anomalies")),
    )
    op.create_index("idx_anomalies_alert_id", "anomalies", ["alert_id"], unique=False)
    op.create_index("idx_anomalies_vehicle_id", "anomalies", ["vehicle_id"], unique=False)
    op.create_table(
        "api_tokens",
        sa.Column("token_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=255), nullable=False),
        sa.Column("token_hash", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_api_tokens")),
    )
    op.create_index("uq_api_tokens_token_hash", "api_tokens", ["token_hash"], unique=True)
    op.create_table(
        "idempotency_keys",
        sa.Column("operator_id", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_hash", sa.Text(), nullable=False),
        sa.Column("response", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("operator_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_table(
        "operators",
        sa.Column("operator_id", sa.String(length=255), nullable=False),
        sa.Column("display_name", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("operator_id", name=op.f("pk_operators")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "alert_created",
                "alert_updated",
                "vehicle_updated",
                "action_executed",
                name="outbox_kind",
                native_enum=False,
                create_constraint=True,
                length=50,
            ),
            nullable=False,
        ),
        sa.Column("topic", sa.String(length=255), nullable=True),
        sa.Column("key", sa.String(length=255), nullable=True),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("event", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(topic IS NULL) = (payload IS NULL)", name=op.f("ck_outbox_payload")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index(
        "idx_outbox_unpublished",
        "outbox",
        ["seq"],
        unique=False,
        postgresql_where=sa.text("published_at IS NULL AND topic IS NOT NULL AND seq IS NOT NULL"),
    )
    op.create_index("idx_outbox_unstamped", "outbox", ["id"], unique=False, postgresql_where=sa.text("seq IS NULL"))
    op.create_index("uq_outbox_seq", "outbox", ["seq"], unique=True)
    op.create_table(
        "outbox_counter",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_outbox_counter_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_counter")),
    )
    op.create_table(
        "scene_replays",
        sa.Column("replay_session_id", sa.String(length=255), nullable=False),
        sa.Column("scene_id", sa.String(length=255), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("replay_session_id", "scene_id", name=op.f("pk_scene_replays")),
    )
    op.create_index("ix_scene_replays_scene_id_started_at", "scene_replays", ["scene_id", "started_at"], unique=False)
    op.create_table(
        "vehicles",
        sa.Column("vehicle_id", sa.String(length=255), nullable=False),
        sa.Column("scene_id", sa.String(length=255), nullable=False),
        sa.Column("track_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "current_state",
            sa.Enum(
                "NORMAL",
                "DEGRADED",
                "ALERTING",
                "UNDER_INTERVENTION",
                name="vehicle_state",
                native_enum=False,
                create_constraint=True,
                length=50,
            ),
            server_default="NORMAL",
            nullable=False,
        ),
        sa.Column("replay_session_id", sa.String(length=255), nullable=True),
        sa.Column("command_sequence", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_telemetry_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_position_x", sa.Double(), nullable=True),
        sa.Column("last_position_y", sa.Double(), nullable=True),
        sa.Column("last_velocity_magnitude", sa.Double(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("vehicle_id", name=op.f("pk_vehicles")),
    )
    op.create_index("idx_vehicles_scene_id", "vehicles", ["scene_id"], unique=False)
    op.create_table(
        "alerts",
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("anomaly_id", sa.Uuid(), nullable=False),
        sa.Column("vehicle_id", sa.String(length=255), nullable=False),
        sa.Column("event_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "alert_status",
            sa.Enum(
                "OPEN",
                "ACKNOWLEDGED",
                "RESOLVED",
                name="alert_status",
                native_enum=False,
                create_constraint=True,
                length=50,
            ),
            nullable=False,
        ),
        sa.Column(
            "severity",
            sa.Enum(
                "INFO", "WARNING", "CRITICAL", name="severity", native_enum=False, create_constraint=True, length=50
            ),
            nullable=False,
        ),
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
            nullable=False,
        ),
        sa.Column("assigned_operator_id", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("scene_id", sa.String(length=255), nullable=False),
        sa.Column("replay_session_id", sa.String(length=255), nullable=False),
        sa.Column("triggered_rule", sa.String(length=255), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("occurrences", sa.BigInteger(), nullable=False),
        sa.Column("evidence_anomaly_id", sa.Uuid(), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("condition_active", sa.Boolean(), nullable=False),
        sa.Column("condition_event_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolve_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=255), nullable=True),
        sa.Column("resolved_by", sa.String(length=255), nullable=True),
        sa.Column("resolved_action_type", sa.String(length=100), nullable=True),
        sa.Column(
            "disposition",
            sa.Enum(
                "true",
                "false",
                "duplicate",
                "expected",
                name="disposition",
                native_enum=False,
                create_constraint=True,
                length=50,
            ),
            nullable=True,
        ),
        sa.Column("snoozed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("repeats_alert_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(alert_status = 'RESOLVED') = (resolved_at IS NOT NULL)", name=op.f("ck_alerts_resolved_at")
        ),
        sa.CheckConstraint(
            "alert_status <> 'ACKNOWLEDGED' OR acknowledged_at IS NOT NULL", name=op.f("ck_alerts_acknowledged_at")
        ),
        sa.CheckConstraint("occurrences >= 1", name=op.f("ck_alerts_occurrences")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_alerts_version")),
        sa.ForeignKeyConstraint(["anomaly_id"], ["anomalies.anomaly_id"], name=op.f("fk_alerts_anomaly_id")),
        sa.ForeignKeyConstraint(
            ["evidence_anomaly_id"], ["anomalies.anomaly_id"], name=op.f("fk_alerts_evidence_anomaly_id")
        ),
        sa.ForeignKeyConstraint(["repeats_alert_id"], ["alerts.alert_id"], name=op.f("fk_alerts_repeats_alert_id")),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicles.vehicle_id"], name=op.f("fk_alerts_vehicle_id")),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alerts")),
    )
    op.create_index("idx_alerts_created_at", "alerts", ["created_at", "alert_id"], unique=False)
    op.create_index(
        "idx_alerts_resolve_at",
        "alerts",
        ["resolve_at"],
        unique=False,
        postgresql_where=sa.text("alert_status <> 'RESOLVED' AND severity <> 'CRITICAL' AND resolve_at IS NOT NULL"),
    )
    op.create_index("idx_severity", "alerts", ["severity"], unique=False)
    op.create_index("idx_status", "alerts", ["alert_status"], unique=False)
    op.create_index("idx_vehicle_id", "alerts", ["vehicle_id"], unique=False)
    op.create_index(
        "uq_alerts_live_condition",
        "alerts",
        ["replay_session_id", "vehicle_id", "anomaly_type"],
        unique=True,
        postgresql_where=sa.text("alert_status <> 'RESOLVED'"),
    )
    op.create_table(
        "login_links",
        sa.Column("token_hash", sa.String(length=255), nullable=False),
        sa.Column("operator_id", sa.String(length=255), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.operator_id"], name=op.f("fk_login_links_operator_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_login_links")),
    )
    op.create_table(
        "web_sessions",
        sa.Column("session_hash", sa.String(length=255), nullable=False),
        sa.Column("operator_id", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.operator_id"], name=op.f("fk_web_sessions_operator_id")),
        sa.PrimaryKeyConstraint("session_hash", name=op.f("pk_web_sessions")),
    )
    op.create_table(
        "incident_history",
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("vehicle_id", sa.String(length=255), nullable=False),
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
            nullable=False,
        ),
        sa.Column(
            "severity",
            sa.Enum(
                "INFO", "WARNING", "CRITICAL", name="severity", native_enum=False, create_constraint=True, length=50
            ),
            nullable=False,
        ),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("resolved_action_type", sa.String(length=100), nullable=True),
        sa.Column("resolved_by_operator_id", sa.String(length=255), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.alert_id"], name=op.f("fk_incident_history_alert_id")),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_incident_history")),
    )
    op.create_index("idx_incident_history_vehicle_id", "incident_history", ["vehicle_id", "created_at"], unique=False)
    op.create_index("uq_incident_history_alert_id", "incident_history", ["alert_id"], unique=True)
    op.create_table(
        "interventions",
        sa.Column("intervention_id", sa.Uuid(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("vehicle_id", sa.String(length=255), nullable=False),
        sa.Column("replay_session_id", sa.String(length=255), nullable=False),
        sa.Column(
            "action_type",
            sa.Enum(
                "ACKNOWLEDGE",
                "UNACKNOWLEDGE",
                "ASSIGN_OPERATOR",
                "PULL_OVER_SIMULATED",
                "REQUEST_REMOTE_ASSIST",
                "RESUME_SIMULATION",
                "RESOLVE",
                "SNOOZE",
                "COMMENT",
                name="action_type",
                native_enum=False,
                create_constraint=True,
                length=100,
            ),
            nullable=False,
        ),
        sa.Column("operator_id", sa.String(length=255), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completes_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=255), nullable=True),
        sa.Column(
            "end_reason",
            sa.Enum(
                "RESUMED",
                "SESSION_ENDED",
                name="intervention_end",
                native_enum=False,
                create_constraint=True,
                length=50,
            ),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.alert_id"], name=op.f("fk_interventions_alert_id")),
        sa.PrimaryKeyConstraint("intervention_id", name=op.f("pk_interventions")),
    )
    op.create_index("idx_interventions_alert_id", "interventions", ["alert_id"], unique=False)
    op.create_index(
        "idx_interventions_completes_at",
        "interventions",
        ["completes_at"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL AND completed_at IS NULL AND completes_at IS NOT NULL"),
    )
    op.create_index("idx_interventions_vehicle_id", "interventions", ["vehicle_id"], unique=False)
    op.create_index(
        "uq_interventions_running",
        "interventions",
        ["replay_session_id", "vehicle_id", "action_type"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "operator_actions",
        sa.Column("action_id", sa.Uuid(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("vehicle_id", sa.String(length=255), nullable=False),
        sa.Column("operator_id", sa.String(length=255), nullable=False),
        sa.Column(
            "action_type",
            sa.Enum(
                "ACKNOWLEDGE",
                "UNACKNOWLEDGE",
                "ASSIGN_OPERATOR",
                "PULL_OVER_SIMULATED",
                "REQUEST_REMOTE_ASSIST",
                "RESUME_SIMULATION",
                "RESOLVE",
                "SNOOZE",
                "COMMENT",
                name="action_type",
                native_enum=False,
                create_constraint=True,
                length=100,
            ),
            nullable=False,
        ),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.alert_id"], name=op.f("fk_operator_actions_alert_id")),
        sa.PrimaryKeyConstraint("action_id", name=op.f("pk_operator_actions")),
    )
    op.create_index("idx_operator_actions_alert_id", "operator_actions", ["alert_id", "created_at"], unique=False)
    op.create_index("idx_operator_actions_vehicle_id", "operator_actions", ["vehicle_id"], unique=False)
    op.execute("INSERT INTO outbox_counter (id, last_seq) VALUES (1, 0)")


def downgrade() -> None:
    """Drop everything."""
    for table in (
        "operator_actions",
        "interventions",
        "incident_history",
        "web_sessions",
        "login_links",
        "alerts",
        "vehicles",
        "scene_replays",
        "outbox_counter",
        "outbox",
        "operators",
        "idempotency_keys",
        "api_tokens",
        "anomalies",
    ):
        op.drop_table(table)
