"""The schema that migrations build is the one that the models describe."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.servers.postgres import Postgres

from fleetops.db import engine as db_engine
from fleetops.db import migrate, models
from fleetops.db.base import Base
from fleetops.errors import ConfigurationError, DatabaseError
from fleetops.settings import OperatorSettings, Settings

_CATALOGUE = """
SELECT 'column', table_name || '.' || column_name,
       concat_ws(' ', data_type, character_maximum_length, is_nullable, column_default, identity_generation)
FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
UNION ALL
SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
    AND conrelid::regclass::text <> 'alembic_version'
UNION ALL
SELECT 'index', indexname::text, indexdef FROM pg_indexes
WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""


async def catalogue(url: str) -> set[tuple[str, str, str]]:
    """Every column, constraint and index of a database, as PostgreSQL itself writes them."""
    connection = await asyncpg.connect(url)
    try:
        return {(str(row[0]), str(row[1]), str(row[2])) for row in await connection.fetch(_CATALOGUE)}
    finally:
        await connection.close()


async def test_migrations_build_what_the_models_say(postgres: Postgres, database_url: str) -> None:
    """Columns, defaults, constraints and indexes agree, predicates of partial indexes included."""
    await asyncio.to_thread(postgres.execute, "CREATE DATABASE from_models")
    engine = db_engine.create_engine(Settings(database_url=SecretStr(postgres.url("from_models"))), "test")
    try:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        assert await catalogue(database_url) == await catalogue(postgres.url("from_models"))
    finally:
        await engine.dispose()
        await asyncio.to_thread(postgres.execute, "DROP DATABASE from_models WITH (FORCE)")


async def test_the_agreed_columns_and_indexes_are_there(database_url: str) -> None:
    """The four tables carry every agreed column, and alerts the three agreed index names."""
    found = await catalogue(database_url)
    columns = {name for kind, name, _ in found if kind == "column"}
    agreed = {
        "alerts": "alert_id anomaly_id vehicle_id event_time alert_status severity anomaly_type assigned_operator_id "
        "created_at acknowledged_at resolved_at",
        "vehicles": "vehicle_id scene_id track_id current_state last_telemetry_time last_position_x last_position_y "
        "last_velocity_magnitude created_at updated_at",
        "operator_actions": "action_id alert_id vehicle_id operator_id action_type metadata created_at",
        "incident_history": "incident_id alert_id vehicle_id anomaly_type severity evidence resolved_action_type "
        "resolved_by_operator_id resolved_at created_at",
    }
    assert {f"{table}.{column}" for table, names in agreed.items() for column in names.split()} <= columns
    assert {"idx_vehicle_id", "idx_status", "idx_severity"} <= {name for kind, name, _ in found if kind == "index"}
    assert not [facts for kind, _, facts in found if kind == "column" and "timestamp without" in facts]


async def test_upgrading_again_and_at_the_same_time_is_harmless(database_settings: Settings) -> None:
    """Replicas that start together take turns; one that comes late finds nothing to do."""
    await asyncio.gather(*(asyncio.to_thread(migrate.upgrade, database_settings) for _ in range(3)))


async def test_from_nothing_three_at_once(postgres: Postgres) -> None:
    """An empty database is migrated once, whoever comes first."""
    await asyncio.to_thread(postgres.execute, "CREATE DATABASE empty_one")
    settings = Settings(database_url=SecretStr(postgres.url("empty_one")))
    try:
        engine = db_engine.create_engine(settings, "test")
        with pytest.raises(DatabaseError, match="fleetops db upgrade"):
            await migrate.require_schema(engine)
        await asyncio.gather(*(asyncio.to_thread(migrate.upgrade, settings) for _ in range(3)))
        await migrate.require_schema(engine)
        await engine.dispose()
        connection = await asyncpg.connect(postgres.url("empty_one"))
        assert await connection.fetchval("SELECT count(*) FROM outbox_counter") == 1
        await connection.close()
    finally:
        await asyncio.to_thread(postgres.execute, "DROP DATABASE empty_one WITH (FORCE)")


async def test_a_newer_schema_is_refused(database_settings: Settings, engine: AsyncEngine, database_url: str) -> None:
    """An older program leaves a newer one's database alone, and says so."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await connection.close()
    with pytest.raises(DatabaseError, match="9999"):
        await asyncio.to_thread(migrate.upgrade, database_settings)
    with pytest.raises(DatabaseError, match="9999"):
        await migrate.require_schema(engine)


def test_an_absent_server_is_named_and_the_password_is_not() -> None:
    """The message says where PostgreSQL was looked for, and keeps the secret."""
    settings = Settings(
        database_url=SecretStr("postgresql://someone:hidden-word@127.0.0.1:9/fleet"),
        operator=OperatorSettings(database_timeout_s=0.3),
    )
    with pytest.raises(DatabaseError, match=r"127\.0\.0\.1:9/fleet") as caught:
        migrate.upgrade(settings)
    assert "hidden-word" not in str(caught.value)


def test_a_wrong_password_is_said_at_once(postgres: Postgres) -> None:
    """Waiting would not make it right."""
    url = postgres.url("postgres").replace(postgres.password, "wrong")
    settings = Settings(database_url=SecretStr(url), operator=OperatorSettings(database_timeout_s=60))
    with pytest.raises(DatabaseError, match="password"):
        migrate.upgrade(settings)


@pytest.mark.parametrize("url", [None, "no url at all", "mysql://a:b@127.0.0.1/c"])
def test_without_a_postgresql_url_the_setting_is_named(url: str | None) -> None:
    """A missing or foreign URL is an error of configuration that names the variable."""
    settings = Settings(database_url=None if url is None else SecretStr(url))
    with pytest.raises(ConfigurationError, match="FLEETOPS_DATABASE_URL"):
        migrate.upgrade(settings)


def test_every_model_is_in_the_metadata() -> None:
    """Alembic and create_all see both modules' tables."""
    assert {"alerts", "operators", "outbox", models.Intervention.__tablename__} <= set(Base.metadata.tables)
