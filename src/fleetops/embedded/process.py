"""A supervised child: its own session, its log in a file, gone when its parent is gone."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ..errors import ServerStartError
from . import leash

KEPT_LOGS = 5
TAIL_LINES = 12
TAIL_BYTES = 16_384
KILL_WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged user a child runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run, and how it is to be ended.

    `environment` is complete: nothing is inherited beside it. `stop_signal` asks for a clean
    end, `death_signal` is what the child gets when this very process dies.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    account: Account | None = None


class Child:
    """One run of a `ChildSpec`. Its output goes to `log_path`; older runs' logs are kept beside it."""

    def __init__(self, spec: ChildSpec, log_dir: Path, *, watchdog: bool = sys.platform != "linux") -> None:
        self.spec = spec
        self.log_path = log_dir / f"{spec.name}.log"
        self._watchdog = watchdog
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline: int | None = None

    @property
    def pid(self) -> int | None:
        """Process id, also that of the child's session and group; None before the start."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the child. Must be called from the main thread.

        Linux ties the death signal to the thread that started the child, so a short-lived
        thread would take the child with it.

        Raises:
            ServerStartError: the program could not be started at all.
        """
        if threading.current_thread() is not threading.main_thread():
            raise ServerStartError(f"{self.spec.name} must be started from the main thread")
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        rotate(self.log_path)
        theirs, ours = os.pipe() if self._watchdog else (leash.NO_LIFELINE, leash.NO_LIFELINE)
        account = self.spec.account
        command = [
            sys.executable, "-I", "-S", leash.__file__,
            str(os.getpid()), str(theirs), str(int(self.spec.death_signal)),
            str(account.uid if account else leash.KEEP), str(account.gid if account else leash.KEEP),
            *self.spec.command,
        ]  # fmt: skip
        try:
            with self.log_path.open("ab") as log:
                self._process = subprocess.Popen(  # noqa: S603 - programs of our own choosing
                    command,
                    env=dict(self.spec.environment),
                    cwd=self.spec.directory,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    pass_fds=[theirs] if self._watchdog else [],
                )
        except OSError as error:
            raise ServerStartError(f"cannot start {self.spec.name}: {error}") from error
        finally:
            if self._watchdog:
                os.close(theirs)
        self._lifeline = ours if self._watchdog else None

    def exit_code(self) -> int | None:
        """What the child ended with (negative: the signal), or None while it runs."""
        return self._process.poll() if self._process else None

    def running(self) -> bool:
        """Whether the child was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def ask(self) -> None:
        """Ask the child to end, and wait for nothing."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(self.spec.stop_signal)

    def stop(self, grace_s: float = 10.0) -> None:
        """End the child: its stop signal, then SIGKILL to its group after `grace_s` seconds."""
        self.ask()
        if self._process is not None:
            try:
                self._process.wait(grace_s)
            except subprocess.TimeoutExpired:
                self.kill()
        self._release()

    def kill(self) -> None:
        """End the child's whole group at once, and wait until it is gone."""
        self.strike()
        if self._process is not None:
            self._process.wait(KILL_WAIT_S)
        self._release()

    def strike(self) -> None:
        """Send SIGKILL to the child's whole group. Waits for nothing, so a signal handler may call it."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _release(self) -> None:
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None

    def obituary(self) -> str:
        """How the child ended, with the tail of its log: what a person needs to see why."""
        return f"{self.spec.name} {describe_exit(self.exit_code())}\n{tail(self.log_path)}\nfull log: {self.log_path}"


def describe_exit(code: int | None) -> str:
    """An exit code in words; a negative one is the signal that ended the process."""
    if code is None:
        return "is still running"
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"exited with code {code}"


def rotate(log: Path, keep: int = KEPT_LOGS) -> None:
    """Make room for a new `log`: NAME.log becomes NAME.1.log, and so on up to `keep` old ones."""
    aged = [log, *(log.with_suffix(f".{age}.log") for age in range(1, keep + 1))]
    for younger, older in reversed(list(pairwise(aged))):
        if younger.exists():
            younger.replace(older)


def tail(log: Path, lines: int = TAIL_LINES) -> str:
    """The last `lines` lines of `log`, indented; a remark when there is nothing in it."""
    if not log.exists():
        return "  (no log was written)"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        text = file.read().decode(errors="replace")
    last = text.rstrip().splitlines()[-lines:]
    return "\n".join(f"  | {line}" for line in last) or "  (the log is empty)"
