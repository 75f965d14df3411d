"""Apache Kafka, a single node in KRaft mode, run from Maven's class path."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from platformdirs import user_cache_path

from .processes import free_port, spawn, stop, tail_of
from .readiness import wait_for_kafka

POM = Path(__file__).parent.parent / "kafka" / "pom.xml"
CACHE = user_cache_path("fleetops-tests")

_HEAP = "-Xmx512m"

_PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers={controller}
listeners=PLAINTEXT://{address},CONTROLLER://{controller}
advertised.listeners=PLAINTEXT://{address},CONTROLLER://{controller}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
auto.create.topics.enable=false
"""

_LOG4J = """
Configuration:
  status: ERROR
  Appenders:
    Console:
      name: STDOUT
      PatternLayout:
        pattern: "%d %p %m (%c{1})%n"
  Loggers:
    Root:
      level: WARN
      AppenderRef:
        ref: STDOUT
"""


def missing() -> str | None:
    """What Apache Kafka would need and this machine does not have; None when it can run."""
    absent = [program for program in ("java", "mvn") if shutil.which(program) is None]
    if not absent:
        return None
    return f"Apache Kafka needs {' and '.join(absent)} on the PATH (Debian: openjdk-17-jre-headless, maven)"


def class_path() -> str:
    """The jars of the broker; fetched by Maven once per `pom.xml`, then remembered outside the repository."""
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:16]
    remembered = CACHE / f"kafka-{digest}.classpath"
    if remembered.exists():
        jars = remembered.read_text()
        if all(Path(jar).exists() for jar in jars.split(os.pathsep)):
            return jars
    CACHE.mkdir(parents=True, exist_ok=True)
    fresh = remembered.with_suffix(f".{os.getpid()}")
    subprocess.run(
        [
            "mvn", "-q", "-B", "-f", str(POM),
            "dependency:build-classpath", f"-Dmdep.outputFile={fresh}", "-DincludeScope=runtime",
        ],
        check=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    fresh.replace(remembered)
    return remembered.read_text()


@dataclass(frozen=True)
class ApacheKafka:
    """A running single-node cluster."""

    process: subprocess.Popen[bytes]
    bootstrap_servers: str
    folder: Path

    @classmethod
    def start(cls, folder: Path) -> ApacheKafka:
        """Format `folder`, start a node on 127.0.0.1, and wait until it answers."""
        address = f"127.0.0.1:{free_port()}"
        (folder / "server.properties").write_text(
            _PROPERTIES.format(address=address, controller=f"127.0.0.1:{free_port()}", data=folder / "data")
        )
        (folder / "log4j2.yaml").write_text(_LOG4J)
        _format(folder / "server.properties")
        return cls(_run(folder, address), address, folder)

    def again(self) -> ApacheKafka:
        """Start the node anew after it ended or was killed: same address, same records."""
        return replace(self, process=_run(self.folder, self.bootstrap_servers))

    def stop(self) -> None:
        """End the node in an orderly way."""
        stop(self.process)


def _run(folder: Path, address: str) -> subprocess.Popen[bytes]:
    log = folder / "kafka.log"
    process = spawn(
        [
            "java", _HEAP, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
            f"-Dlog4j2.configurationFile={folder / 'log4j2.yaml'}",
            "-cp", class_path(), "kafka.Kafka", folder / "server.properties",
        ],
        log,
        cwd=folder,
    )  # fmt: skip
    wait_for_kafka(address, process, within_s=90, log=lambda: tail_of(log))
    return process


def _format(config: Path) -> None:
    tool = ["java", "-XX:TieredStopAtLevel=1", "-cp", class_path(), "kafka.tools.StorageTool"]
    made = subprocess.run([*tool, "random-uuid"], check=True, capture_output=True, text=True)
    # Joined by `=`: a generated id may begin with a dash, which would be taken for an option.
    cluster = made.stdout.strip().splitlines()[-1]
    subprocess.run(
        [*tool, "format", f"--cluster-id={cluster}", "--standalone", f"--config={config}"],
        check=True,
        capture_output=True,
    )
