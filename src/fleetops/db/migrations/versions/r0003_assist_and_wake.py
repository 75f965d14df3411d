"""A remote assist is picked up and closed, and a snoozed alert is woken."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BEFORE = (
    "ACKNOWLEDGE",
    "UNACKNOWLEDGE",
    "ASSIGN_OPERATOR",
    "PULL_OVER_SIMULATED",
    "REQUEST_REMOTE_ASSIST",
    "RESUME_SIMULATION",
    "RESOLVE",
    "SNOOZE",
    "COMMENT",
)
_AFTER = (
    *_BEFORE[:5],
    "PICK_UP_REMOTE_ASSIST",
    "CLOSE_REMOTE_ASSIST",
    *_BEFORE[5:8],
    "UNSNOOZE",
    *_BEFORE[8:],
)
_TABLES = ("interventions", "operator_actions")


def upgrade() -> None:
    """Allow the three words, and say who took up a request."""
    op.add_column("interventions", sa.Column("picked_up_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("interventions", sa.Column("picked_up_by", sa.String(length=255), nullable=True))
    _allow(_AFTER)
    _end_by("RESUMED", "CLOSED", "SESSION_ENDED")


def downgrade() -> None:
    """Forget them, and what was done by them."""
    new = ", ".join(f"'{word}'" for word in _AFTER if word not in _BEFORE)
    op.execute(f"DELETE FROM operator_actions WHERE action_type IN ({new})")  # noqa: S608 - words of ours
    op.execute("UPDATE interventions SET end_reason = 'RESUMED' WHERE end_reason = 'CLOSED'")
    _allow(_BEFORE)
    _end_by("RESUMED", "SESSION_ENDED")
    op.drop_column("interventions", "picked_up_by")
    op.drop_column("interventions", "picked_up_at")


def _allow(words: tuple[str, ...]) -> None:
    for table in _TABLES:
        op.drop_constraint("action_type", table, type_="check")
        op.create_check_constraint("action_type", table, sa.column("action_type", sa.String(100)).in_(words))


def _end_by(*reasons: str) -> None:
    op.drop_constraint("intervention_end", "interventions", type_="check")
    op.create_check_constraint("intervention_end", "interventions", sa.column("end_reason", sa.String(50)).in_(reasons))
