"""operator-service as its users meet it: a process, its addresses, and what they hold to get in."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import asyncpg
import httpx
from pydantic import SecretStr
from tests.servers.processes import free_port, spawn, stop, tail_of
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from fleetops.auth.roles import Role
from fleetops.bus.producer import Producer
from fleetops.contracts import topics
from fleetops.contracts.anomalies import Anomaly
from fleetops.operator import access
from fleetops.settings import KafkaSettings, OperatorSettings, Settings

Event = dict[str, object]

_RUN = """
from fleetops.log import configure_logging
from fleetops.operator.service import run
from fleetops.settings import Settings
configure_logging("operator-service")
run(Settings())
"""


@dataclass
class OperatorService:
    """The running process, and ways in for each role."""

    settings: Settings
    folder: Path
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes]
    tokens: dict[Role, str] = field(default_factory=dict)
    clients: list[httpx.Client] = field(default_factory=list)

    @classmethod
    def start(
        cls, folder: Path, database_url: str, kafka: KafkaSettings, extra: Mapping[str, str] | None = None
    ) -> OperatorService:
        """Start it on a free port and wait until it is ready."""
        settings = cls.settings_for(folder, database_url, kafka)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("FLEETOPS_")},
            "FLEETOPS_DATABASE_URL": database_url,
            "FLEETOPS_DATA_DIR": str(folder / "data"),
            "FLEETOPS_OPERATOR__PORT": str(settings.operator.port),
            "FLEETOPS_KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "FLEETOPS_KAFKA__SOLE_CONSUMER": str(kafka.sole_consumer),
            "PYTHONWARNINGS": "error",
            **(extra or {}),
        }
        service = cls(settings, folder, environment, spawn_service(folder, environment))
        service.wait_until_ready()
        return service

    @staticmethod
    def settings_for(folder: Path, database_url: str, kafka: KafkaSettings) -> Settings:
        """What commands beside the service would be configured with."""
        return Settings(
            database_url=SecretStr(database_url),
            kafka=kafka,
            operator=OperatorSettings(port=free_port()),
            data_dir=folder / "data",
        )

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.settings.operator.port}"

    @property
    def log(self) -> Path:
        """What it wrote."""
        return self.folder / "operator.log"

    def wait_until_ready(self, within_s: float = 60) -> None:
        """Return once it says that it can do its work."""
        deadline = time.monotonic() + within_s
        while True:
            try:
                if httpx.get(f"{self.url}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"operator-service did not become ready:\n{tail_of(self.log)}")
            time.sleep(0.05)

    def again(self) -> None:
        """Start it anew on the same port, after it ended."""
        self.process = spawn_service(self.folder, self.environment)
        self.wait_until_ready()

    def terminate(self) -> float:
        """End it by SIGTERM; how many seconds it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        return time.monotonic() - began

    def stop(self) -> None:
        """End it, whatever it takes."""
        for client in self.clients:
            client.close()
        stop(self.process)

    def client(self, headers: Mapping[str, str] | None = None) -> httpx.Client:
        """A client that holds nothing yet; closed with the service."""
        client = httpx.Client(base_url=self.url, headers=headers, timeout=20)
        self.clients.append(client)
        return client

    def sql(self, statement: str) -> list[asyncpg.Record]:
        """Run a statement behind the service's back. Not for a thread with a running event loop."""

        async def run() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(self.environment["FLEETOPS_DATABASE_URL"])
            try:
                return list(await connection.fetch(statement))
            finally:
                await connection.close()

        return asyncio.run(run())

    def token(self, role: Role) -> str:
        """An API token of this role."""
        if role not in self.tokens:
            self.tokens[role] = access.create_token(self.settings, role, f"test-{role}-{secrets.token_hex(4)}")
        return self.tokens[role]

    def login_link(self, operator_id: str = "operator_001", role: Role = Role.OPERATOR) -> str:
        """A new one-time link."""
        return access.make_login_link(self.settings, operator_id, role)

    def as_program(self, role: Role = Role.OPERATOR) -> httpx.Client:
        """A client that shows a token."""
        return self.client({"Authorization": f"Bearer {self.token(role)}"})

    def as_person(self, operator_id: str = "operator_001", role: Role = Role.OPERATOR) -> httpx.Client:
        """A browser that has opened a login link: a cookie, and an Origin with each request."""
        client = self.client({"Origin": self.url})
        assert client.get(self.login_link(operator_id, role)).status_code == 303
        return client

    @asynccontextmanager
    async def socket(
        self,
        *,
        since: int | None = None,
        role: Role = Role.VIEWER,
        subprotocols: Sequence[str] = (),
        compression: str | None = None,
        options: Mapping[str, int | None] | None = None,
    ) -> AsyncIterator[Socket]:
        """The WebSocket of a program with a token, through a foreign client."""
        query = "" if since is None else f"?since={since}"
        token = await asyncio.to_thread(self.token, role)
        async with connect(
            f"{self.url.replace('http', 'ws')}/ws{query}",
            additional_headers={"Authorization": f"Bearer {token}"},
            max_size=None,
            compression=compression,
            subprotocols=[Subprotocol(each) for each in subprotocols] or None,
            **(options or {}),  # type: ignore[arg-type]  # the library's options differ in type; a test knows which it gives
        ) as connection:
            yield Socket(connection)


@dataclass
class Socket:
    """A client of `/ws` that understands JSON."""

    connection: ClientConnection

    async def next(self, within_s: float = 15) -> Event:
        """The next event."""
        text = await asyncio.wait_for(self.connection.recv(), within_s)
        assert isinstance(text, str)
        return cast("Event", json.loads(text))

    async def until(self, kind: str, within_s: float = 15) -> Event:
        """The next event of a kind, whatever comes before it."""
        deadline = time.monotonic() + within_s
        while True:
            event = await self.next(max(0.01, deadline - time.monotonic()))
            if event["type"] == kind:
                return event

    async def until_closed(self, within_s: float = 30) -> int | None:
        """Read until the server closes; with which code."""

        async def read_on() -> None:
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await self.connection.recv()

        await asyncio.wait_for(read_on(), within_s)
        return self.connection.close_code

    async def numbered(self, up_to: int, within_s: float = 20) -> list[Event]:
        """The events with a `seq` until that of `up_to`, snapshots left out."""
        deadline = time.monotonic() + within_s
        events: list[Event] = []
        while not events or cast("int", events[-1]["seq"]) < up_to:
            event = await self.next(max(0.01, deadline - time.monotonic()))
            if "seq" in event and event["type"] != "snapshot":
                events.append(event)
        return events


def spawn_service(folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """The process, not waited for."""
    return spawn([sys.executable, "-c", _RUN], folder / "operator.log", cwd=folder, env=environment)


def send(kafka: KafkaSettings, topic: str, messages: Sequence[tuple[str | None, bytes]]) -> None:
    """Put messages on a topic, keyed, and wait until the broker has them."""
    producer = Producer(kafka, "test")
    for key, value in messages:
        if key is None:
            for partition in range(6):
                producer.send(topic, value, partition=partition)
        else:
            producer.send(topic, value, key=key.encode())
    producer.flush(10)
    producer.close()


def detect(kafka: KafkaSettings, *anomalies: Anomaly) -> None:
    """Send what anomaly-service would."""
    send(kafka, topics.ANOMALIES, [(anomaly.vehicle_id, anomaly.write()) for anomaly in anomalies])
