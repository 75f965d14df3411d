"""`fleetops demo` as a process, the way its user meets it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

PATIENCE_S = 120.0  # starting everything takes some seconds on an idle machine, and this one is shared
GONE_S = 15.0


class RunningDemo:
    """A demo in a terminal's process group of its own, with free ports and its output at hand."""

    def __init__(self, data_dir: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir
        ports = {f"FLEETOPS_{service}__PORT": "0" for service in ("REPLAY", "ANOMALY", "OPERATOR")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fleetops.cli", "demo", "--no-browser", "--data-dir", str(data_dir), *arguments],
            env=os.environ | ports | dict(environment or {}) | {"COLUMNS": "200"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            process_group=0,
            text=True,
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> RunningDemo:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.ctrl_c()
            try:
                self.process.wait(GONE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self._reader.join()
        if self.process.stdout is not None:
            self.process.stdout.close()

    @property
    def output(self) -> str:
        """What it has said so far."""
        return "\n".join(self._lines)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first place where the output matches, once it does."""
        deadline = time.monotonic() + PATIENCE_S
        while (found := re.search(pattern, self.output)) is None:
            assert self.process.poll() is None, f"ended with {self.process.returncode}:\n{self.output}"
            assert time.monotonic() < deadline, f"no {pattern!r} in:\n{self.output}"
            time.sleep(0.05)
        return found

    def exit_code(self) -> int:
        """What it ends with by itself."""
        code = self.process.wait(PATIENCE_S)
        self._reader.join()
        return code

    def ctrl_c(self) -> None:
        """What a terminal does: SIGINT to the whole foreground group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def family(self) -> list[psutil.Process]:
        """Every living descendant."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, words: str) -> psutil.Process:
        """The descendant whose command line has `words`."""
        found = [process for process in self.family() if words in " ".join(process.cmdline())]
        return found[0]

    def anomaly_ids(self) -> set[str]:
        """Ids of all anomalies that detection logged, over all its starts."""
        ids = set()
        for log in (self.data_dir / "logs").glob("anomaly-service*.log"):
            for line in log.read_text().splitlines():
                if '"anomaly_detected"' in line:
                    ids.add(str(json.loads(line)["anomaly_id"]))
        return ids

    def _read(self) -> None:
        if self.process.stdout is not None:
            for line in self.process.stdout:
                self._lines.append(line.rstrip("\n"))


def all_gone(family: list[psutil.Process]) -> bool:
    """Whether every one of them ends soon without help."""
    _, alive = psutil.wait_procs(family, timeout=GONE_S)
    return not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def remove_outside(data_dir: Path) -> None:
    """Remove what a server of root keeps outside its data directory."""
    home = data_dir / "postgres"
    if home.is_symlink():
        shutil.rmtree(home.resolve(), ignore_errors=True)
