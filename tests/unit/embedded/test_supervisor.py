"""Servers that die, and do not come back at the first attempt."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr

from fleetops.embedded import supervisor
from fleetops.embedded.broker import EmbeddedBroker
from fleetops.embedded.postgres import PostgresServer
from fleetops.embedded.process import Child, ChildSpec
from fleetops.embedded.restarts import RestartPolicy
from fleetops.embedded.stop import StopRequest
from fleetops.embedded.supervisor import Supervisor
from fleetops.errors import ServerStartError
from fleetops.settings import Settings

LIMIT = 3


def _child(name: str, folder: Path, code: str) -> Child:
    child = Child(ChildSpec(name, [sys.executable, "-I", "-S", "-c", code], {}, folder), folder / "logs")
    child.start()
    return child


def _dead(name: str, folder: Path) -> Child:
    child = _child(name, folder, "raise SystemExit(9)")
    while child.running():
        time.sleep(0.01)
    return child


class Servers:
    """A dead broker and a dead PostgreSQL whose first starts fail; `log` has every attempt in its order."""

    def __init__(self, folder: Path, failures: int) -> None:
        self.log: list[str] = []
        outer = self

        def attempt(name: str) -> Child:
            outer.log.append(name)
            if outer.log.count(name) <= failures:
                raise ServerStartError(f"{name}: the reason of attempt {outer.log.count(name)}")
            return _child(name, folder, "import time; time.sleep(60)")

        class Broker(EmbeddedBroker):
            def __init__(self) -> None:
                self._child = _dead("broker", folder)

            def start(self) -> None:
                self._child = attempt("broker")

        class Postgres(PostgresServer):
            def __init__(self) -> None:
                self._child = _dead("postgres", folder)

            def start(self) -> str:
                self._child = attempt("postgres")
                return "postgresql://"

        self.broker, self.postgres = Broker(), Postgres()


def _supervisor(folder: Path, servers: Servers, monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    monkeypatch.setattr(supervisor, "stages", lambda _: ())
    settings = Settings(data_dir=folder, service_token=SecretStr("x" * 40))
    it = Supervisor(settings, lambda _: None, StopRequest(), lambda _: None)
    it._policies = defaultdict(partial(RestartPolicy, limit=LIMIT, first_wait_s=0.0))
    it._broker, it._postgres = servers.broker, servers.postgres
    return it


def test_a_start_that_fails_is_tried_again_and_the_database_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are dead: PostgreSQL, which the services need, and then the broker, each as often as it takes."""
    servers = Servers(tmp_path, failures=LIMIT - 1)
    it = _supervisor(tmp_path, servers, monkeypatch)
    try:
        it.watch()
        assert servers.log == ["postgres"] * LIMIT + ["broker"] * LIMIT
        it.watch()
        assert len(servers.log) == 2 * LIMIT
    finally:
        it.stop()


def test_the_policy_ends_it_with_the_last_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that fails for ever ends the demo, as often as a child that dies may be started, and says why."""
    servers = Servers(tmp_path, failures=LIMIT)
    it = _supervisor(tmp_path, servers, monkeypatch)
    with pytest.raises(ServerStartError, match=f"postgres: the reason of attempt {LIMIT}"):
        it.watch()
    assert servers.log == ["postgres"] * LIMIT
