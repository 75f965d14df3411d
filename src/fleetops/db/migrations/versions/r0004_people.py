"""Operators known to an OpenID provider, sessions that can be listed and revoked, tokens with a name of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TEXT = sa.String(length=255)


def upgrade() -> None:
    """Add them. Of several tokens in use under one name, all but the newest are renamed."""
    op.create_table(
        "operator_identities",
        sa.Column("issuer", _TEXT, nullable=False),
        sa.Column("subject", _TEXT, nullable=False),
        sa.Column("operator_id", _TEXT, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operators.operator_id"], name=op.f("fk_operator_identities_operator_id")
        ),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_operator_identities")),
        sa.UniqueConstraint("operator_id", name=op.f("uq_operator_identities_operator_id")),
    )
    op.add_column("operators", sa.Column("password_hash", _TEXT, nullable=True))
    op.add_column(
        "web_sessions", sa.Column("session_id", sa.Uuid(), server_default=sa.func.gen_random_uuid(), nullable=False)
    )
    op.create_unique_constraint(op.f("uq_web_sessions_session_id"), "web_sessions", ["session_id"])
    op.create_index(op.f("ix_web_sessions_operator_id"), "web_sessions", ["operator_id"])
    for name, kind in _OF_SESSIONS.items():
        op.add_column("web_sessions", sa.Column(name, kind, nullable=True))
    op.add_column("api_tokens", sa.Column("created_by", _TEXT, nullable=True))
    op.execute(
        "UPDATE api_tokens SET name = left(name, 200) || '.' || token_id WHERE revoked_at IS NULL AND token_id NOT IN "
        "(SELECT DISTINCT ON (name) token_id FROM api_tokens WHERE revoked_at IS NULL "
        "ORDER BY name, created_at DESC, token_id)"
    )
    op.create_index(
        "uq_api_tokens_name", "api_tokens", ["name"], unique=True, postgresql_where=sa.text("revoked_at IS NULL")
    )


_OF_SESSIONS = {"address": _TEXT, "user_agent": sa.Text(), "provider_issuer": _TEXT, "provider_session": _TEXT}


def downgrade() -> None:
    """Forget them."""
    op.drop_index("uq_api_tokens_name", "api_tokens")
    op.drop_column("api_tokens", "created_by")
    for name in reversed(_OF_SESSIONS):
        op.drop_column("web_sessions", name)
    op.drop_index(op.f("ix_web_sessions_operator_id"), "web_sessions")
    op.drop_constraint(op.f("uq_web_sessions_session_id"), "web_sessions")
    op.drop_column("web_sessions", "session_id")
    op.drop_column("operators", "password_hash")
    op.drop_table("operator_identities")
