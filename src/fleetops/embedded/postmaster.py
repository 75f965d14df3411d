"""Whether a process is a PostgreSQL server on our data: asked before it gets a signal."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

PROC = Path("/proc")
PS_TIMEOUT_S = 5.0


def is_postmaster_of(pid: int, data: Path) -> bool | None:
    """Whether process `pid` is a living server on `data`; None where that cannot be told."""
    if (PROC / "self").exists():
        try:
            return (PROC / str(pid) / "cwd").resolve() == data.resolve()  # a postmaster works in its data directory
        except OSError:
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # alive, and another user's
    command = _command_of(pid)
    if command is None:
        return None
    return any(f"postgres -D {place} " in f"{command} " for place in {data, data.resolve()})


def _command_of(pid: int) -> str | None:
    """The command line of a process, as `ps` has it; None where there is no answer."""
    try:
        answer = subprocess.run(  # noqa: S603 - a number is all that varies
            ["ps", "-ww", "-p", str(pid), "-o", "command="],  # noqa: S607 - where it lies differs between systems
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PS_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip() or None
