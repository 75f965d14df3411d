"""The three services as child processes: their commands, where they listen, when they are ready."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from ..errors import ServerStartError
from ..settings import Settings
from .environment import child_environment
from .ports import LOOPBACK, claim
from .process import Child, ChildSpec
from .stop import StopRequest

READY_TIMEOUT_S = 60.0
PROBE_INTERVAL_S = 0.1
PROBE_TIMEOUT_S = 1.0
WILDCARDS = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - recognised here, not listened on


@dataclass(frozen=True, slots=True)
class Service:
    """One of ours: `name` in logs and client ids, `command` of the program `fleetops`."""

    name: str
    command: str
    host: str
    port: int

    @property
    def url(self) -> str:
        """Where to reach it from this machine."""
        host = LOOPBACK if self.host in WILDCARDS else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def child(self, settings: Settings) -> Child:
        """A new process for it, not started yet."""
        spec = ChildSpec(
            name=self.name,
            command=[sys.executable, "-m", "fleetops.cli", self.command],
            environment=child_environment(settings) | {"PYTHONUNBUFFERED": "1"},
            directory=Path.cwd(),
        )
        return Child(spec, settings.data_dir / "logs")

    def await_ready(self, child: Child, stop: StopRequest) -> None:
        """Wait until `/readyz` says so.

        Raises:
            ServerStartError: the child ended before, or took too long; carries the tail of its log.
        """
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not self._ready():
            if not child.running():
                raise ServerStartError(f"{self.name} did not start: {child.obituary()}")
            if time.monotonic() > deadline:
                raise ServerStartError(f"{self.name} is not ready after {READY_TIMEOUT_S:.0f} s: {child.obituary()}")
            stop.pause(PROBE_INTERVAL_S)

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=PROBE_TIMEOUT_S, trust_env=False).is_success
        except httpx.TransportError:
            return False


def claim_ports(settings: Settings) -> Settings:
    """`settings` with a port for each service that is free right now.

    Raises:
        ConfigurationError: one is taken; says which, and what to set.
    """
    replay, anomaly, operator = settings.replay, settings.anomaly, settings.operator
    ports = {
        "replay": claim("FLEETOPS_REPLAY__PORT", "replay-service", replay.host, replay.port),
        "anomaly": claim("FLEETOPS_ANOMALY__PORT", "anomaly-service", anomaly.host, anomaly.port),
        "operator": claim("FLEETOPS_OPERATOR__PORT", "operator-service", operator.host, operator.port),
    }
    return settings.model_copy(
        update={
            "replay": replay.model_copy(update={"port": ports["replay"]}),
            "anomaly": anomaly.model_copy(update={"port": ports["anomaly"]}),
            "operator": operator.model_copy(update={"port": ports["operator"]}),
        }
    )


def anomaly_service(settings: Settings) -> Service:
    """anomaly-service, where `settings` have it listen."""
    return Service("anomaly-service", "anomaly", settings.anomaly.host, settings.anomaly.port)


def operator_service(settings: Settings) -> Service:
    """operator-service, where `settings` have it listen."""
    return Service("operator-service", "operator", settings.operator.host, settings.operator.port)


def replay_service(settings: Settings) -> Service:
    """replay-service, where `settings` have it listen."""
    return Service("replay-service", "replay", settings.replay.host, settings.replay.port)


def stages(settings: Settings) -> tuple[tuple[Service, ...], ...]:
    """All of them in the order in which they start: first those that listen, then the one that speaks."""
    return (anomaly_service(settings), operator_service(settings)), (replay_service(settings),)
