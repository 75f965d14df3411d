"""Runs one program that cannot outlive the process that asked for it.

Started as a plain file by `process.Child`, with an interpreter that loads nothing else:
`python -I -S leash.py PARENT_PID LIFELINE_FD DEATH_SIGNAL UID GID PROGRAM ARGUMENTS…`.

On Linux the kernel is asked to send DEATH_SIGNAL when the parent goes, however it goes,
and this process then becomes the program. Elsewhere it stays as a watchdog: the parent
holds the other end of the pipe LIFELINE_FD, and its end of file means that the parent is
gone. Either way privileges are dropped first: changing the user clears the kernel's promise.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from types import FrameType

PR_SET_PDEATHSIG = 1
KEEP = -1  # of a user or group id: stay who we are
NO_LIFELINE = -1
GRACE_S = 5.0  # for what the watchdog ends, between the death signal and SIGKILL


def main(arguments: list[str]) -> int:
    """Become `arguments`' program, or watch over it; the exit status is the program's."""
    parent, lifeline, death_signal, uid, gid = map(int, arguments[:5])
    program = arguments[5:]
    if gid != KEEP:
        os.setgroups([])
        os.setgid(gid)
    if uid != KEEP:
        os.setuid(uid)
    if lifeline != NO_LIFELINE:
        return _watch(program, lifeline, death_signal)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        return _refuse(f"prctl failed: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:  # it went before the kernel could be asked
        return _refuse("the parent process is gone")
    try:
        os.execvpe(program[0], program, os.environ)  # noqa: S606 - no shell is wanted
    except OSError as error:
        return _refuse(f"cannot run {program[0]}: {error.strerror}")


def _watch(program: list[str], lifeline: int, death_signal: int) -> int:
    running: list[subprocess.Popen[bytes]] = []
    early: list[int] = []

    def pass_on(number: int, _: FrameType | None) -> None:
        if running:
            running[0].send_signal(number)
        else:
            early.append(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, pass_on)
    try:
        child = subprocess.Popen(program)  # noqa: S603 - the caller's own program
    except OSError as error:
        return _refuse(f"cannot run {program[0]}: {error.strerror}")
    running.append(child)
    for missed in early:
        child.send_signal(missed)

    def parent_is_gone() -> None:
        while os.read(lifeline, 1):
            pass
        child.send_signal(death_signal)
        try:
            child.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            os.killpg(0, signal.SIGKILL)

    threading.Thread(target=parent_is_gone, daemon=True).start()
    status = child.wait()
    return status if status >= 0 else 128 - status


def _refuse(why: str) -> int:
    sys.stderr.write(f"leash: {why}\n")
    return 127


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
