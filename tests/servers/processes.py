"""Child processes that cannot outlive the test run."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_LAUNCH = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != int(sys.argv[1]):
        sys.exit("the parent is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Asks the kernel for SIGKILL at the parent's death, then becomes the server. The request outlives exec."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def bound_to_us(command: Sequence[str | Path]) -> list[str]:
    """`command`, made to die with the thread that starts it."""
    program = shutil.which(str(command[0]))
    if program is None:
        raise FileNotFoundError(command[0])
    return [sys.executable, "-c", _LAUNCH, str(os.getpid()), program, *map(str, command[1:])]


def spawn(
    command: Sequence[str | Path], log: Path, *, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start `command`, its output in `log`. It dies with the calling thread, even if that is killed.

    Only the main thread should call this: Linux sends the death signal when the thread ends.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            bound_to_us(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=env,
            # Out of the terminal's process group, so that Ctrl-C reaches the test first.
            start_new_session=True,
        )


def stop(process: subprocess.Popen[bytes], *, within_s: float = 10.0) -> None:
    """End `process`: ask, wait, then insist."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def tail_of(log: Path, lines: int = 30) -> str:
    """The last lines of a server's log, for the message of a failed start."""
    if not log.exists():
        return "(no log)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
