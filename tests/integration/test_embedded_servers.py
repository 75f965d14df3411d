"""The embedded broker and PostgreSQL: started, killed, started again."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from fleetops.bus.admin import ensure_topics
from fleetops.contracts.topics import TOPICS
from fleetops.embedded import account, postmaster
from fleetops.embedded.broker import EmbeddedBroker
from fleetops.embedded.ports import free_port
from fleetops.embedded.postgres import OWNER, PostgresServer, running_url
from fleetops.errors import ServerStartError
from fleetops.settings import KafkaSettings


def _remove_home(data_dir: Path) -> None:
    kept = data_dir / "postgres"
    if kept.is_symlink():
        shutil.rmtree(kept.resolve(), ignore_errors=True)


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A data directory; what root's servers keep outside it is removed as well."""
    folder = tmp_path / "data"
    folder.mkdir()
    yield folder
    _remove_home(folder)


@pytest.fixture(scope="module")
def cluster_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data directory whose cluster the tests share; each starts and stops a server on it."""
    folder = tmp_path_factory.mktemp("cluster")
    yield folder
    _remove_home(folder)


@pytest.fixture
def postgres(cluster_dir: Path) -> Iterator[PostgresServer]:
    """A running server."""
    server = PostgresServer(cluster_dir)
    server.start()
    yield server
    server.child.stop()


def _query(url: str, sql: str) -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(url, timeout=10)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_the_database_is_there_with_the_address_that_start_gives(postgres: PostgresServer) -> None:
    """The URL leads to our own database, in UTF-8, by TCP on loopback."""
    assert _query(postgres.url, "SELECT current_database()") == OWNER
    assert _query(postgres.url, "SHOW server_encoding") == "UTF8"
    assert _query(postgres.url, "SHOW listen_addresses") == "127.0.0.1"


def test_nobody_comes_in_without_the_password(postgres: PostgresServer, cluster_dir: Path) -> None:
    """Loopback is no credential, and the files that hold the password are private."""
    with pytest.raises(asyncpg.InvalidPasswordError):
        _query(f"postgresql://{OWNER}:guess@127.0.0.1:{postgres.port}/{OWNER}", "SELECT 1")
    for name in ("postgres_password", "database_url"):
        assert stat.S_IMODE((cluster_dir / name).stat().st_mode) == 0o600


def test_it_never_runs_as_root(postgres: PostgresServer) -> None:
    """Whoever starts the demo, the server's user is not root and owns the data alone."""
    home = (postgres.child.spec.directory / "data").stat()
    assert home.st_uid != 0
    assert stat.S_IMODE(home.st_mode) == 0o700


def test_data_survives_stop_and_kill(cluster_dir: Path) -> None:
    """A second start finds what the first one kept, also after kill -9 with its stale pid file."""
    first = PostgresServer(cluster_dir)
    first.start()
    _query(first.url, "CREATE TABLE kept AS SELECT 7 AS number")
    first.child.kill()
    second = PostgresServer(cluster_dir)
    second.start()
    try:
        assert _query(second.url, "SELECT number FROM kept") == 7
        assert running_url(cluster_dir) == second.url
    finally:
        second.child.stop()
    assert second.child.exit_code() == 0


@pytest.fixture(params=["with /proc", "without /proc"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Linux, and a system such as macOS, where `ps` has to tell what a process is."""
    if request.param == "without /proc":
        monkeypatch.setattr(postmaster, "PROC", tmp_path / "no-proc")


@pytest.mark.usefixtures("system")
def test_a_stale_pid_file_of_another_process_does_not_keep_it_from_starting(cluster_dir: Path) -> None:
    """When the number in it went to another living process of the same user, that one is left alone."""
    first = PostgresServer(cluster_dir)
    first.start()
    pid_file = first.child.spec.directory / "data" / "postmaster.pid"
    words = pid_file.read_text()
    first.child.stop()
    user = account.unprivileged()
    stranger = subprocess.Popen(["sleep", "60"], user=user.uid if user else None)
    try:
        pid_file.write_text(words.replace(words.split("\n", 1)[0], str(stranger.pid), 1))
        second = PostgresServer(cluster_dir)
        second.start()
        second.child.stop()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.usefixtures("system")
def test_a_leftover_server_is_ended_first(cluster_dir: Path) -> None:
    """A server that still runs on our data, as after a crash, makes room for the new one."""
    first = PostgresServer(cluster_dir)
    first.start()
    second = PostgresServer(cluster_dir)
    second.start()
    try:
        assert not first.child.running()
        assert _query(second.url, "SELECT 1") == 1
    finally:
        second.child.stop()


def test_data_of_another_major_version_is_refused(cluster_dir: Path) -> None:
    """The message says which version wrote it, which one this is, and what to do."""
    server = PostgresServer(cluster_dir)
    server.start()
    server.child.stop()
    version_file = (cluster_dir / "postgres" / "data" / "PG_VERSION").resolve()
    written = version_file.read_text()
    version_file.write_text("12\n")
    try:
        with pytest.raises(ServerStartError, match=r"PostgreSQL 12.*brings 18.*pg_upgrade"):
            PostgresServer(cluster_dir).start()
    finally:
        version_file.write_text(written)


def test_a_taken_port_is_told_with_the_log(cluster_dir: Path) -> None:
    """A server that cannot listen ends, and its own words are in the error."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        with pytest.raises(ServerStartError, match="could not create any TCP/IP sockets"):
            PostgresServer(cluster_dir, holder.getsockname()[1]).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to give up being root")
def test_what_the_servers_user_cannot_reach_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs below a private home are copied to where the user gets at them, once."""
    private = tmp_path / "private"
    (private / "tree").mkdir(parents=True)
    (private / "tree" / "program").write_text("x")
    private.chmod(0o700)
    monkeypatch.setattr(account, "STATE_DIR", tmp_path / "state")
    user = account.unprivileged()
    assert user is not None
    copy = account.reachable_copy(private / "tree", (), "1", user)
    assert copy == tmp_path / "state" / "tree-1" / "tree"
    assert (copy / "program").read_text() == "x"
    assert account.reachable_copy(private / "tree", (), "1", user) == copy


def test_the_broker_answers_with_all_topics_and_only_on_loopback(data_dir: Path) -> None:
    """Once started, a real metadata request finds every topic with its partitions."""
    broker = EmbeddedBroker(KafkaSettings(), data_dir)
    broker.start()
    try:
        assert broker.kafka.bootstrap_servers == f"127.0.0.1:{broker.port}"
        assert ensure_topics(broker.kafka) == {topic.name: topic.partitions for topic in TOPICS}
        assert broker.kafka.session_timeout_ms == 6000
    finally:
        broker.child.stop()
    assert broker.child.exit_code() in {0, -signal.SIGTERM}


def test_a_broker_does_not_take_anothers_answer_for_its_own(data_dir: Path) -> None:
    """Where something listens already it says so, instead of handing out the other one's address."""
    first = EmbeddedBroker(KafkaSettings(), data_dir)
    first.start()
    try:
        with pytest.raises(ServerStartError, match="is taken by another program"):
            EmbeddedBroker(KafkaSettings(), data_dir / "other", first.port).start()
    finally:
        first.child.stop()


def test_a_broker_killed_comes_back_empty_on_the_same_port(data_dir: Path) -> None:
    """A new start after kill -9 listens where the old one did, with the topics made anew."""
    broker = EmbeddedBroker(KafkaSettings(), data_dir, free_port())
    broker.start()
    broker.child.kill()
    broker.start()
    try:
        assert ensure_topics(broker.kafka)
    finally:
        broker.child.stop()
