"""A database of the version before people were managed comes to this one with its sessions and tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from alembic import command
from alembic.config import Config
from pydantic import SecretStr
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from tests.servers.postgres import Postgres

from fleetops.db import migrate
from fleetops.settings import Settings

_BEFORE = """
INSERT INTO operators (operator_id, display_name, role) VALUES ('jo', 'Jo', 'operator');
INSERT INTO web_sessions (session_hash, operator_id, expires_at, last_seen_at)
    SELECT 'hash' || n, 'jo', now() + interval '1 hour', now() FROM generate_series(1, 3) AS n;
INSERT INTO api_tokens (token_id, name, role, token_hash, created_at, revoked_at) VALUES
    (gen_random_uuid(), 'nightly', 'viewer', 'revoked', '2026-01-01Z', '2026-02-01Z'),
    (gen_random_uuid(), 'nightly', 'viewer', 'old', '2026-01-02Z', NULL),
    (gen_random_uuid(), 'nightly', 'viewer', 'new', '2026-01-03Z', NULL),
    (gen_random_uuid(), 'other', 'viewer', 'single', '2026-01-03Z', NULL);
"""


@pytest.fixture
def before(postgres: Postgres) -> Iterator[str]:
    """The address of a database at revision 0003, which is dropped in the end."""
    postgres.execute("CREATE DATABASE before_people")
    yield postgres.url("before_people")
    postgres.execute("DROP DATABASE before_people WITH (FORCE)")


async def test_sessions_get_names_and_tokens_of_one_name_are_told_apart(before: str) -> None:
    """The newest keeps the name, the others go on under another; what was revoked stays as it was."""
    engine = create_async_engine(before.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        await connection.run_sync(_to_0003)
    await engine.dispose()
    database = await asyncpg.connect(before)
    try:
        await database.execute(_BEFORE)
        await asyncio.to_thread(migrate.upgrade, Settings(database_url=SecretStr(before)))
        names = {row["token_hash"]: row["name"] for row in await database.fetch("SELECT * FROM api_tokens")}
        assert (names["new"], names["revoked"], names["single"]) == ("nightly", "nightly", "other")
        assert names["old"].startswith("nightly.")
        assert await database.fetchval("SELECT count(DISTINCT session_id) FROM web_sessions") == 3
    finally:
        await database.close()


def _to_0003(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    command.upgrade(config, "0003")
