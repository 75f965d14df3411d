"""Alembic migrations. They run through `fleetops db upgrade` (`db/migrate.py`)."""
