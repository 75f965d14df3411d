"""Number the actions on alerts: two of the same moment have an order too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the number, and find an alert's actions by it."""
    op.add_column("operator_actions", sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False))
    op.drop_index("idx_operator_actions_alert_id", "operator_actions")
    op.create_index("idx_operator_actions_alert_id", "operator_actions", ["alert_id", "number"], unique=False)


def downgrade() -> None:
    """Go back to the order of times."""
    op.drop_index("idx_operator_actions_alert_id", "operator_actions")
    op.create_index("idx_operator_actions_alert_id", "operator_actions", ["alert_id", "created_at"], unique=False)
    op.drop_column("operator_actions", "number")
