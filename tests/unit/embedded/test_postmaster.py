"""No process gets a signal unless it is known to be a server on our data."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleetops.embedded import postgres, postmaster


@pytest.fixture
def no_proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system such as macOS."""
    monkeypatch.setattr(postmaster, "PROC", tmp_path / "no-proc")


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A living process that has to do with our data, and is no server: somebody reads a file there."""
    file = tmp_path / "data" / "postgresql.conf"
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", str(file)]) as process:
        yield process
        process.kill()


@pytest.mark.usefixtures("no_proc")
def test_ps_tells_who_it_is(tmp_path: Path, stranger: subprocess.Popen[bytes]) -> None:
    """Without /proc the command line decides, and a process that is gone is none."""
    data = tmp_path / "data"
    assert postmaster.is_postmaster_of(stranger.pid, data) is False
    server = [sys.executable, "-c", "import time; time.sleep(60)", "postgres", "-D", str(data), "-p", "1"]
    with subprocess.Popen(server) as process:
        assert postmaster.is_postmaster_of(process.pid, data) is True
        assert postmaster.is_postmaster_of(process.pid, tmp_path / "dat") is False
        process.kill()
    assert postmaster.is_postmaster_of(process.pid, data) is False


@pytest.mark.usefixtures("no_proc")
def test_where_it_cannot_be_told_nobody_is_hurt(
    tmp_path: Path, stranger: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without /proc and `ps` a pid file is left to PostgreSQL, and its process is sent nothing."""
    data = tmp_path / "data"
    data.mkdir()
    pid_file = data / "postmaster.pid"
    pid_file.write_text(f"{stranger.pid}\n")
    server = postgres.PostgresServer.__new__(postgres.PostgresServer)
    server._data = data
    monkeypatch.setenv("PATH", str(tmp_path))
    sent: list[int] = []
    kill = os.kill

    def watched(pid: int, number: int) -> None:
        sent.append(number)
        kill(pid, number)

    monkeypatch.setattr(os, "kill", watched)
    assert postmaster.is_postmaster_of(stranger.pid, data) is None
    server._clear_leftover()
    assert signal.SIGQUIT not in sent
    assert stranger.poll() is None
    assert pid_file.exists()
