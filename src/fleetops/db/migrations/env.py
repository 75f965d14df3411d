"""What Alembic runs: our migrations on the connection that `db/migrate.py` hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from fleetops.db import access, audit, models, noise
from fleetops.db.base import Base

MODELS = (access, audit, models, noise)  # importing them fills the metadata

connection: Connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, compare_server_default=True)
with context.begin_transaction():
    context.run_migrations()
