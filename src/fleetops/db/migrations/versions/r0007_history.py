"""Find what is looked for in the history: alerts by scene, incidents by time, actions that say something."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the indexes."""
    op.create_index("idx_alerts_scene_id", "alerts", ["scene_id", "created_at"])
    op.create_index("idx_incident_history_created_at", "incident_history", ["created_at", "incident_id"])
    op.create_index(
        "idx_operator_actions_comment",
        "operator_actions",
        ["alert_id"],
        postgresql_where=sa.text("metadata ? 'comment'"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_index("idx_operator_actions_comment", "operator_actions")
    op.drop_index("idx_incident_history_created_at", "incident_history")
    op.drop_index("idx_alerts_scene_id", "alerts")
