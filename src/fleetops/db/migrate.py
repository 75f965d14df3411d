"""Bringing a database to this version's schema, and saying whether it is there."""

from __future__ import annotations

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from fleetops.errors import DatabaseError
from fleetops.settings import Settings

from .engine import create_engine, wait_until_up

_LOCK = 0x464C4F50534D4947  # "FLOPSMIG": held while migrating, so that replicas starting together take turns


def upgrade(settings: Settings) -> None:
    """Bring the configured database to the newest schema; nothing happens where it is there already.

    Raises:
        ConfigurationError: no database is configured.
        DatabaseError: it does not answer in time, or was migrated by a newer version.
    """
    asyncio.run(_upgrade(settings))


async def require_schema(engine: AsyncEngine) -> None:
    """Return when the database has exactly this version's schema.

    Raises:
        DatabaseError: it has another, or none.
    """
    async with engine.connect() as connection:
        current = await connection.run_sync(_current)
    wanted = _scripts().get_current_head()
    if current != wanted:
        raise DatabaseError(
            f"the database has schema {current or 'none'}, this version needs {wanted}: run `fleetops db upgrade`"
        )


async def _upgrade(settings: Settings) -> None:
    engine = create_engine(settings, "fleetops db upgrade", pool_size=1)
    try:
        await wait_until_up(engine, settings.operator.database_timeout_s)
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            await connection.run_sync(_run_migrations)
    finally:
        await engine.dispose()


def _run_migrations(connection: Connection) -> None:
    current = _current(connection)
    if current is not None and current not in {script.revision for script in _scripts().walk_revisions()}:
        raise DatabaseError(
            f"the database has schema {current}, which this version does not know: use the newer FleetOps that made it"
        )
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    # A percent sign in the path would be taken for configparser's interpolation.
    location = str(Path(__file__).with_name("migrations")).replace("%", "%%")
    config.set_main_option("script_location", location)
    return config
